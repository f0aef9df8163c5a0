"""Bends on the port: a zone first, then every value on its note's channel, and nothing left bent."""

from __future__ import annotations

import pytest
from support.scheduler_bench import OFF, ON, START, SchedulerBench

from diffroll_live.midi.bend import RINGING, as_keys
from diffroll_live.midi.playhead import PlayheadModel
from diffroll_live.music.mpe import CENTRE, RANGE, express, parameter
from diffroll_live.types import Bend, NoteEvent

NOTE = NoteEvent(0.5, 1.0, 60, 80)
KEYS = as_keys(express([NOTE], [Bend(NOTE, ((0.0, 0.0), (0.02, 1.0)))]))
TOP = CENTRE + round(CENTRE / RANGE)


@pytest.fixture
def bench() -> SchedulerBench:
    return SchedulerBench()


def bends(bench: SchedulerBench) -> list[tuple[float, int, int]]:
    """Time from START, channel and value of each bend."""
    rows = [(round(sent.instant - START, 6), sent.message) for sent in bench.sent]
    return [(at, status & 0xF, low | high << 7) for at, (status, low, high) in rows if status & 0xF0 == 0xE0]


def controls(bench: SchedulerBench, channel: int) -> list[tuple[int, int]]:
    return [tuple(sent.message[1:]) for sent in bench.sent if sent.message[0] == 0xB0 | channel]


def test_a_bend_comes_before_its_note_and_leaves_its_channel_straight(bench: SchedulerBench) -> None:
    bench.scheduler.play("job", KEYS, start=100.0)
    bench.run(1.0 + RINGING + 0.1)
    assert bench.notes == [(0.5, ON | 1, 60, 80), (1.0, OFF | 1, 60, 0)]
    middle = CENTRE + round(0.5 * CENTRE / RANGE)
    values = [(0.5, 1, CENTRE), (0.51, 1, middle), (0.52, 1, TOP), (1.0 + RINGING, 1, CENTRE)]
    assert bends(bench) == values
    messages = [sent.message[0] & 0xF0 for sent in bench.sent]
    assert messages.index(0xE0) < messages.index(ON)
    assert not bench.scheduler.sounding


def test_the_receiver_is_told_of_the_zone_once_and_of_the_range_on_each_channel(bench: SchedulerBench) -> None:
    other = NoteEvent(0.6, 0.9, 64, 80)
    keys = as_keys(express([NOTE, other], [Bend(note, ((0.0, 0.5),)) for note in (NOTE, other)]))
    bench.scheduler.play("job", keys, start=100.0)
    bench.scheduler.play("job", keys, start=104.0)
    bench.run(8.0)
    assert controls(bench, 0) == parameter((0, 6), 15)
    assert controls(bench, 1) == controls(bench, 2) == parameter((0, 0), RANGE, 0)


@pytest.mark.parametrize("how", ["cancel", "panic", "close"])
def test_whatever_ends_the_notes_straightens_the_channel(bench: SchedulerBench, how: str) -> None:
    bench.scheduler.play("job", KEYS, start=100.0)
    bench.run(0.8)
    end = {"cancel": lambda: bench.scheduler.cancel("job"), "panic": bench.scheduler.panic}
    end.get(how, bench.scheduler.close)()
    assert bends(bench)[-1] == (0.8, 1, CENTRE)
    assert not bench.scheduler.sounding


def test_a_bend_that_is_too_late_is_no_note_that_was_dropped(bench: SchedulerBench) -> None:
    bench.scheduler.play("job", KEYS, start=99.0)
    bench.run(3.0)
    assert bench.scheduler.dropped("job") == 1
    assert not bench.notes
    assert not bench.scheduler.sounding


def test_every_pass_of_the_playhead_bends_again(bench: SchedulerBench) -> None:
    bench.scheduler.place("job", KEYS, 0.0)
    for run in (1, 2):
        at = bench.scheduler.now()
        bench.scheduler.follow(PlayheadModel(run=run, playing=True, at=at))
        bench.run(4.0)
    assert [value for _, _, value in bends(bench)].count(TOP) == 2
    assert not bench.scheduler.sounding
