"""A live session with a worker and a MIDI output that record their calls, and a clock that tests move."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffroll_live.audio.clock import DEVICE_JITTER, Arrival, StreamClock
from diffroll_live.live_types import LiveEstimate, LiveSettings, OnsetCandidate, SoundingSpan
from diffroll_live.osc.replies import LiveNote
from diffroll_live.server.live.session import HOP_SECONDS, LiveSession
from diffroll_live.worker.messages import LiveEstimated, LiveFeed

RATE = 16_000
HOP = round(HOP_SECONDS * RATE)


class FakeWorker:
    """Keeps the messages that it gets."""

    def __init__(self) -> None:
        self.is_ready = True
        self.messages: list[Any] = []

    def send_live(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def feeds(self) -> list[tuple[int, int]]:
        """First sample and number of samples of each feed."""
        return [(m.first, len(m.samples)) for m in self.messages if isinstance(m, LiveFeed)]


class FakeMidi:
    """Keeps what is to sound, with its time."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, float]] = []

    def hold(self, owner: str, channel: int, pitch: int, velocity: int, due: float) -> None:
        self.calls.append(("on", pitch, round(due, 6)))

    def release(self, owner: str, channel: int, pitch: int, due: float) -> None:
        self.calls.append(("off", pitch, round(due, 6)))

    def cancel(self, owner: str) -> None:
        self.calls.append(("cancel", 0, 0.0))

    def dropped(self, owner: str) -> int:
        return 0


class FakeClient:
    """Keeps what it is sent."""

    key = "fake"

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, reply: Any) -> None:
        self.sent.append(reply)

    def send_error(self, about: str, error: Any) -> None:
        self.sent.append((about, error.code))

    def notes(self, lane: str) -> list[LiveNote]:
        return [reply for reply in self.sent if isinstance(reply, LiveNote) and reply.lane == lane]


class LiveBench:
    """A session with its surroundings and a clock; sample 0 sounded at second 100."""

    def __init__(self, **settings: Any) -> None:
        self.worker, self.midi, self.client, self.now = FakeWorker(), FakeMidi(), FakeClient(), 100.0
        self.closed = 0
        self.stream = StreamClock(RATE, DEVICE_JITTER)
        self.session = LiveSession(
            self.client,  # type: ignore[arg-type]
            "live",
            RATE,
            LiveSettings(**settings),
            number=1,
            worker=self.worker,  # type: ignore[arg-type]
            midi=self.midi,  # type: ignore[arg-type]
            clock=lambda: self.now,
            on_close=self._close,
        )

    def _close(self) -> None:
        self.closed += 1

    def feed(self, hops: float = 1.0, at: float | None = None) -> None:
        samples = np.zeros(round(hops * HOP), np.float32)
        self.take(samples, self.now if at is None else at)

    def take(self, samples: np.ndarray, at: float) -> None:
        """Let samples arrive that begin ``at``."""
        self.now = at + len(samples) / RATE
        self.session.feed(self.stream.stamp(Arrival(samples, at)))

    def answer(self, onset: float = 0.1, offset: float | None = None) -> None:
        """Answer the feed under way: the estimate has one note."""
        edge = self.now - 100.0
        seen = (OnsetCandidate(60, onset, 90, 0.9),) if onset < edge else ()
        sounds = (SoundingSpan(60, onset, offset if offset is not None and offset < edge else None),) if seen else ()
        self.session.on_event(LiveEstimated(1, LiveEstimate(edge - 1.0, edge, 0.5, seen, sounds), 0.01))
