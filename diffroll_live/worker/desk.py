"""The work in hand: requests of several clients that take turns on one engine, and share batches where that is sooner.

A client's requests are answered one after another; what is urgent goes before all that is not. No pipe, no process:
whoever has an engine can have a desk.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from diffroll_live.errors import Cancelled, DiffrollError, InternalError
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.picture_types import Estimate
from diffroll_live.turn_types import Ask, Batch
from diffroll_live.types import Answer, Engine, Result, StreamedNote
from diffroll_live.worker.messages import (
    Computed,
    Estimated,
    Failed,
    Finished,
    Gridded,
    Noted,
    Progressed,
    Redecode,
    Report,
    Started,
    Work,
)
from diffroll_live.worker.turns import Turns

logger = logging.getLogger(__name__)

REPORTED = 0.25  # s of computing, after which the daemon is told whose it was
BRIEF = 30.0  # s of music
_NOTES_AT_ONCE = 128
_GONE = (BrokenPipeError, ConnectionResetError)  # whoever is sent to

Send = Callable[[Report], None]


@dataclass(slots=True)
class EventControl:
    """The Control of one piece of work: sends events, and looks whether it was cancelled."""

    send: Send
    serial: int
    is_cancelled: bool = False

    def progress(self, step: int, steps: int) -> None:
        """Report an evaluation. Raises errors.Cancelled when that was asked for."""
        if self.is_cancelled:
            raise Cancelled("The job was cancelled.")
        self.send(Progressed(self.serial, step, steps))

    def estimate(self, estimate: Estimate) -> None:
        """Report a step of the trajectory."""
        self.send(Estimated(self.serial, estimate))

    def grid(self, meter: MeterMap) -> None:
        """Report the bars and beats that are written on."""
        self.send(Gridded(self.serial, meter))

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Send notes that are certain, a few at a time so that the daemon has time for others in between."""
        for first in range(0, len(notes), _NOTES_AT_ONCE):
            self.send(Noted(self.serial, tuple(notes[first : first + _NOTES_AT_ONCE])))


@dataclass(eq=False, slots=True)
class _Job:
    """A piece of work; it has begun when there is an ``answer``."""

    work: Work
    control: EventControl
    answer: Answer | None = None
    ask: Ask | None = None  # what it waits for
    batch: Batch | None = None  # in which that is computed


class Desk:
    """Answers work in turns with an engine; every report goes through ``send``. For one thread."""

    def __init__(self, engine: Engine, send: Send, turns: Turns | None = None) -> None:
        self._engine, self._send = engine, send
        self._turns = turns or Turns()
        self._jobs: dict[int, _Job] = {}  # by serial, in the order in which they came
        self._had: defaultdict[str, float] = defaultdict(float)  # s, by client, not reported yet
        self._ends: list[Finished | Failed] = []  # not reported yet

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self._jobs

    def put(self, work: Work) -> None:
        """Take a piece of work; one that is in hand already is not taken twice."""
        if work.serial not in self._jobs:
            self._jobs[work.serial] = _Job(work, EventControl(self._send, work.serial))
            self._turns.enter(work.client)

    def cancel(self, serial: int) -> None:
        """End a piece of work, at once or with the evaluation that is under way."""
        job = self._jobs.get(serial)
        if job is None:
            return
        job.control.is_cancelled = True
        if job.answer is None:
            self._end(job, Failed(serial))
        elif job.batch is None:
            self._resume(job, Cancelled("The job was cancelled."))
        self._report()

    def next(self) -> int:
        """The serial of the work whose turn it is; there must be some."""
        return self._order()[0].work.serial

    def turn(self, serial: int) -> None:
        """Compute a little for a piece of work, and for those that share its batch."""
        begin, job = time.perf_counter(), self._jobs[serial]
        if job.answer is None:
            self._begin(job)
        elif job.ask is None:
            self._resume(job)
        served = [job] if job.ask is None else self._compute(job)
        self._charge(served, time.perf_counter() - begin)
        self._report()

    def _order(self) -> list[_Job]:
        """The first work of each client, by whose turn it is."""
        first: dict[str, _Job] = {}
        for job in sorted(self._jobs.values(), key=lambda job: not job.work.urgent):
            first.setdefault(job.work.client, job)
        order = [first[client] for client in self._turns.order(first)]
        return sorted(order, key=lambda job: not job.work.urgent)

    def _compute(self, job: _Job) -> list[_Job]:
        """Do a step of the batch that a job waits for; return all that it is computed for."""
        assert job.ask is not None
        if job.batch is None:
            self._gather(job.ask)
        batch = job.batch
        assert batch is not None
        served = [other for other in self._jobs.values() if other.batch is batch]
        done, failure = _step(batch)
        for each in served:
            assert each.ask is not None
            error = each.ask.error or failure
            if done or error is not None:
                each.ask = each.batch = None
                self._resume(each, error)
        return served

    def _gather(self, first: Ask) -> None:
        """Have a batch made of an ask and of what others wait for."""
        asks = [first, *(ask for ask in self._waiting() if ask is not first)]
        batch = self._engine.gather(asks)
        taken = set(map(id, batch.asks))
        for job in self._jobs.values():
            if id(job.ask) in taken:
                job.batch = batch

    def _waiting(self) -> Iterator[Ask]:
        """What others wait for, in order, as far as a batch may hold it; some of them have yet to begin."""
        if self._engine.abreast == 1:
            return
        for job in self._order()[: self._engine.abreast]:
            if job.answer is None:
                self._begin(job)
            if job.ask is not None and job.batch is None:
                yield job.ask

    def _begin(self, job: _Job) -> None:
        self._send(Started(job.work.serial))
        job.answer = self._answer(job)
        self._resume(job)

    def _answer(self, job: _Job) -> Answer:
        work = job.work
        if isinstance(work, Redecode):
            return self._engine.redecode(work.request_id, work.threshold, work.min_note)
        return (yield from self._engine.answer(work.plan, job.control))

    def _resume(self, job: _Job, error: Exception | None = None) -> None:
        """Let an answer go on to what it waits for next, or to its end."""
        answer, serial = job.answer, job.work.serial
        assert answer is not None
        try:
            job.ask = next(answer) if error is None else answer.throw(error)
        except StopIteration as end:
            result: Result = end.value
            self._end(job, Finished(serial, result))
        except DiffrollError as failure:
            self._end(job, Failed(serial, failure))
        except _GONE:
            raise
        except Exception as failure:
            logger.exception("work %d failed", serial)
            self._end(job, Failed(serial, _internal(failure)))

    def _end(self, job: _Job, event: Finished | Failed) -> None:
        del self._jobs[job.work.serial]
        self._ends.append(event)

    def _charge(self, served: list[_Job], seconds: float) -> None:
        for job in served:
            self._turns.charge(job.work.client, seconds / len(served), brief=_is_brief(job.work))
            self._had[job.work.client] += seconds / len(served)

    def _report(self) -> None:
        """Report what was computed, now and then and at an end, and what has ended."""
        if self._had and (self._ends or sum(self._had.values()) >= REPORTED):
            self._send(Computed(tuple(self._had.items())))
            self._had.clear()
        for event in self._ends:
            self._send(event)
        self._ends.clear()


def _is_brief(work: Work) -> bool:
    """Whether work is about so little music that it is done sooner than others would wait for it."""
    if isinstance(work, Redecode):
        return True
    return sum(region.duration for region in work.plan.regions) * work.plan.options.variations <= BRIEF


def _step(batch: Batch) -> tuple[bool, DiffrollError | None]:
    """Compute a little: whether the batch is done, and what it failed of."""
    try:
        return batch.step(), None
    except DiffrollError as error:
        return True, error
    except _GONE:
        raise
    except Exception as error:
        logger.exception("a batch failed")
        return True, _internal(error)


def _internal(error: Exception) -> InternalError:
    return InternalError(f"The engine failed ({error}); the log of the daemon has the details.")
