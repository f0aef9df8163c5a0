"""The scheduler, with what it is made of (note_queue, kept_sink), on a clock that the tests turn."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.jack import wait_until
from support.scheduler_bench import OFF, ON, Bench, Clock

from diffroll_live.errors import Busy, PortClosed, PortError, RequestError
from diffroll_live.midi.note_queue import LATE_SECONDS, MAX_PENDING
from diffroll_live.midi.reconnecting_sink import FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS, PortState
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import RecordingSink, Sent
from diffroll_live.types import NoteEvent


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_phrase_is_sent_at_its_times(bench: Bench) -> None:
    chord = [NoteEvent(0.5, 1.0, 60, 80), NoteEvent(0.5, 1.5, 64, 70, channel=3)]
    bench.scheduler.play("job", [*chord, NoteEvent(0.1, 0.2, 72, 1)], start=100.0)
    bench.run(2.0)
    assert bench.notes == [
        (0.1, ON, 72, 1),
        (0.2, OFF, 72, 0),
        (0.5, ON, 60, 80),
        (0.5, ON | 3, 64, 70),
        (1.0, OFF, 60, 0),
        (1.5, OFF | 3, 64, 0),
    ]
    assert bench.scheduler.dropped("job") == 0


def test_a_port_that_takes_its_time_is_given_it(bench: Bench) -> None:
    bench.sinks[-1].lead = 0.01
    bench.scheduler.play("job", [NoteEvent(0.5, 1.0, 60, 80)], start=100.0)
    bench.run(2.0)
    assert bench.notes == [(0.49, ON, 60, 80), (0.99, OFF, 60, 0)]
    assert bench.scheduler.lateness().p99 == pytest.approx(0.0)


def test_notes_stream_in_and_start_shifts_them(bench: Bench) -> None:
    bench.scheduler.play("job", [NoteEvent(2.0, 2.5, 60, 80)], start=99.0)
    bench.run(0.5)
    bench.scheduler.play("job", [NoteEvent(1.7, 3.0, 62, 80)], start=99.0)
    bench.run(2.0)
    assert [note[:3] for note in bench.notes] == [(0.7, ON, 62), (1.0, ON, 60), (1.5, OFF, 60), (2.0, OFF, 62)]


def test_a_restrike_ends_the_earlier_note_first(bench: Bench) -> None:
    bench.scheduler.play("a", [NoteEvent(0.1, 2.0, 60, 80)], start=100.0)
    bench.scheduler.play("b", [NoteEvent(0.5, 1.0, 60, 81)], start=100.0)
    bench.run(3.0)
    assert bench.notes == [(0.1, ON, 60, 80), (0.5, OFF, 60, 0), (0.5, ON, 60, 81), (1.0, OFF, 60, 0)]


def test_at_one_instant_notes_end_before_others_start(bench: Bench) -> None:
    bench.scheduler.play("b", [NoteEvent(0.5, 1.0, 60, 81), NoteEvent(0.5, 1.0, 50, 81)], start=100.0)
    bench.scheduler.play("a", [NoteEvent(0.1, 0.5, 60, 80)], start=100.0)
    bench.run(0.5)
    assert [note[1:3] for note in bench.notes] == [(ON, 60), (OFF, 60), (ON, 60), (ON, 50)]


def test_late_notes_are_played_to_50_ms_then_dropped_and_counted(bench: Bench) -> None:
    notes = [NoteEvent(0.1 * at, 60.0, 30 + at, 80) for at in range(1, 11)]
    bench.scheduler.play("job", notes, start=100.0)
    bench.jump(1.04)  # a stall: all ten are due, the last but 40 ms late
    assert bench.notes == [(1.04, ON, 40, 80)]
    assert bench.scheduler.dropped("job") == 9
    assert bench.scheduler.dropped("other") == 0


def test_a_stall_ends_notes_late_rather_than_never(bench: Bench) -> None:
    bench.scheduler.play("job", [NoteEvent(0.0, 0.5, 60, 80)], start=100.0)
    bench.jump(0.0)
    bench.jump(30.0)
    assert bench.notes == [(0.0, ON, 60, 80), (30.0, OFF, 60, 0)]


def test_cancel_ends_and_forgets_one_owner(bench: Bench) -> None:
    bench.scheduler.play("a", [NoteEvent(0.0, 9.0, 60, 80), NoteEvent(1.0, 2.0, 61, 80)], start=100.0)
    bench.scheduler.play("b", [NoteEvent(0.0, 3.0, 70, 80), NoteEvent(1.0, 2.0, 71, 80)], start=100.0)
    bench.run(0.5)
    bench.scheduler.cancel("a")
    assert bench.notes[2:] == [(0.5, OFF, 60, 0)]
    assert bench.scheduler.sounding == {(0, 70)}
    bench.scheduler.cancel("a")
    bench.run(9.0)
    assert [note[1:3] for note in bench.notes[3:]] == [(ON, 71), (OFF, 71), (OFF, 70)]


def test_panic_ends_everything_on_all_channels(bench: Bench) -> None:
    bench.scheduler.play("a", [NoteEvent(0.0, 9.0, 60, 80), NoteEvent(1.0, 2.0, 61, 80)], start=100.0)
    bench.scheduler.play("b", [NoteEvent(0.0, 3.0, 70, 80, channel=5)], start=100.0)
    bench.run(0.5)
    before = len(bench.sent)
    bench.scheduler.panic()
    messages = [sent.message for sent in bench.sent[before:]]
    assert messages[:2] == [(OFF, 60, 0), (OFF | 5, 70, 0)]
    assert sorted(messages[2:]) == [(0xB0 | channel, control, 0) for channel in range(16) for control in (120, 123)]
    assert bench.scheduler.sounding == frozenset()
    bench.run(9.0)
    assert len(bench.sent) == before + len(messages)


def test_close_is_a_panic_and_may_be_repeated(bench: Bench) -> None:
    bench.scheduler.play("a", [NoteEvent(0.0, 9.0, 60, 80)], start=100.0)
    bench.run(0.1)
    bench.scheduler.close()
    bench.scheduler.close()
    assert bench.notes == [(0.0, ON, 60, 80), (0.1, OFF, 60, 0)]
    assert not bench.scheduler.state.is_open
    assert len(bench.sinks) == 1
    with pytest.raises(PortClosed):
        bench.scheduler.play("a", [NoteEvent(0.0, 9.0, 60, 80)], start=100.0)


@pytest.mark.parametrize(
    "note",
    [
        NoteEvent(0.0, 1.0, 128, 80),
        NoteEvent(0.0, 1.0, 60, 0),
        NoteEvent(0.0, 1.0, 60, 80, channel=16),
        NoteEvent(1.0, 1.0, 60, 80),
        NoteEvent(float("nan"), 1.0, 60, 80),
        NoteEvent(0.0, float("inf"), 60, 80),
    ],
)
def test_notes_that_midi_cannot_say_are_refused_whole(bench: Bench, note: NoteEvent) -> None:
    with pytest.raises(RequestError):
        bench.scheduler.play("job", [NoteEvent(0.0, 1.0, 60, 80), note], start=100.0)
    with pytest.raises(RequestError):
        bench.scheduler.play("job", [NoteEvent(0.0, 1.0, 60, 80)], start=float("nan"))
    bench.run(2.0)
    assert bench.notes == []


def test_the_queue_is_bounded(bench: Bench) -> None:
    notes = [NoteEvent(at * 1e-3, at * 1e-3 + 1.0, 60, 80) for at in range(MAX_PENDING // 2)]
    bench.scheduler.play("job", notes, start=1000.0)
    bench.scheduler.play("job", notes, start=1000.0)
    with pytest.raises(Busy):
        bench.scheduler.play("job", notes[:1], start=1000.0)
    bench.scheduler.panic()
    bench.scheduler.play("job", notes[:1], start=1000.0)


def test_lateness_is_measured(bench: Bench) -> None:
    assert bench.scheduler.lateness().count == 0
    notes = [NoteEvent(0.1 * at, 0.1 * at + 0.05, 60, 80) for at in range(1, 11)]
    bench.scheduler.play("job", notes, start=100.0)
    for _ in range(20):
        bench.jump(bench.scheduler.next_turn - bench.clock.seconds + 0.002)
    bench.run(1.0)
    late = bench.scheduler.lateness()
    assert late.count == 20
    assert (late.median, late.p99) == (pytest.approx(0.002), pytest.approx(0.002))


# --- a port that is lost --------------------------------------------------------------------------------------------


def test_a_lost_port_is_told_of_and_opened_again(bench: Bench) -> None:
    notes = [NoteEvent(0.0, 9.0, 60, 80), NoteEvent(0.2, 0.3, 61, 80), NoteEvent(1.0, 2.0, 62, 80)]
    bench.scheduler.play("job", notes, start=100.0)
    bench.jump(0.0)
    bench.unplug()
    bench.run(0.4)
    assert [state.is_open for state in bench.states] == [True, False]
    assert bench.scheduler.sounding == frozenset()
    assert bench.scheduler.dropped("job") == 1  # due while there was no port
    bench.run(FIRST_RETRY_SECONDS)
    assert [state.is_open for state in bench.states] == [True, False, True]
    # One sounded when the port went, the other may have left when the port failed.
    assert [sent.message for sent in bench.sinks[1].sent] == [(OFF, 60, 0), (OFF, 61, 0)]
    bench.run(9.0)
    assert [sent.message[:2] for sent in bench.sinks[1].sent[2:]] == [(ON, 62), (OFF, 62)]


def test_an_idle_port_is_watched_too(bench: Bench) -> None:
    bench.unplug()
    bench.run(0.4)
    assert [state.is_open for state in bench.states] == [True, False]


def test_the_pause_between_attempts_grows(bench: Bench) -> None:
    bench.broken = True
    bench.unplug()
    attempts: list[float] = []

    def attempt() -> RecordingSink:
        attempts.append(bench.clock.seconds)
        raise PortError("There is no port.")

    bench.scheduler._sink._open_sink = attempt
    bench.run(60.0)
    pauses = [after - before for before, after in pairwise(attempts)]
    assert pauses[:4] == pytest.approx([1.0, 2.0, 4.0, 8.0], abs=0.11)
    assert max(pauses) <= LAST_RETRY_SECONDS + 0.11


def test_without_a_port_notes_are_counted_and_the_reason_is_told() -> None:
    def no_port() -> RecordingSink:
        raise PortError("There is no MIDI system here.")

    clock = Clock()
    scheduler = Scheduler(no_port, clock=clock)
    scheduler.turn()
    assert scheduler.state == PortState(False, "There is no MIDI system here.")
    scheduler.play("job", [NoteEvent(0.0, 1.0, 60, 80)], start=100.0)
    clock.seconds += 2.0
    scheduler.turn()
    assert scheduler.dropped("job") == 1
    scheduler.panic()
    scheduler.close()


def test_a_fault_that_nobody_thought_of_is_a_lost_port(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def fail(channel: int, pitch: int, velocity: int) -> None:
        raise ZeroDivisionError("a bug")

    bench.sinks[0].note_on = fail  # type: ignore[method-assign]
    bench.scheduler.play("job", [NoteEvent(0.0, 9.0, 60, 80), NoteEvent(1.0, 2.0, 61, 80)], start=100.0)
    with caplog.at_level(logging.ERROR):
        bench.run(3.0)
    assert "the MIDI output failed" in caplog.text
    assert [state.is_open for state in bench.states] == [True, False, True]
    assert bench.notes[-2:] == [(1.0, ON, 61, 80), (2.0, OFF, 61, 0)]


# --- any order of anything ------------------------------------------------------------------------------------------

owners = st.sampled_from("abc")
phrases = st.lists(
    st.builds(
        lambda onset, seconds, pitch, channel: NoteEvent(onset, onset + seconds, pitch, 64, channel),
        st.floats(-0.2, 3.0),
        st.floats(0.001, 2.0),
        st.integers(60, 62),
        st.integers(0, 1),
    ),
    max_size=6,
)
commands = st.one_of(
    st.tuples(st.just("play"), owners, phrases),
    st.tuples(st.just("cancel"), owners),
    st.tuples(st.just("panic")),
    st.tuples(st.just("run"), st.floats(0.0, 1.5)),
    st.tuples(st.just("jump"), st.floats(0.0, 1.5)),
    st.tuples(st.just("unplug")),
)


def carry_out(bench: Bench, command: tuple) -> None:  # type: ignore[type-arg]
    match command:
        case "play", owner, notes:
            bench.scheduler.play(owner, notes, start=bench.clock.seconds + 0.1)
        case "cancel", owner:
            bench.scheduler.cancel(owner)
        case ("panic",):
            bench.scheduler.panic()
            assert bench.scheduler.sounding == frozenset()
        case "run", seconds:
            bench.run(seconds)
        case "jump", seconds:
            bench.jump(seconds)
        case ("unplug",):
            bench.unplug()


def sounding_after(sent: tuple[Sent, ...]) -> Counter[tuple[int, int]]:
    """Follow the messages, checking at each that no note is started twice or ended without a start."""
    sounding: Counter[tuple[int, int]] = Counter()
    for status, pitch, _ in (entry.message for entry in sent):
        key = (status & 0x0F, pitch)
        if status & 0xF0 == ON:
            assert sounding[key] == 0, "two notes overlap on one pitch"
            sounding[key] += 1
        elif status & 0xF0 == OFF:
            assert sounding[key] == 1, "a note is ended that does not sound"
            sounding[key] -= 1
    return +sounding


@given(script=st.lists(commands, max_size=25))
def test_every_note_is_ended_once_and_none_overlap(script: list[tuple]) -> None:  # type: ignore[type-arg]
    bench = Bench()
    for command in script:
        if command[0] != "unplug":
            carry_out(bench, command)
            assert sounding_after(bench.sinks[0].sent) == Counter(bench.scheduler.sounding)
    bench.scheduler.close()
    assert not sounding_after(bench.sinks[0].sent)


@given(script=st.lists(commands, max_size=25))
def test_nothing_hangs_on_ports_that_come_and_go(script: list[tuple]) -> None:  # type: ignore[type-arg]
    bench = Bench()
    for command in script:
        carry_out(bench, command)
    bench.run(10.0)  # time to open a port again
    bench.scheduler.close()
    ended = set()
    for status, pitch, _ in (sent.message for sent in reversed(bench.sent)):
        key = (status & 0x0F, pitch)
        if status & 0xF0 == OFF:
            ended.add(key)
        elif status & 0xF0 == ON:
            assert key in ended, "a note was started and never ended"


@given(script=st.lists(commands, max_size=25))
def test_notes_are_never_sent_early_or_very_late(script: list[tuple]) -> None:  # type: ignore[type-arg]
    bench = Bench()
    allowed: list[tuple[float, int]] = []
    for command in script:
        if command[0] == "play":
            allowed += [(bench.clock.seconds + 0.1 + note.onset, note.pitch) for note in command[2]]
        carry_out(bench, command)
    for instant, status, pitch, _ in bench.notes:
        if status & 0xF0 == ON:
            late = [instant + 100.0 - due for due, played in allowed if played == pitch]
            assert any(-1e-5 <= seconds <= LATE_SECONDS + 1e-5 for seconds in late)


# --- the thread -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def scheduler(sink: RecordingSink) -> Iterator[Scheduler]:
    scheduler = Scheduler(lambda: sink)
    assert scheduler.start() == PortState(True, "Notes go to recording.")
    yield scheduler
    scheduler.close()


def note_messages(sink: RecordingSink) -> list[tuple[int, int, int]]:
    return [sent.message for sent in sink.sent if sent.message[0] & 0xF0 in (ON, OFF)]


def test_the_thread_plays_in_order(scheduler: Scheduler, sink: RecordingSink) -> None:
    notes = [NoteEvent(0.01 * at, 0.01 * at + 0.005, 30 + at, 80) for at in range(20)]
    start = scheduler.now() + 0.2
    scheduler.play("job", notes, start)
    wait_until(lambda: len(note_messages(sink)) + 2 * scheduler.dropped("job") == 40, "twenty notes")
    sent = [entry for entry in sink.sent if entry.message[0] == ON]
    assert [entry.message[1] for entry in sent] == sorted(entry.message[1] for entry in sent)
    for entry in sent:
        assert entry.instant >= start + 0.01 * (entry.message[1] - 30)
    assert scheduler.lateness().count == len(note_messages(sink))


def test_cancel_panic_and_close_return_when_it_is_silent(scheduler: Scheduler, sink: RecordingSink) -> None:
    for silence in (lambda: scheduler.cancel("job"), scheduler.panic, scheduler.close):
        scheduler.play("job", [NoteEvent(0.0, 60.0, 60, 80)], scheduler.now())
        wait_until(lambda: scheduler.sounding == {(0, 60)} or scheduler.dropped("job") > 0, "the note")
        silence()
        assert scheduler.sounding == frozenset()
        assert not sounding_after(sink.sent)


def test_commands_from_the_listener_do_not_wait_for_themselves() -> None:
    heard = threading.Event()

    def on_state(_state: PortState) -> None:
        scheduler.panic()
        scheduler.cancel("job")
        heard.set()
        raise ZeroDivisionError("a bug in a listener")

    scheduler = Scheduler(RecordingSink, on_state=on_state)
    assert scheduler.start().is_open
    assert heard.is_set()
    scheduler.close()


def test_the_thread_survives_what_nobody_thought_of(
    scheduler: Scheduler, sink: RecordingSink, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    original: Callable[[], bool] = scheduler._send_next
    failures = iter([True])

    def send_next() -> bool:
        if next(failures, False):
            raise ZeroDivisionError("a bug")
        return original()

    monkeypatch.setattr(scheduler, "_send_next", send_next)
    wait_until(lambda: "the MIDI thread failed" in caplog.text, "the failure")
    scheduler.play("job", [NoteEvent(0.0, 60.0, 60, 80)], scheduler.now() + 0.5)
    wait_until(lambda: scheduler.sounding == {(0, 60)} or scheduler.dropped("job") > 0, "the note")


def test_the_thread_goes_first_where_it_may(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scheduler._thread is not None
    assert scheduler._thread.native_id is not None
    policy = os.sched_getscheduler(scheduler._thread.native_id)
    refused: list[OSError] = []

    def may_i() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError as error:
            refused.append(error)

    asking = threading.Thread(target=may_i)
    asking.start()
    asking.join()
    assert policy == (os.SCHED_OTHER if refused else os.SCHED_RR | os.SCHED_RESET_ON_FORK)

    def refuse(*_: object) -> None:
        raise PermissionError("not you")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    other = Scheduler(RecordingSink)
    assert other.start().is_open
    other.close()


def test_close_from_many_threads(scheduler: Scheduler, sink: RecordingSink) -> None:
    scheduler.play("job", [NoteEvent(0.0, 60.0, 60, 80)], scheduler.now())
    threads = [threading.Thread(target=scheduler.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not sounding_after(sink.sent)
    assert not scheduler.state.is_open


PROGRAM = """
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import RecordingSink
from diffroll_live.types import NoteEvent
import time
class Printing(RecordingSink):
    def _send(self, message):
        print(*message, flush=True)
scheduler = Scheduler(Printing)
scheduler.start()
scheduler.play("job", [NoteEvent(0.0, 60.0, 60, 80)], scheduler.now() + 0.01)
while not scheduler.sounding and not scheduler.dropped("job"):
    time.sleep(0.01)
raise SystemExit("the program ends here")
"""


def test_a_program_that_ends_ends_its_notes() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    lines = ran.stdout.splitlines()
    assert lines[-1] == "191 120 0", ran.stderr  # all sound off on the last channel
    assert lines.count("144 60 80") == lines.count("128 60 0")
