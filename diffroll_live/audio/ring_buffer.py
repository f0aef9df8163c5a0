"""The last seconds of a stream of samples, for jobs that want what was just played. Grows to its size, no further."""

from __future__ import annotations

import numpy as np

from diffroll_live.types import AudioBuffer, Floats

_FIRST_SECONDS = 4.0


class RingBuffer:
    """Keeps the last ``capacity`` samples of a stream at ``rate`` Hz."""

    def __init__(self, rate: int, capacity: int) -> None:
        self.rate = rate
        self._capacity = capacity
        self._ring: Floats = np.zeros(min(capacity, round(rate * _FIRST_SECONDS)), np.float32)
        self._end = 0  # number of the sample after the last one

    def write(self, first: int, samples: Floats) -> None:
        """Add (n,) samples, of which the first is number ``first`` of the stream; a gap before them is silence."""
        missing = min(first - self._end, self._capacity)
        self._end = first - missing
        self._append(np.zeros(missing, np.float32))
        self._append(samples)

    def snapshot(self, name: str, origin: float) -> AudioBuffer:
        """Copy what is kept. ``origin`` is where the stream began, in seconds; the copy's is where the copy begins."""
        size = len(self._ring)
        kept = min(self._end, size)
        whole = self._end <= size
        samples = self._ring[:kept].copy() if whole else np.roll(self._ring, -(self._end % size))
        return AudioBuffer(name, samples, self.rate, origin + (self._end - kept) / self.rate)

    @property
    def seconds(self) -> float:
        """The length of the stream so far."""
        return self._end / self.rate

    def since(self, name: str, second: float) -> AudioBuffer:
        """Copy what is kept from ``second`` of the stream on; ``origin`` is where the copy begins."""
        size = len(self._ring)
        first = max(round(second * self.rate), self._end - size, 0)
        indices = np.arange(first, self._end) % size
        return AudioBuffer(name, self._ring[indices], self.rate, first / self.rate)

    def _append(self, samples: Floats) -> None:
        self._end += max(0, len(samples) - self._capacity)
        samples = samples[-self._capacity :]
        while self._end + len(samples) > len(self._ring) < self._capacity:
            self._grow()
        at = self._end % len(self._ring)
        head = min(len(samples), len(self._ring) - at)
        self._ring[at : at + head] = samples[:head]
        self._ring[: len(samples) - head] = samples[head:]
        self._end += len(samples)

    def _grow(self) -> None:
        """Double the ring; it has never been full, so nothing needs to move."""
        larger = np.zeros(min(self._capacity, 2 * len(self._ring)), np.float32)
        larger[: len(self._ring)] = self._ring
        self._ring = larger
