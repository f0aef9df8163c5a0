"""A DAW that reports over OSC thirty times a second, a little late, and the notes that sound: on a clock of our own."""

from __future__ import annotations

import random

import pytest
from support.scheduler_bench import ON, SchedulerBench

from diffroll_live.timeline.report import Report
from diffroll_live.timeline.table import SOURCES
from diffroll_live.timeline.timeline import Timeline
from diffroll_live.types import NoteEvent

SPACING = 1 / 30  # s between two reports
NOTES = tuple(NoteEvent(0.1 * n, 0.1 * n + (0.05, 0.3)[n % 2], 20 + n % 80, 80) for n in range(120))
EDGE = 0.012  # s before the end of a stretch in which a note may sound or not


class Daw:
    """Where the playhead truly is, and what is reported of it."""

    def __init__(self, seed: int, rate: float = 1.0) -> None:
        self.bench = SchedulerBench()
        self.timeline = Timeline(SOURCES["osc"].traits, self.bench.scheduler.follow)
        self.bench.scheduler.place("job", NOTES, origin=0.0)
        self.rate = rate
        self.stretches: list[tuple[float, float, float]] = []  # when it began, where, where it ended
        self._chance = random.Random(seed)

    def tell(self, **said: object) -> None:
        self.timeline.update(Report(self.bench.now, **said))  # type: ignore[arg-type]

    def play(self, start: float, end: float, *, told: bool = True) -> None:
        """Move from start to end; a jump there is told only by the positions, unless it is known in advance."""
        begin = self.bench.now
        self.stretches.append((begin, start, end))
        if told:
            self.tell(playing=True, position=start)
        due = self._chance.uniform(0.0, SPACING)
        while due < (end - start) / self.rate:
            delay = min(self._chance.expovariate(1000.0), 0.004)
            self.bench.run(begin + due + delay - self.bench.now)
            if due + delay < (end - start) / self.rate:
                self.tell(playing=True, position=start + due * self.rate)
            due += SPACING
        self.bench.run(begin + (end - start) / self.rate - self.bench.now)

    def stop(self, position: float) -> None:
        self.tell(playing=False, position=position)
        self.bench.run(1.0)

    def check(self, most: float) -> list[float]:
        """See that each note sounded once in each stretch in which it lies; give the distances in seconds."""
        sounded = [(100.0 + instant, pitch) for instant, status, pitch, _ in self.bench.notes if status == ON]
        distances = []
        for begin, start, end in self.stretches:
            over = begin + (end - start) / self.rate
            inside = [(at, pitch) for at, pitch in sounded if begin - 1e-9 <= at < over]
            for note in (note for note in NOTES if start - 1e-9 <= note.onset < end - EDGE):
                found = [at for at, pitch in inside if pitch == note.pitch]
                assert len(found) == 1, (note, found, start, end)
                distances.append(start + (found[0] - begin) * self.rate - note.onset)
        assert max(map(abs, distances)) <= most
        assert self.bench.scheduler.dropped("job") == 0
        assert not self.bench.scheduler.sounding
        return distances


@pytest.mark.parametrize("seed", range(5))
def test_a_loop_that_is_known_is_played_twenty_times_without_a_gap(seed):
    daw = Daw(seed)
    daw.tell(loop_start=1.0, loop_end=2.95, looping=True)
    daw.tell(playing=False, position=0.0)
    daw.play(0.0, 2.95)
    for _ in range(20):
        daw.play(1.0, 2.95, told=False)
    daw.stop(2.95)
    distances = sorted(map(abs, daw.check(most=0.012)))
    assert distances[len(distances) // 2] < 0.003


@pytest.mark.parametrize("seed", range(5))
def test_a_loop_that_is_not_known_loses_and_doubles_nothing(seed):
    daw = Daw(seed)
    daw.tell(playing=False, position=0.0)
    daw.play(0.0, 2.95)
    for _ in range(20):
        daw.play(1.0, 2.95, told=False)
    daw.stop(2.95)
    distances = sorted(map(abs, daw.check(most=0.045)))  # what begins with the loop waits for the next report
    assert distances[len(distances) // 2] < 0.003


@pytest.mark.parametrize("rate", [0.5, 1.0, 1.5])
def test_jumps_and_stops_at_any_rate(rate):
    daw = Daw(seed=7, rate=rate)
    daw.tell(playing=False, position=0.0)
    daw.play(0.05, 2.05)
    daw.stop(2.05)
    daw.stretches.clear()  # the first reports of a run find its rate; it is kept from then on
    sounded = len(daw.bench.sent)
    daw.play(5.02, 8.05)
    daw.stop(8.05)
    daw.play(0.03, 1.05)
    daw.stop(1.05)
    assert len(daw.bench.sent) > sounded
    distances = sorted(map(abs, daw.check(most=0.02)))
    assert distances[len(distances) // 2] < 0.005
