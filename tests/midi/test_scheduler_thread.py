"""The scheduler's thread, on the real clock."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from support.hanging_sink import HangingSink
from support.scheduler_bench import OFF, ON, sounding_after
from support.waiting import wait_until

from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.midi.reconnecting_sink import PortState
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import RecordingSink
from diffroll_live.types import NoteEvent

pytestmark = pytest.mark.realtime

ANSWER_SECONDS = 30.0


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


def play_a_long_note(scheduler: Scheduler) -> None:
    """Play a note of a minute; a busy machine may be too late for it."""
    scheduler.play("job", [NoteEvent(0.0, 60.0, 60, 80)], scheduler.now())
    wait_until(lambda: scheduler.sounding == {(0, 60)} or scheduler.dropped("job") > 0, "the note")


def test_cancel_and_panic_complete_and_close_returns_when_it_is_silent(
    scheduler: Scheduler, sink: RecordingSink
) -> None:
    silences: tuple[Callable[[], object], ...] = (
        lambda: scheduler.cancel("job").result(ANSWER_SECONDS),
        lambda: scheduler.panic().result(ANSWER_SECONDS),
        scheduler.close,
    )
    for silence in silences:
        play_a_long_note(scheduler)
        silence()
        assert scheduler.sounding == frozenset()
        assert not sounding_after(sink.sent)


def test_nobody_waits_for_a_port_that_hangs_but_who_asks_for_silence() -> None:
    sink = HangingSink()
    scheduler = Scheduler(lambda: sink)
    scheduler.start()
    play_a_long_note(scheduler)
    silence = scheduler.panic()
    assert sink.hangs.wait(ANSWER_SECONDS)
    scheduler.play("next", [NoteEvent(0.0, 60.0, 62, 80)], scheduler.now())
    scheduler.hold("live", 0, 64, 80, scheduler.now())
    scheduler.release("live", 0, 64, scheduler.now() + 60.0)
    scheduler.place("job", [NoteEvent(0.0, 60.0, 65, 80)], 0.0)
    scheduler.follow(PlayheadModel())
    later = scheduler.cancel("next")
    assert not silence.cancel()
    assert not silence.done()
    assert not later.done()
    sink.go_on.set()
    later.result(ANSWER_SECONDS)
    assert silence.done()
    assert (0, 62) not in scheduler.sounding
    scheduler.close()
    assert scheduler.panic().done()
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
