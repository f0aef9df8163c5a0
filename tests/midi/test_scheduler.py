"""The scheduler and its note queue, on a clock that the tests move: what is sent, and when."""

from __future__ import annotations

import pytest
from support.scheduler_bench import OFF, ON, SchedulerBench

from diffroll_live.errors import Busy, PortClosed, RequestError
from diffroll_live.types import NoteEvent


@pytest.fixture
def bench() -> SchedulerBench:
    return SchedulerBench()


def test_a_phrase_is_sent_at_its_times(bench: SchedulerBench) -> None:
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


def test_a_port_that_takes_its_time_is_given_it(bench: SchedulerBench) -> None:
    bench.sinks[-1].lead = 0.01
    bench.scheduler.play("job", [NoteEvent(0.5, 1.0, 60, 80)], start=100.0)
    bench.run(2.0)
    assert bench.notes == [(0.49, ON, 60, 80), (0.99, OFF, 60, 0)]
    assert bench.scheduler.lateness().p99 == pytest.approx(0.0)


def test_notes_stream_in_and_start_shifts_them(bench: SchedulerBench) -> None:
    bench.scheduler.play("job", [NoteEvent(2.0, 2.5, 60, 80)], start=99.0)
    bench.run(0.5)
    bench.scheduler.play("job", [NoteEvent(1.7, 3.0, 62, 80)], start=99.0)
    bench.run(2.0)
    assert [note[:3] for note in bench.notes] == [(0.7, ON, 62), (1.0, ON, 60), (1.5, OFF, 60), (2.0, OFF, 62)]


def test_a_restrike_ends_the_earlier_note_first(bench: SchedulerBench) -> None:
    bench.scheduler.play("a", [NoteEvent(0.1, 2.0, 60, 80)], start=100.0)
    bench.scheduler.play("b", [NoteEvent(0.5, 1.0, 60, 81)], start=100.0)
    bench.run(3.0)
    assert bench.notes == [(0.1, ON, 60, 80), (0.5, OFF, 60, 0), (0.5, ON, 60, 81), (1.0, OFF, 60, 0)]


def test_at_one_instant_notes_end_before_others_start(bench: SchedulerBench) -> None:
    bench.scheduler.play("b", [NoteEvent(0.5, 1.0, 60, 81), NoteEvent(0.5, 1.0, 50, 81)], start=100.0)
    bench.scheduler.play("a", [NoteEvent(0.1, 0.5, 60, 80)], start=100.0)
    bench.run(0.5)
    assert [note[1:3] for note in bench.notes] == [(ON, 60), (OFF, 60), (ON, 60), (ON, 50)]


def test_late_notes_are_played_to_50_ms_then_dropped_and_counted(bench: SchedulerBench) -> None:
    notes = [NoteEvent(0.1 * at, 60.0, 30 + at, 80) for at in range(1, 11)]
    bench.scheduler.play("job", notes, start=100.0)
    bench.jump(1.04)  # a stall: all ten are due, the last but 40 ms late
    assert bench.notes == [(1.04, ON, 40, 80)]
    assert bench.scheduler.dropped("job") == 9
    assert bench.scheduler.dropped("other") == 0


def test_a_stall_ends_notes_late_rather_than_never(bench: SchedulerBench) -> None:
    bench.scheduler.play("job", [NoteEvent(0.0, 0.5, 60, 80)], start=100.0)
    bench.jump(0.0)
    bench.jump(30.0)
    assert bench.notes == [(0.0, ON, 60, 80), (30.0, OFF, 60, 0)]


def test_cancel_ends_and_forgets_one_owner(bench: SchedulerBench) -> None:
    bench.scheduler.play("a", [NoteEvent(0.0, 9.0, 60, 80), NoteEvent(1.0, 2.0, 61, 80)], start=100.0)
    bench.scheduler.play("b", [NoteEvent(0.0, 3.0, 70, 80), NoteEvent(1.0, 2.0, 71, 80)], start=100.0)
    bench.run(0.5)
    bench.scheduler.cancel("a")
    assert bench.notes[2:] == [(0.5, OFF, 60, 0)]
    assert bench.scheduler.sounding == {(0, 70)}
    bench.scheduler.cancel("a")
    bench.run(9.0)
    assert [note[1:3] for note in bench.notes[3:]] == [(ON, 71), (OFF, 71), (OFF, 70)]


def test_panic_ends_everything_on_all_channels(bench: SchedulerBench) -> None:
    bench.scheduler.play("a", [NoteEvent(0.0, 9.0, 60, 80), NoteEvent(1.0, 2.0, 61, 80)], start=100.0)
    bench.scheduler.play("b", [NoteEvent(0.0, 3.0, 70, 80, channel=5)], start=100.0)
    bench.run(0.5)
    before = len(bench.sent)
    bench.scheduler.panic()
    messages = [sent.message for sent in bench.sent[before:]]
    assert messages[:2] == [(OFF, 60, 0), (OFF | 5, 70, 0)]
    assert sorted(messages[2:]) == [(0xB0 | channel, control, 0) for channel in range(16) for control in (64, 120, 123)]
    assert bench.scheduler.sounding == frozenset()
    bench.run(9.0)
    assert len(bench.sent) == before + len(messages)


def test_close_is_a_panic_and_may_be_repeated(bench: SchedulerBench) -> None:
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
        NoteEvent(0.0, 1.0, 130, 80),
        NoteEvent(0.0, 1.0, 129, 16_384),
        NoteEvent(0.0, 1.0, 60, 0),
        NoteEvent(0.0, 1.0, 60, 80, channel=16),
        NoteEvent(1.0, 1.0, 60, 80),
        NoteEvent(float("nan"), 1.0, 60, 80),
        NoteEvent(0.0, float("inf"), 60, 80),
    ],
)
def test_notes_that_midi_cannot_say_are_refused_whole(bench: SchedulerBench, note: NoteEvent) -> None:
    with pytest.raises(RequestError):
        bench.scheduler.play("job", [NoteEvent(0.0, 1.0, 60, 80), note], start=100.0)
    with pytest.raises(RequestError):
        bench.scheduler.play("job", [NoteEvent(0.0, 1.0, 60, 80)], start=float("nan"))
    bench.run(2.0)
    assert bench.notes == []


def test_the_queue_is_bounded(bench: SchedulerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffroll_live.midi.note_queue.MAX_PENDING", 100)
    notes = [NoteEvent(at * 1e-3, at * 1e-3 + 1.0, 60, 80) for at in range(50)]
    bench.scheduler.play("job", notes, start=1000.0)
    bench.scheduler.play("job", notes, start=1000.0)
    with pytest.raises(Busy):
        bench.scheduler.play("job", notes[:1], start=1000.0)
    bench.scheduler.panic()
    bench.scheduler.play("job", notes[:1], start=1000.0)


def test_lateness_is_measured(bench: SchedulerBench) -> None:
    assert bench.scheduler.lateness().count == 0
    notes = [NoteEvent(0.1 * at, 0.1 * at + 0.05, 60, 80) for at in range(1, 11)]
    bench.scheduler.play("job", notes, start=100.0)
    for _ in range(20):
        bench.jump(bench.scheduler.next_due - bench.now + 0.002)
    bench.run(1.0)
    late = bench.scheduler.lateness()
    assert late.count == 20
    assert (late.median, late.p99) == (pytest.approx(0.002), pytest.approx(0.002))
