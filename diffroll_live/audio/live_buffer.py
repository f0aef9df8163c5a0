"""A buffer whose audio still comes: to the live lane, to a meter, and kept for jobs. Knows of no device."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from diffroll_live.audio.level_meter import LevelMeter
from diffroll_live.audio.ring_buffer import RecentAudio
from diffroll_live.errors import Incomplete
from diffroll_live.osc.replies import AudioLevel, AudioOverrun
from diffroll_live.types import AudioBuffer, Floats

logger = logging.getLogger(__name__)

_LEVEL_SECONDS = 0.1  # between two levels
_OVERRUN_SECONDS = 1.0  # between two messages about losses, at least
_SEAM = 0.005  # s by which two stretches may miss each other and still join
_LATE = 0.5  # s without a sample after which silence is heard
_SILENCE = 3.0  # s of it, which end every note


class Session(Protocol):
    """The live lane of one buffer."""

    def feed(self, samples: Floats, at: float) -> None:
        """Hear (n,) finite samples, the first of them ``at`` seconds of time.perf_counter.

        ``at`` joins the samples before, to some ms; a later one leaves a hole of any length. It never goes back.
        """

    def close(self) -> None:
        """Hear no more, and end every note."""


class LiveBuffer:
    """One live input of a client. ``send`` takes replies, ``open_session`` the rate of the samples in Hz."""

    def __init__(
        self,
        name: str,
        send: Callable[[object], None],
        open_session: Callable[[int], Session],
        *,
        keep_samples: int,
        origin: float = 0.0,
    ) -> None:
        self.name = name
        self.closed = False
        self.on_close: Callable[[], None] = lambda: None
        self._send = send
        self._open_session = open_session
        self._keep_samples = keep_samples
        self._origin = origin  # s
        self._session: Session | None = None
        self._recent: RecentAudio | None = None
        self._meter = LevelMeter(1, _LEVEL_SECONDS)
        self._was_silent = False
        self._end: float | None = None  # s, after the last sample
        self._silence = 0.0  # s in place of what did not come
        self._overruns, self._lost, self._told, self._told_at = 0, 0.0, 0, 0.0

    def open(self, rate: int) -> None:
        """Prepare for samples at ``rate`` Hz; at another rate than before, all begins anew."""
        if self._recent is not None and self._recent.rate == rate:
            return
        if self._session is not None:
            self._session.close()
        self._recent, self._end = RecentAudio(rate, self._keep_samples), None
        self._meter = LevelMeter(rate, _LEVEL_SECONDS)
        self._session = self._open_session(rate)

    def hear(self, samples: Floats, at: float, *, overrun: bool = False, lost: int = 0) -> None:
        """Take (n,) samples, the first of them ``at``.

        After an ``overrun`` some before them are missing: ``lost``, or more.
        """
        assert self._recent is not None
        rate = self._recent.rate
        early = 0.0 if self._end is None else self._end - at  # silence may have stood for them already
        self._count(overrun, max(lost / rate, -early if overrun else 0.0))
        if early > _SEAM:
            samples, at = samples[round(early * rate) :], at + round(early * rate) / rate
        self._silence = 0.0
        if len(samples):
            self._pass_on(_finite(samples), at)

    def wait(self, now: float) -> None:
        """Let silence stand for what does not come, so that notes end; after a while, let nothing."""
        if self._recent is None or self._end is None or self._silence >= _SILENCE:
            return
        behind = round(min(now - _LATE - self._end, _SILENCE) * self._recent.rate)  # samples
        if behind > 0:
            self._silence += behind / self._recent.rate
            self._pass_on(np.zeros(behind, np.float32), self._end)

    def snapshot(self) -> AudioBuffer:
        """Copy what was heard lately. Raises errors.Incomplete before the first sample."""
        if self._recent is None or self._end is None:
            raise Incomplete(f"The buffer {self.name!r} has heard nothing yet; wait for its first level.")
        return self._recent.snapshot(self.name, self._origin)

    def close(self) -> None:
        """Hear no more, and end every note."""
        self.closed = True
        session, self._session = self._session, None
        if session is not None:
            session.close()
        on_close, self.on_close = self.on_close, lambda: None
        on_close()

    def _pass_on(self, samples: Floats, at: float) -> None:
        assert self._recent is not None
        hole = 0.0 if self._end is None else at - self._end
        if hole > _SEAM:
            self._recent.skip(round(hole * self._recent.rate))
        self._recent.write(samples)
        self._end = at + len(samples) / self._recent.rate
        if self._session is not None:
            self._session.feed(samples, at)
        self._measure(samples)

    def _measure(self, samples: Floats) -> None:
        """Tell the level; of silence, only that it began."""
        level = self._meter.add(samples)
        if level is None:
            return
        if not (level.is_silent and self._was_silent):
            self._send(AudioLevel(self.name, level.rms, level.peak))
        self._was_silent = level.is_silent

    def _count(self, overrun: bool, seconds: float) -> None:
        self._overruns, self._lost = self._overruns + overrun, self._lost + seconds
        now = time.monotonic()
        if self._overruns > self._told and now - self._told_at > _OVERRUN_SECONDS:
            self._told, self._told_at = self._overruns, now
            self._send(AudioOverrun(self.name, self._overruns, self._lost))


def _finite(samples: Floats) -> Floats:
    """Hear silence where a device brings what is no number."""
    return np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
