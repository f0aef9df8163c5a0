"""What has happened since the daemon started, counted for whoever watches over it. No clock, no sockets."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from diffroll_live.worker.messages import Died, Ready, StartFailed

#: Upper bounds of the histograms' buckets, in seconds.
BOUNDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


@dataclass(slots=True)
class Histogram:
    """Durations, by bucket: ``counts`` has one entry for each of BOUNDS, and one for what is longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0  # s

    def observe(self, seconds: float) -> None:
        """Count a duration in seconds."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Counts:
    """Jobs by task and outcome (done, failed or cancelled), their durations, and ends of the inference process."""

    jobs: Counter[tuple[str, str]] = field(default_factory=Counter)
    waits: Histogram = field(default_factory=Histogram)  # from the request until it is worked on
    first_notes: Histogram = field(default_factory=Histogram)  # from the request to the first note
    totals: Histogram = field(default_factory=Histogram)  # from the request to the end of what is done
    restarts: int = 0  # of the inference process
    _starts: int = 0

    def on_process(self, event: Ready | StartFailed | Died) -> None:
        """Count a start of the inference process, except the first."""
        if isinstance(event, Ready):
            self.restarts += self._starts > 0
            self._starts += 1
