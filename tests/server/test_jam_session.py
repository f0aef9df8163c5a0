"""One jam on a clock that the test moves: a real scheduler, and a worker that writes when the test says so."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_engine import INFO
from support.scheduler_bench import OFF, ON, START, SchedulerBench

from diffroll_live.errors import Busy, InternalError
from diffroll_live.midi.note_queue import LATE_SECONDS
from diffroll_live.osc.jam_replies import JamAhead, JamState
from diffroll_live.osc.replies import Note
from diffroll_live.server.event_router import EventRouter
from diffroll_live.server.jam.session import JamContext, JamSession
from diffroll_live.server.jam.settings import JamSettings
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.table import SOURCES
from diffroll_live.timeline.timeline import Timeline
from diffroll_live.types import NoteEvent, Result, StreamedNote
from diffroll_live.worker.messages import Failed, Finished, Noted, Run

SWEEP = 0.25  # s between two looks at the clock


class FakeWorker:
    """Takes one turn after the other; ``full`` takes none."""

    info = INFO

    def __init__(self) -> None:
        self.asked: list[tuple[float, Run]] = []
        self.full = False
        self.now: Callable[[], float] = lambda: 0.0

    def submit(self, work: Run, slot: Hashable) -> tuple[int, None]:
        if self.full:
            raise Busy("The queue is full; try again.")
        self.asked.append((self.now(), work))
        return 0, None

    def cancel(self, serial: int) -> None:
        self.asked = [(at, work) for at, work in self.asked if work.serial != serial]


class FakeClient:
    """Keeps what it is sent."""

    key = "fake"

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, reply: Any) -> None:
        self.sent.append(reply)

    def send_error(self, about: str, error: Any) -> None:
        self.sent.append((about, error.code))

    def of(self, kind: type[Any]) -> list[Any]:
        return [reply for reply in self.sent if isinstance(reply, kind)]


class JamBench:
    """A jam with its surroundings. ``writing`` says how long a turn takes, and which notes, counted from its begin."""

    def __init__(self, writing: float = 0.1, notes: tuple[NoteEvent, ...] = (), **jam: Any) -> None:
        self.midi, self.worker, self.client = SchedulerBench(), FakeWorker(), FakeClient()
        self.worker.now = self.midi.clock
        self.timeline = Timeline(SOURCES["osc"].traits)
        self.writing, self.notes = writing, notes
        self.events = EventRouter()
        context = JamContext(
            self.worker,  # type: ignore[arg-type]
            self.events,
            self.midi.scheduler,
            self.timeline,
            self.midi.clock,
        )
        self.session = JamSession(
            self.client,  # type: ignore[arg-type]
            "jam",
            context,
            JamSettings(**jam),
            lambda: None,
            lambda: None,
        )

    def strike(self, pitch: int = 60, seconds: float = 0.25) -> None:
        self.session.start(pitch, 80, self.midi.now)
        self.run(seconds)
        self.session.end(pitch, self.midi.now)

    @property
    def now(self) -> float:
        """Seconds since the jam began."""
        return self.midi.now - START

    def run(self, seconds: float) -> None:
        """Let time pass, as run_until()."""
        self.run_until(self.now + seconds)

    def run_until(self, seconds: float) -> None:
        """Let time pass, looking at the clock as the daemon does, and write what is asked for when it is done."""
        end = START + seconds
        while self.midi.now < end:
            done = [at + self.writing for at, _ in self.worker.asked]
            self.midi.run_until(min([end, self.midi.now + SWEEP, *(max(at, self.midi.now) for at in done)]))
            if done and done[0] <= self.midi.now:
                self._write(self.worker.asked.pop(0)[1])
            self.session.tick()

    def _write(self, work: Run) -> None:
        begin = work.plan.regions[0].onset
        new = tuple(
            StreamedNote(i, 0, NoteEvent(begin + n.onset, begin + n.offset, n.pitch, n.velocity))
            for i, n in enumerate(self.notes)
        )
        self.events.route(Noted(work.serial, new))
        self.events.route(Finished(work.serial, Result(work.plan.id, (), 0)))

    @property
    def starts(self) -> list[float]:
        return [at for at, kind, *_ in self.midi.notes if kind == ON]

    def assert_even(self) -> None:
        """Every start has its end, and no two notes of a pitch overlap."""
        sounding: set[int] = set()
        for _, kind, pitch, _ in self.midi.notes:
            assert (pitch in sounding) == (kind == OFF)
            sounding ^= {pitch}
        assert not sounding


def every(step: float, count: int) -> tuple[NoteEvent, ...]:
    """Short notes, all of one pitch."""
    return tuple(NoteEvent(step * i, step * i + 0.1, 72, 70) for i in range(count))


def test_an_answer_is_played_on_and_on_without_a_seam() -> None:
    bench = JamBench(notes=every(0.5, 8), lead=0.3, ahead=4.0)
    bench.strike()
    bench.session.cue()
    bench.run_until(20.0)
    steps = {round(b - a, 6) for a, b in itertools.pairwise(bench.starts)}
    assert steps == {0.5}
    ahead = bench.client.of(JamAhead)
    assert len(ahead) in range(18, 21), "told once a second"
    assert all(reply.ms > 3000.0 and reply.dropped == 0 for reply in ahead)


def test_writing_that_falls_behind_drops_and_counts_and_never_bursts() -> None:
    bench = JamBench(writing=3.0, notes=every(0.1, 40), lead=0.3, ahead=4.0)
    bench.strike()
    bench.session.cue()
    bench.run_until(12.0)
    first = [at for at in bench.starts if at < 4.5]
    assert min(first) >= 0.25 + 3.0 - 1e-6, "what was due while it was being written is not played later"
    assert all(b - a > 0.1 - LATE_SECONDS for a, b in itertools.pairwise(bench.starts))
    last = bench.client.of(JamAhead)[-1]
    assert last.dropped == len(bench.client.of(Note)) - len(bench.starts) - _to_come(bench)
    assert last.dropped > 20


def _to_come(bench: JamBench) -> int:
    return sum(note.t > bench.now for note in bench.client.of(Note))


def test_one_that_is_slower_than_the_music_leaves_pauses_and_plays_the_rest() -> None:
    bench = JamBench(writing=5.0, notes=every(0.5, 8), lead=0.3, ahead=4.0)
    bench.strike()
    bench.session.cue()
    bench.run_until(60.0)
    assert len(bench.starts) > 50
    assert min(reply.ms for reply in bench.client.of(JamAhead)) < 0.0, "it is told that it has fallen behind"
    assert all(b - a > 0.5 - LATE_SECONDS for a, b in itertools.pairwise(bench.starts))


def test_the_answer_begins_on_the_daws_beat_and_after_its_bars_of_rest() -> None:
    bench = JamBench(notes=every(1.0, 4), lead=0.3, ahead=4.0)
    bench.timeline.update(Report(START, True, 0.0, tempo=60.0, beat=0.1, metre=(3, 4)))  # beats at 0.9, 1.9 ...
    bench.strike(seconds=0.5)
    bench.run_until(6.3)
    assert not bench.starts, "two bars of 3/4 at 60 are six seconds"
    bench.run_until(10.0)
    assert bench.starts[0] == pytest.approx(6.9, abs=0.01)
    bench.session.start(48, 80, bench.midi.now)
    bench.session.end(48, bench.midi.now)
    bench.run_until(10.3)
    bench.session.cue()
    bench.run_until(11.5)
    assert bench.starts[-1] == pytest.approx(10.9, abs=0.01)


def test_a_queue_that_is_full_and_a_process_that_dies_give_the_turn_back() -> None:
    bench = JamBench(notes=(NoteEvent(0.0, 3.0, 72, 70),), lead=0.3)
    bench.strike()
    bench.worker.full = True
    bench.session.cue()
    assert bench.client.sent[-2:] == [("jam", "busy"), JamState("jam", "listening")]
    bench.worker.full = False
    bench.session.cue()
    bench.run_until(1.5)
    assert bench.midi.scheduler.sounding
    bench.notes = ()
    while not bench.worker.asked:
        bench.run(0.1)
    bench.events.route(Failed(bench.worker.asked[0][1].serial, InternalError("The process was killed.")))
    bench.run(0.01)
    assert not bench.midi.scheduler.sounding
    assert bench.client.sent[-1] == JamState("jam", "listening")


WRITTEN = st.lists(
    st.builds(
        lambda onset, seconds, pitch: NoteEvent(onset / 8, (onset + seconds) / 8, pitch, 70),
        st.integers(0, 15),
        st.integers(1, 40),  # beyond the turn's end, too
        st.integers(60, 62),
    ),
    max_size=8,
)
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["play", "cue", "listen", "wait", "panic"]), st.floats(0.0, 3.0)), min_size=2, max_size=12
)


@given(WRITTEN, ACTIONS, st.floats(0.0, 4.0))
def test_whatever_is_written_and_done_no_note_hangs_overlaps_or_comes_late(
    written: list[NoteEvent], actions: list[tuple[str, float]], writing: float
) -> None:
    bench = JamBench(writing=writing, notes=tuple(written), lead=0.05, ahead=2.0, rest_bars=0.25)
    for action, seconds in (("play", 0.1), ("cue", 0.1), *actions):
        if action == "play":
            bench.strike(seconds=min(seconds, 0.5))
        elif action == "panic":
            bench.midi.scheduler.panic()
            bench.session.listen()
        elif action != "wait":
            getattr(bench.session, action)()
        bench.run(seconds)
    bench.session.close()
    bench.midi.run(10.0)
    bench.assert_even()
    places = [note.t for note in bench.client.of(Note)]
    assert all(any(-1e-5 <= at - place <= LATE_SECONDS + 1e-5 for place in places) for at in bench.starts)
