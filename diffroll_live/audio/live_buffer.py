"""A buffer that is still being filled: its samples go to a session, to a level meter, and into a ring for jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from diffroll_live.audio.clock import Arrival, StampedBlock, StreamClock
from diffroll_live.audio.level_meter import LevelMeter
from diffroll_live.audio.ring_buffer import RingBuffer
from diffroll_live.errors import Incomplete
from diffroll_live.osc.replies import AudioLevel, AudioOverrun
from diffroll_live.types import AudioBuffer, Floats

_LEVEL_SECONDS = 0.1  # between two levels
_OVERRUN_SECONDS = 1.0  # between two messages about losses, at least


class Session(Protocol):
    """Turns the samples of one live buffer into notes."""

    def feed(self, block: StampedBlock) -> None:
        """Take finite samples, in their order."""

    def close(self) -> None:
        """Take no more, and end every note."""


class LiveBuffer:
    """One live input of a client.

    ``send`` takes replies, ``open_session`` the rate of the samples in Hz; blocks may be ``jitter`` seconds late.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[object], None],
        open_session: Callable[[int], Session],
        *,
        jitter: float,
        keep_samples: int,
        origin: float = 0.0,
    ) -> None:
        self.name = name
        self.closed = False
        self.on_close: Callable[[], None] = lambda: None
        self._send = send
        self._open_session = open_session
        self._jitter = jitter
        self._keep_samples = keep_samples
        self._origin = origin  # s
        self._clock: StreamClock | None = None
        self._session: Session | None = None
        self._ring = RingBuffer(1, 1)
        self._meter = LevelMeter(1, _LEVEL_SECONDS)
        self._was_silent = False
        self._overruns_sent, self._overruns_sent_at = 0, 0.0

    def open(self, rate: int) -> None:
        """Prepare for samples at ``rate`` Hz; at another rate than before, everything starts over."""
        if self._clock is not None and self._clock.rate == rate:
            return
        if self._session is not None:
            self._session.close()
        before, self._clock = self._clock, StreamClock(rate, self._jitter)
        if before is not None:
            self._clock.overruns, self._clock.lost = before.overruns, before.lost
        self._ring = RingBuffer(rate, self._keep_samples)
        self._meter = LevelMeter(rate, _LEVEL_SECONDS)
        self._session = self._open_session(rate)

    def write(self, arrival: Arrival) -> None:
        """Take samples as they come in."""
        assert self._clock is not None
        block = self._clock.stamp(replace(arrival, samples=_finite(arrival.samples)))
        self._report_overruns(self._clock)
        if len(block.samples):
            self._pass_on(block)

    def wait(self, now: float) -> None:
        """Let silence stand for samples that are overdue, so that notes end. ``now`` is of time.perf_counter."""
        silence = self._clock.silence(now) if self._clock is not None else None
        if silence is not None:
            self._pass_on(silence)

    def snapshot(self) -> AudioBuffer:
        """Copy the last seconds. Raises errors.Incomplete before the first sample."""
        if self._clock is None or not self._clock.end:
            raise Incomplete(f"The buffer {self.name!r} has no sound yet; wait for its first level.")
        kept = self._ring.snapshot(self.name, self._origin)
        return replace(kept, heard_at=self._clock.time_of(self._clock.end - len(kept.samples)))

    @property
    def seconds(self) -> float:
        """How long it has been going on, by its samples."""
        return self._ring.seconds

    def since(self, second: float) -> AudioBuffer:
        """Copy what is kept from ``second`` of the stream on; ``origin`` is the second at which the copy begins."""
        return self._ring.since(self.name, second)

    def close(self) -> None:
        """Take no more, and end every note."""
        self.closed = True
        session, self._session = self._session, None
        if session is not None:
            session.close()
        on_close, self.on_close = self.on_close, lambda: None
        on_close()

    def _pass_on(self, block: StampedBlock) -> None:
        self._ring.write(block.first, block.samples)
        if self._session is not None:
            self._session.feed(block)
        self._measure(block.samples)

    def _measure(self, samples: Floats) -> None:
        """Send the level; of silence, only that it began."""
        level = self._meter.add(samples)
        if level is None:
            return
        if not (level.is_silent and self._was_silent):
            self._send(AudioLevel(self.name, level.rms, level.peak))
        self._was_silent = level.is_silent

    def _report_overruns(self, clock: StreamClock) -> None:
        now = time.monotonic()
        if clock.overruns > self._overruns_sent and now - self._overruns_sent_at > _OVERRUN_SECONDS:
            self._overruns_sent, self._overruns_sent_at = clock.overruns, now
            self._send(AudioOverrun(self.name, clock.overruns, clock.lost))


def _finite(samples: Floats) -> Floats:
    """Put silence where a device delivers NaN or infinity."""
    return np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
