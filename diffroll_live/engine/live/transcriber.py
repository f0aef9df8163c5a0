"""Transcribes audio as it comes in: a short past and no future goes through the network, once per hop.

The network learned that audio may stop (training/examples/windows.py: the samples after the edge are silent, the frames
from there on masked), so its input here looks exactly like that. Notes are not decided here, but by
server/live/note_tracker.py on the daemon's side of the pipe.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.defaults import Defaults
from diffroll_live.engine.features import GATE_REACH, gate
from diffroll_live.engine.live.onset_candidates import live_estimate
from diffroll_live.engine.live.priority import PriorityGate
from diffroll_live.engine.live.resampler import StreamingResampler
from diffroll_live.live_types import LiveEstimate
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Posterior, Thresholds
from diffroll_live.model.samplers import seeded_noise
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.types import Floats

MASKED_FRAMES = 8  # after the edge
ESTIMATED_FRAMES = 64  # before the edge
SOUNDING = 0.3  # minimum frame threshold: an end must be detected early, without the audio after it


class StreamingTranscriber:
    """Transcribes one live input of ``rate`` Hz with an adapter, with priority over the network's other work.

    Not for several threads at once.
    """

    def __init__(self, adapter: ModelAdapter, defaults: Defaults, rate: int, priority: PriorityGate) -> None:
        self._priority = priority
        self._adapter, self._gate, self._rate = adapter, defaults.gate, rate
        self._thresholds = Thresholds(defaults.onset_threshold, max(defaults.frame_threshold, SOUNDING))
        self._noise = torch.empty(
            (1, adapter.channels, adapter.live_frames + MASKED_FRAMES, N_PITCHES), device=adapter.device
        )
        seeded_noise([0], adapter.device)(self._noise)
        self._window = int(adapter.live_frames / adapter.geometry.frame_rate * rate)  # samples
        self._past = _Past(adapter, self._gate, rate, 0)

    @torch.inference_mode()
    def update(self, first: int, samples: Floats) -> LiveEstimate:
        """Take samples, the first of which is number ``first`` of the input, and estimate what sounds now.

        A gap since the last call is silence; one that is longer than the window leaves nothing of the past in it.
        """
        with self._priority.first():
            return self._update(first, samples)

    def _update(self, first: int, samples: Floats) -> LiveEstimate:
        gap = first - self._past.next
        if not 0 <= gap <= self._window:
            self._past = _Past(self._adapter, self._gate, self._rate, first)
        elif gap:
            samples = np.concatenate([np.zeros(gap, np.float32), samples])
        self._past.take(samples)
        return self._estimate(self._past)

    def warm_up(self) -> None:
        """Transcribe a sound and forget it, so that the first hop is as fast as the tenth."""
        loud = np.ones(self._rate // 10, np.float32)
        for _ in range(2):
            self.update(self._past.next, loud)
        self._past = _Past(self._adapter, self._gate, self._rate, 0)

    def _estimate(self, past: _Past) -> LiveEstimate:
        """Evaluate the network, unless the whole window is silent."""
        n_frames = min(ESTIMATED_FRAMES, self._adapter.live_frames)
        frame_rate = self._adapter.geometry.frame_rate
        begin = past.origin + (past.n_frames - n_frames) / frame_rate
        if not bool(past.loud.any()):
            return LiveEstimate(begin, begin + n_frames / frame_rate, self._thresholds.onset, (), ())
        return live_estimate(self._evaluate(past, n_frames), self._thresholds, frame_rate, begin)

    def _evaluate(self, past: _Past, n_frames: int) -> Posterior:
        """Compute the posterior of the last ``n_frames`` frames, by one evaluation."""
        adapter, edge = self._adapter, self._adapter.live_frames
        windows = torch.nn.functional.pad(past.features, (0, MASKED_FRAMES))[None]
        audible = torch.zeros((1, 1, edge + MASKED_FRAMES), device=adapter.device)
        audible[:, :, max(edge - past.n_frames, 0) : edge] = 1.0
        encoded = adapter.encode(windows, audible)
        x0 = adapter.denoise(adapter.condition(encoded))(self._noise, 1.0)
        posterior = adapter.posteriors(x0, encoded)[0].cut(edge - n_frames, edge)
        return replace(posterior, onset=posterior.onset * past.loud[-n_frames:, None])


class _Past:
    """The last seconds of the input: features (n_features, live_frames) and loud (live_frames,) bool, up to the edge.

    They begin with sample ``first`` of the input. ``level`` is the gate's, in dB.
    """

    def __init__(self, adapter: ModelAdapter, level: float, rate: int, first: int) -> None:
        self._adapter, self._level = adapter, level
        self._around = max(adapter.reach_frames, GATE_REACH + 1)  # frames that later samples can still change
        self._resampler = StreamingResampler(rate, adapter.geometry.sample_rate, adapter.device)
        self._n_samples = 0
        self._tail = torch.zeros(2 * self._around * adapter.geometry.hop_length, device=adapter.device)  # whole frames
        self.next, self.origin = first, first / rate  # s
        self.n_frames = 0
        self.features = torch.zeros((adapter.n_features, adapter.live_frames), device=adapter.device)
        self.loud = torch.zeros(adapter.live_frames, dtype=torch.bool, device=adapter.device)

    def take(self, samples: Floats) -> None:
        """Take the next samples; compute the frames that they add or change, and no others."""
        self.next += len(samples)
        fresh = self._resampler.push(samples)
        self._tail = torch.cat([self._tail, fresh])
        self._n_samples += len(fresh)
        hop = self._adapter.geometry.hop_length
        before, self.n_frames = self.n_frames, -(-self._n_samples // hop)
        self.features = self._joined(self.features, self._adapter.features(self._tail))
        self.loud = self._joined(self.loud, gate(self._tail, self._adapter.geometry, self._level))
        self._tail = self._tail[(self.n_frames - before) * hop :]

    def _joined(self, old: Tensor, new: Tensor) -> Tensor:
        """Append frames to older ones, dropping the invalid ones at the old edge and at the beginning of the tail."""
        return torch.cat([old[..., : -self._around], new[..., self._around :]], dim=-1)[..., -old.shape[-1] :]
