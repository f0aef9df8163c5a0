"""The sustain pedal on the port: it goes down and up on time, and nothing leaves it down."""

from __future__ import annotations

import pytest
from support.scheduler_bench import OFF, ON, START, SchedulerBench

from diffroll_live.midi.pedal import PEDAL, as_key
from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.types import NoteEvent, PedalSpan

CONTROL, SUSTAIN = 0xB0, 64


@pytest.fixture
def bench() -> SchedulerBench:
    return SchedulerBench()


def pedal(bench: SchedulerBench) -> list[tuple[float, int, int]]:
    """Time from START, channel and value of each movement on the tests' channel."""
    rows = [(round(sent.instant - START, 6), *sent.message) for sent in bench.sent]
    return [(at, status & 0xF, value) for at, status, *_, value in rows if (status, _[0]) == (CONTROL | 2, SUSTAIN)]


def down(bench: SchedulerBench) -> None:
    bench.scheduler.play("job", [as_key(PedalSpan(0.5, 9.0, 2)), NoteEvent(0.6, 9.0, 60, 80, 2)], start=100.0)
    bench.run(1.0)
    assert pedal(bench) == [(0.5, 2, 127)]


def test_the_pedal_is_controller_64(bench: SchedulerBench) -> None:
    bench.scheduler.play("job", [as_key(PedalSpan(0.5, 1.5, 2)), NoteEvent(0.6, 1.0, 60, 80, 2)], start=100.0)
    bench.run(2.0)
    assert bench.notes == [(0.6, ON | 2, 60, 80), (1.0, OFF | 2, 60, 0)]
    assert pedal(bench) == [(0.5, 2, 127), (1.5, 2, 0)]


def test_a_change_of_the_pedal_lifts_it_first(bench: SchedulerBench) -> None:
    spans = [as_key(PedalSpan(0.1, 0.5, 2)), as_key(PedalSpan(0.5, 0.8, 2))]
    bench.scheduler.play("job", spans, start=100.0)
    bench.run(1.0)
    assert pedal(bench) == [(0.1, 2, 127), (0.5, 2, 0), (0.5, 2, 127), (0.8, 2, 0)]


@pytest.mark.parametrize("how", ["cancel", "panic", "close"])
def test_whatever_ends_the_notes_lifts_the_pedal(bench: SchedulerBench, how: str) -> None:
    down(bench)
    {"cancel": lambda: bench.scheduler.cancel("job"), "panic": bench.scheduler.panic, "close": bench.scheduler.close}[
        how
    ]()
    assert pedal(bench)[1] == (1.0, 2, 0)
    assert not bench.scheduler.sounding


def test_a_held_pedal_is_released_like_a_held_note(bench: SchedulerBench) -> None:
    bench.scheduler.hold("live", 2, PEDAL, 127, 100.2)
    bench.run(1.0)
    bench.scheduler.release("live", 2, PEDAL, 101.5)
    bench.run(2.0)
    assert pedal(bench) == [(0.2, 2, 127), (1.5, 2, 0)]


def test_the_pedal_of_a_timeline_ends_where_the_playhead_stops(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", [as_key(PedalSpan(0.5, 9.0, 2))], origin=0.0)
    bench.scheduler.follow(PlayheadModel(run=1, playing=True, at=100.0))
    bench.run(1.0)
    assert pedal(bench) == [(0.5, 2, 127)]
    bench.scheduler.follow(PlayheadModel(run=2, playing=False, at=101.0))
    bench.run(0.2)
    assert pedal(bench)[1][2] == 0
