"""Notes that wait for the playhead, through the scheduler, on a clock that the tests move."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scheduler_bench import OFF, ON, SchedulerBench

from diffroll_live.errors import Busy, PortClosed, RequestError
from diffroll_live.midi.note_queue import LATE_SECONDS
from diffroll_live.midi.playhead import Loop, PlayheadModel
from diffroll_live.types import NoteEvent

SCALE = tuple(NoteEvent(float(at), at + 0.5, 60 + at, 80) for at in range(5))


@pytest.fixture
def bench() -> SchedulerBench:
    return SchedulerBench()


def roll(
    bench: SchedulerBench, position: float, run: int, rate: float = 1.0, loop: Loop | None = None
) -> PlayheadModel:
    """Let the playhead go from a position now on."""
    playhead = PlayheadModel(run, True, bench.now, position, rate, position, loop)
    bench.scheduler.follow(playhead)
    return playhead


def halt(bench: SchedulerBench, run: int) -> None:
    bench.scheduler.follow(PlayheadModel(run, False, bench.now, 0.0))


def starts(bench: SchedulerBench) -> list[tuple[float, int]]:
    return [(instant, pitch) for instant, status, pitch, _ in bench.notes if status == ON]


def assert_all_ended(bench: SchedulerBench) -> None:
    """Every start has its end, and no two notes of a pitch overlap."""
    open_notes: set[int] = set()
    for _, status, pitch, _ in bench.notes:
        assert (pitch in open_notes) == (status == OFF)
        open_notes ^= {pitch}
    assert not open_notes


def test_nothing_sounds_before_the_playhead_moves(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", SCALE, origin=10.0)
    bench.run(20.0)
    assert not bench.notes
    assert bench.scheduler.next_due <= 121.0  # only the port is looked after


def test_notes_sound_at_origin_plus_t(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", SCALE, origin=10.0)
    roll(bench, 9.5, run=1)
    bench.run(10.0)
    assert starts(bench) == [(0.5 + at, 60 + at) for at in range(5)]
    assert [instant for instant, status, *_ in bench.notes if status == OFF] == [1.0 + at for at in range(5)]


def test_half_speed_takes_twice_as_long(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", SCALE, origin=0.0)
    roll(bench, 0.0, run=1, rate=0.5)
    bench.run(20.0)
    assert starts(bench) == [(2.0 * at, 60 + at) for at in range(5)]


def test_a_stop_ends_what_sounds_and_a_new_start_plays_from_there(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", SCALE, origin=0.0)
    roll(bench, 0.0, run=1)
    bench.run(1.2)
    halt(bench, run=2)
    bench.run(3.0)
    assert bench.notes[-1] == (1.2, OFF, 61, 0)
    roll(bench, 2.0, run=3)
    bench.run(10.0)
    assert [pitch for _, pitch in starts(bench)] == [60, 61, 62, 63, 64]
    assert_all_ended(bench)


def test_a_jump_ends_what_sounds_and_goes_on_elsewhere(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", SCALE, origin=0.0)
    roll(bench, 0.0, run=1)
    bench.run(0.25)
    roll(bench, 2.9, run=2)
    bench.run(0.5)
    roll(bench, 0.0, run=3)
    bench.run(10.0)
    assert [pitch for _, pitch in starts(bench)] == [60, 63, 60, 61, 62, 63, 64]
    assert (0.25, OFF, 60, 0) in bench.notes
    assert_all_ended(bench)


def test_a_loop_plays_its_notes_in_each_lap_and_cuts_at_its_end(bench: SchedulerBench) -> None:
    notes = (*SCALE, NoteEvent(1.9, 4.0, 90, 80))
    bench.scheduler.place("job", notes, origin=0.0)
    roll(bench, 0.0, run=1, loop=Loop(1.0, 2.0))
    bench.run(21.5)
    assert Counter(pitch for _, pitch in starts(bench)) == {60: 1, 61: 21, 90: 20}
    assert [instant for instant, pitch in starts(bench) if pitch == 61] == [float(at) for at in range(1, 22)]
    cuts = [instant for instant, status, pitch, _ in bench.notes if (status, pitch) == (OFF, 90)]
    assert cuts == [float(at) for at in range(2, 22)]
    halt(bench, run=2)
    bench.run(1.0)
    assert_all_ended(bench)
    assert bench.scheduler.dropped("job") == 0


def test_a_correction_moves_what_is_to_come_and_doubles_nothing(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", SCALE, origin=0.0)
    playhead = roll(bench, 0.0, run=1)
    bench.run(1.0)  # the note at 1.0 has just been started
    bench.scheduler.follow(replace(playhead, unwrapped=-0.02))  # the playhead is a little behind that
    bench.run(0.5)
    bench.scheduler.follow(replace(playhead, unwrapped=0.03))
    bench.run(10.0)
    assert starts(bench) == [(0.0, 60), (1.0, 61), (1.97, 62), (2.97, 63), (3.97, 64)]
    assert_all_ended(bench)


def test_a_tempo_that_changes_while_a_note_sounds_moves_its_end(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", [NoteEvent(0.0, 2.0, 60, 80)], origin=0.0)
    playhead = roll(bench, 0.0, run=1)
    bench.run(1.0)
    bench.scheduler.follow(replace(playhead, at=101.0, unwrapped=1.0, rate=0.5))
    bench.run(10.0)
    assert bench.notes == [(0.0, ON, 60, 80), (3.0, OFF, 60, 0)]


def test_notes_that_come_when_the_playhead_has_passed(bench: SchedulerBench) -> None:
    roll(bench, 2.0, run=1)
    bench.run(1.03)  # at 3.03
    bench.scheduler.place("job", SCALE, origin=0.0)
    bench.run(5.0)
    assert starts(bench) == [(1.03, 63), (2.0, 64)]  # 30 ms late, and in time
    assert bench.scheduler.dropped("job") == 1  # at 2.0; what lies before the start of this run is not late
    roll(bench, 0.0, run=2)
    bench.run(9.0)
    assert [pitch for _, pitch in starts(bench)[2:]] == [60, 61, 62, 63, 64]
    assert_all_ended(bench)


def test_notes_stream_in_ahead_of_the_playhead_in_any_order(bench: SchedulerBench) -> None:
    roll(bench, 0.0, run=1)
    for note in (SCALE[3], SCALE[1], SCALE[4], SCALE[2]):
        bench.scheduler.place("job", [note], origin=0.0)
        bench.run(0.1)
    bench.run(9.0)
    assert starts(bench) == [(float(at), 60 + at) for at in range(1, 5)]


def test_a_stall_drops_and_counts_and_never_bursts(bench: SchedulerBench) -> None:
    notes = [NoteEvent(0.1 * at, 60.0, 30 + at, 80) for at in range(1, 11)]
    bench.scheduler.place("job", notes, origin=0.0)
    roll(bench, 0.0, run=1)
    bench.jump(1.04)
    assert starts(bench) == [(1.04, 40)]
    assert bench.scheduler.dropped("job") == 9


def test_a_jump_during_a_stall_leaves_nothing_hanging(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", [NoteEvent(1.0, 1.2, 60, 80), NoteEvent(1.01, 1.2, 60, 81)], origin=0.0)
    roll(bench, 0.0, run=1)
    bench.now += 1.02
    message = bench.scheduler._queue.pop(bench.clock)  # the first has left; the second would end it first
    assert message is not None
    bench.scheduler._sink.send(message)
    roll(bench, 5.0, run=2)
    bench.run(3.0)
    assert_all_ended(bench)


def test_a_lost_port_drops_and_the_next_pass_plays(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", SCALE, origin=0.0)
    roll(bench, 0.0, run=1)
    bench.run(0.2)
    bench.broken = True
    bench.unplug()
    bench.run(2.5)
    bench.broken = False
    bench.run(9.0)
    assert bench.scheduler.dropped("job") >= 2
    roll(bench, 0.0, run=2)
    before = len(starts(bench))
    bench.run(9.0)
    assert [pitch for _, pitch in starts(bench)[before:]] == [60, 61, 62, 63, 64]


def test_cancel_panic_and_notes_with_times(bench: SchedulerBench) -> None:
    bench.scheduler.place("a", SCALE, origin=0.0)
    bench.scheduler.place("b", [NoteEvent(0.0, 4.0, 90, 80)], origin=0.0)
    bench.scheduler.play("c", [NoteEvent(0.0, 1.0, 60, 81)], start=100.5)
    roll(bench, 0.0, run=1)
    bench.run(1.2)
    bench.scheduler.cancel("a")
    bench.run(0.5)
    assert bench.notes[:4] == [(0.0, ON, 60, 80), (0.0, ON, 90, 80), (0.5, OFF, 60, 0), (0.5, ON, 60, 81)]
    assert (1.2, OFF, 61, 0) in bench.notes
    bench.scheduler.panic()
    bench.run(9.0)
    assert (1.7, OFF, 90, 0) in bench.notes
    assert len(starts(bench)) == 4
    assert_all_ended(bench)
    roll(bench, 0.0, run=2)
    bench.run(9.0)
    assert len(starts(bench)) == 4


def test_what_cannot_be_placed_is_refused(bench: SchedulerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffroll_live.midi.note_queue.MAX_PENDING", 100)
    with pytest.raises(RequestError, match="finite"):
        bench.scheduler.place("job", SCALE, origin=float("nan"))
    with pytest.raises(RequestError, match="cannot be played"):
        bench.scheduler.place("job", [NoteEvent(1.0, 0.5, 60, 80)], origin=0.0)
    bench.scheduler.place("job", [NoteEvent(0.0, 1.0, 60, 80)] * 100, origin=0.0)
    with pytest.raises(Busy):
        bench.scheduler.play("job", [NoteEvent(0.0, 1.0, 60, 80)], start=0.0)
    bench.scheduler.close()
    with pytest.raises(PortClosed):
        bench.scheduler.place("job", SCALE, origin=0.0)


NOTES = st.lists(
    st.builds(
        lambda onset, seconds, pitch: NoteEvent(onset / 16, (onset + seconds) / 16, pitch, 80),
        st.integers(0, 64),
        st.integers(1, 24),
        st.integers(60, 63),
    ),
    max_size=12,
)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(1, 40)),
        st.tuples(st.just("stall"), st.integers(1, 10)),
        st.tuples(st.just("roll"), st.integers(0, 64)),
        st.tuples(st.just("loop"), st.integers(0, 31)),
        st.tuples(st.just("halt"), st.just(0)),
        st.tuples(st.just("cancel"), st.just(0)),
        st.tuples(st.just("place"), NOTES),
        st.tuples(st.just("play"), NOTES),
        st.tuples(st.just("nudge"), st.integers(-5, 5)),
    ),
    max_size=25,
)


@given(NOTES, ACTIONS)
def test_whatever_the_playhead_does_no_note_hangs_or_overlaps(notes, actions) -> None:
    bench = SchedulerBench()
    bench.scheduler.place("job", notes, origin=0.0)
    playhead = PlayheadModel()
    for run, (action, value) in enumerate(actions, start=1):
        if action == "run":
            bench.run(value / 16)
        elif action == "stall":
            bench.jump(value / 16)
        elif action == "roll":
            playhead = roll(bench, value / 16, run)
        elif action == "loop":
            playhead = roll(bench, value / 16, run, loop=Loop(1.0, 2.0) if value < 32 else None)
        elif action == "halt":
            playhead = replace(playhead, run=run, playing=False)
            bench.scheduler.follow(playhead)
        elif action == "cancel":
            bench.scheduler.cancel("job")
        elif action == "nudge":
            playhead = replace(playhead, unwrapped=playhead.unwrapped + value / 1000)
            bench.scheduler.follow(playhead)
        else:
            getattr(bench.scheduler, action)("job", value, bench.now if action == "play" else 0.0)
    halt(bench, run=1000)
    bench.scheduler.cancel("job")
    bench.run(1.0)
    assert_all_ended(bench)


@given(NOTES, st.lists(st.floats(-0.02, 0.02), max_size=20))
def test_whatever_the_corrections_each_note_sounds_once_and_near_its_place(notes, nudges) -> None:
    bench = SchedulerBench()
    once = {note.onset: note for note in notes}  # a pitch of its own each, so that none cuts another short
    placed = [replace(note, pitch=i) for i, note in enumerate(once.values())]
    bench.scheduler.place("job", placed, origin=0.0)
    playhead = roll(bench, 0.0, run=1)
    for nudge in nudges:
        bench.run(0.25)
        bench.scheduler.follow(replace(playhead, unwrapped=nudge))
    bench.run(10.0)
    sounded = {pitch: instant for instant, pitch in starts(bench)}
    assert len(starts(bench)) + bench.scheduler.dropped("job") == len(placed)
    assert bench.scheduler.dropped("job") == 0
    assert all(abs(sounded[note.pitch] - note.onset) <= 0.04 < LATE_SECONDS for note in placed)
    assert_all_ended(bench)
