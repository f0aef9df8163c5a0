"""A MIDI port that is lost and comes back, under the scheduler, on a clock that the tests move."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest
from support.scheduler_bench import OFF, ON, SchedulerBench

from diffroll_live.errors import PortError
from diffroll_live.midi.reconnecting_sink import FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS, PortState
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import RecordingSink
from diffroll_live.types import NoteEvent


@pytest.fixture
def bench() -> SchedulerBench:
    return SchedulerBench()


def test_a_lost_port_is_told_of_and_opened_again(bench: SchedulerBench) -> None:
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


def test_an_idle_port_is_watched_too(bench: SchedulerBench) -> None:
    bench.unplug()
    bench.run(0.4)
    assert [state.is_open for state in bench.states] == [True, False]


def test_the_pause_between_attempts_grows(bench: SchedulerBench) -> None:
    bench.broken = True
    bench.unplug()
    attempts: list[float] = []

    def attempt() -> RecordingSink:
        attempts.append(bench.now)
        raise PortError("There is no port.")

    bench.scheduler._sink._open_sink = attempt
    bench.run(60.0)
    pauses = [after - before for before, after in pairwise(attempts)]
    assert pauses[:4] == pytest.approx([1.0, 2.0, 4.0, 8.0], abs=0.11)
    assert max(pauses) <= LAST_RETRY_SECONDS + 0.11


def test_without_a_port_notes_are_counted_and_the_reason_is_told() -> None:
    def no_port() -> RecordingSink:
        raise PortError("There is no MIDI system here.")

    now = 100.0
    scheduler = Scheduler(no_port, clock=lambda: now)
    scheduler.run_due()
    assert scheduler.state == PortState(False, "There is no MIDI system here.")
    scheduler.play("job", [NoteEvent(0.0, 1.0, 60, 80)], start=100.0)
    now += 2.0
    scheduler.run_due()
    assert scheduler.dropped("job") == 1
    scheduler.panic()
    scheduler.close()


def test_a_fault_that_nobody_thought_of_is_a_lost_port(bench: SchedulerBench, caplog: pytest.LogCaptureFixture) -> None:
    def fail(channel: int, pitch: int, velocity: int) -> None:
        raise ZeroDivisionError("a bug")

    bench.sinks[0].note_on = fail  # type: ignore[method-assign]
    bench.scheduler.play("job", [NoteEvent(0.0, 9.0, 60, 80), NoteEvent(1.0, 2.0, 61, 80)], start=100.0)
    with caplog.at_level(logging.ERROR):
        bench.run(3.0)
    assert "the MIDI output failed" in caplog.text
    assert [state.is_open for state in bench.states] == [True, False, True]
    assert bench.notes[-2:] == [(1.0, ON, 61, 80), (2.0, OFF, 61, 0)]
