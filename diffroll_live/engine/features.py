"""The features of a recording, computed piece by piece as windows need them, and cached.

A request about a few seconds of a long recording costs a few seconds. Nothing here runs the network.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.sinc import sinc_resampler
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Posterior
from diffroll_live.model.transfers import to_device
from diffroll_live.music.roll import RollGeometry
from diffroll_live.types import AudioBuffer

PIECE_FRAMES = 128  # computed together
GATE_REACH = 6  # frames after an onset in which it must be loud
LONGEST_BLOCK = 4000  # samples; a rate with no small ratio to ours is approximated to a few parts in a million
MOST_HEARD = 32  # windows whose posteriors are remembered, about a megabyte each
KEPT = 8  # recordings
KEPT_BYTES = 128 * 2**20  # of their features and samples; the last is kept whatever its size
SINC_REACH = 8  # samples at the lower rate that a resampled one depends on, on each side; it is 6 / 0.99


class Recording:
    """The audio of a request, whose samples must never change: features, where it is loud, and what was heard in it.

    level: level in dBFS below which there are no onsets.
    """

    def __init__(self, audio: AudioBuffer, adapter: ModelAdapter, level: float) -> None:
        self.audio, self.adapter, self.level = audio, adapter, level
        geometry = adapter.geometry
        self.resampled = Resampled(audio, geometry.sample_rate, adapter.device)
        self.n_frames = -(-self.resampled.n_samples // geometry.hop_length)
        # Pages take no memory until they are written.
        self._features = torch.empty((adapter.n_features, self.n_frames), device=adapter.device)
        self._loud = torch.zeros((self.n_frames, 1), dtype=torch.bool, device=adapter.device)
        self._there = np.zeros(-(-self.n_frames // PIECE_FRAMES), bool)
        self.heard = Heard()

    def features(self, first: int = 0, last: int | None = None) -> Tensor:
        """All features, (n_features, n_frames), of which frames [first, last) have been computed."""
        self._compute(first, self.n_frames if last is None else last)
        return self._features

    def loud(self, first: int, last: int) -> Tensor:
        """Where frames [first, last) can hold an onset, (n_frames, 1) bool."""
        self._compute(first, last)
        return self._loud[first:last]

    def holds(self, audio: AudioBuffer) -> bool:
        """Whether this is a recording of the same samples, whatever their name."""
        mine = self.audio
        if audio.samples is mine.samples:
            return audio.sample_rate == mine.sample_rate
        same_shape = (len(audio.samples), audio.sample_rate) == (len(mine.samples), mine.sample_rate)
        return same_shape and np.array_equal(audio.samples, mine.samples)

    @property
    def n_bytes(self) -> int:
        """The size of the features, when all are computed, and of the samples."""
        return self._features.nbytes + self.audio.samples.nbytes

    def _compute(self, first: int, last: int) -> None:
        begin, end = max(first, 0) // PIECE_FRAMES, -(-min(last, self.n_frames) // PIECE_FRAMES)
        edges = begin + np.flatnonzero(np.diff(~self._there[begin:end], prepend=False, append=False))
        for low, high in edges.reshape(-1, 2).tolist():
            self._compute_piece(low * PIECE_FRAMES, min(high * PIECE_FRAMES, self.n_frames))
            self._there[low:high] = True

    def _compute_piece(self, first: int, last: int) -> None:
        adapter, hop = self.adapter, self.adapter.geometry.hop_length
        around = max(adapter.reach_frames, GATE_REACH)
        samples = self.resampled.samples((first - around) * hop, (last + around) * hop)
        kept = slice(around, around + last - first)
        self._features[:, first:last] = adapter.features(samples)[:, kept]
        self._loud[first:last, 0] = gate(samples, adapter.geometry, self.level)[kept]


class Heard:
    """The posteriors of windows that were sampled before, by what they depend on; the latest MOST_HEARD of them."""

    def __init__(self) -> None:
        self._posteriors: OrderedDict[Hashable, Posterior] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._posteriors

    def find(self, key: Hashable) -> Posterior | None:
        """Give what was heard before."""
        if key in self._posteriors:
            self._posteriors.move_to_end(key)
        return self._posteriors.get(key)

    def keep(self, key: Hashable, posterior: Posterior) -> None:
        """Remember what is heard now."""
        self._posteriors[key] = posterior
        while len(self._posteriors) > MOST_HEARD:
            self._posteriors.popitem(last=False)


def silence(adapter: ModelAdapter) -> Recording:
    """A recording without a frame, for requests without audio."""
    return Recording(AudioBuffer("", np.zeros(0, np.float32), adapter.geometry.sample_rate), adapter, 0.0)


class Recordings:
    """The recordings of the last requests, so that a new one of the same samples finds its features computed."""

    def __init__(self, adapter: ModelAdapter, level: float) -> None:
        self._adapter, self._level = adapter, level
        self._kept: list[Recording] = []  # the latest last

    def of(self, audio: AudioBuffer | None) -> Recording:
        """The recording of a request; one without a frame where there is no audio."""
        if audio is None:
            return silence(self._adapter)
        found = next((kept for kept in self._kept if kept.holds(audio)), None)
        if found is None:
            found = Recording(audio, self._adapter, self._level)
        others = [kept for kept in self._kept if kept is not found]
        self._kept = [*others[1 - KEPT :], found]
        while len(self._kept) > 1 and sum(kept.n_bytes for kept in self._kept) > KEPT_BYTES:
            del self._kept[0]
        return found

    def forget(self) -> None:
        """Keep nothing."""
        self._kept.clear()


class Resampled:
    """Samples of a buffer at another rate, by a windowed sinc, computed only where needed."""

    def __init__(self, audio: AudioBuffer, rate: int, device: torch.device) -> None:
        ratio = Fraction(rate, audio.sample_rate).limit_denominator(LONGEST_BLOCK)
        self.rate = rate  # Hz
        self._source, self._device = audio.samples, device
        self._step, self._out = ratio.denominator, ratio.numerator  # samples of a block, in and out
        self._around = 1 + SINC_REACH // min(self._step, self._out)  # blocks
        self._convert = sinc_resampler(self._step, self._out, device)
        self.n_samples = -(-len(audio.samples) * self._out // self._step)

    def samples(self, first: int, last: int) -> Tensor:
        """Samples [first, last), silent beyond both ends: (last - first,)."""
        low, high = max(first, 0), max(min(last, self.n_samples), 0)
        begin = max(low // self._out - self._around, 0)
        end = -(-high // self._out) + self._around
        source = to_device(self._source[begin * self._step : end * self._step], self._device)
        part = self._convert(source)[low - begin * self._out : high - begin * self._out]
        return torch.nn.functional.pad(part, (low - first, last - high))


def gate(samples: Tensor, geometry: RollGeometry, level: float) -> Tensor:
    """Where a recording is loud enough to hold an onset: (n_frames,) bool, ``level`` in dBFS.

    An absolute level, so that silence gives no notes however quiet the rest is.
    """
    hop = geometry.hop_length
    n_frames = -(-samples.shape[0] // hop)
    padded = torch.nn.functional.pad(samples, (0, n_frames * hop - samples.shape[0]))
    power = padded.view(n_frames, hop).square().mean(dim=1)
    power = torch.nn.functional.pad(power, (1, GATE_REACH))
    loudest = torch.nn.functional.max_pool1d(power[None, None], GATE_REACH + 2, stride=1)[0, 0]
    return loudest[:n_frames] > 10 ** (level / 10)
