"""The last stretch of a stream of samples, for jobs that want what was just played. Grows to its size, no further."""

from __future__ import annotations

import numpy as np

from diffroll_live.types import AudioBuffer, Floats

_FIRST_SECONDS = 4.0


class RecentAudio:
    """Keeps the last ``most`` samples of a stream at ``rate`` Hz."""

    def __init__(self, rate: int, most: int) -> None:
        self.rate = rate
        self._most = most
        self._ring: Floats = np.zeros(min(most, round(rate * _FIRST_SECONDS)), np.float32)
        self._written = 0  # samples, since the beginning

    def write(self, samples: Floats) -> None:
        """Add (n,) samples."""
        self._written += max(0, len(samples) - self._most)
        samples = samples[-self._most :]
        while self._written + len(samples) > len(self._ring) < self._most:
            self._grow()
        at = self._written % len(self._ring)
        first = min(len(samples), len(self._ring) - at)
        self._ring[at : at + first] = samples[:first]
        self._ring[: len(samples) - first] = samples[first:]
        self._written += len(samples)

    def skip(self, count: int) -> None:
        """Add so many samples of silence, however many they are."""
        kept = min(count, self._most)
        self._written += count - kept
        self.write(np.zeros(kept, np.float32))

    def snapshot(self, name: str, origin: float) -> AudioBuffer:
        """Copy what is kept. ``origin`` is where the stream began, in seconds; the copy's is where the copy begins."""
        size = len(self._ring)
        kept = min(self._written, size)
        whole = self._written <= size
        samples = self._ring[:kept].copy() if whole else np.roll(self._ring, -(self._written % size))
        return AudioBuffer(name, samples, self.rate, origin + (self._written - kept) / self.rate)

    def _grow(self) -> None:
        """Double the ring; it has never been full, so nothing needs to move."""
        larger = np.zeros(min(self._most, 2 * len(self._ring)), np.float32)
        larger[: len(self._ring)] = self._ring
        self._ring = larger
