"""Hearing audio while it comes: a short past and nothing of the future through the network, once a hop.

The network was taught that audio may stop (training/windows.py: the samples after the edge are silent, the frames
from there on masked), so what it is given here looks exactly like that. When something is a note is not decided here:
that is live_notes' business, on the daemon's side of the pipe.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.features import GATE_REACH, gate
from diffroll_live.engine.live.onset_candidates import belief_of
from diffroll_live.engine.live.priority import Precedence
from diffroll_live.engine.live.resampler import Inflow
from diffroll_live.engine.request_state import Defaults
from diffroll_live.live_types import Belief
from diffroll_live.model.adapters.base import Voice
from diffroll_live.model.decoding import Posterior, Thresholds
from diffroll_live.model.samplers import seeded_noise
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.types import Floats

MASKED_FRAMES = 8  # after the edge
TOLD_FRAMES = 64  # before the edge
SOUNDING = 0.3  # least frame threshold: an end must be seen soon, and cannot be sought in what comes after it


class Ear:
    """Hears one live input of ``rate`` Hz with a voice, before whatever else the voice is doing.

    Not for several threads at once.
    """

    def __init__(self, voice: Voice, defaults: Defaults, rate: int, precedence: Precedence) -> None:
        self._precedence = precedence
        self._voice, self._gate, self._rate = voice, defaults.gate, rate
        self._thresholds = Thresholds(defaults.onset_threshold, max(defaults.frame_threshold, SOUNDING))
        self._noise = torch.empty(
            (1, voice.channels, voice.live_frames + MASKED_FRAMES, N_PITCHES), device=voice.device
        )
        seeded_noise([0], voice.device)(self._noise)
        self._longest_gap = int(voice.live_frames / voice.geometry.frame_rate * rate)  # samples
        self._past = _Past(voice, self._gate, rate, 0)

    @torch.inference_mode()
    def hear(self, first: int, samples: Floats) -> Belief:
        """Hear samples, of which the first is number ``first`` of the input, and tell what is believed now.

        What was left out since the last call is silence; after a long while the past is forgotten.
        """
        with self._precedence.first():
            return self._hear(first, samples)

    def _hear(self, first: int, samples: Floats) -> Belief:
        gap = first - self._past.next
        if not 0 <= gap <= self._longest_gap:
            self._past = _Past(self._voice, self._gate, self._rate, first)
        elif gap:
            samples = np.concatenate([np.zeros(gap, np.float32), samples])
        self._past.take(samples)
        return self._believe(self._past)

    def warm_up(self) -> None:
        """Hear a sound and forget it, so that the first hop is as fast as the tenth."""
        loud = np.ones(self._rate // 10, np.float32)
        for _ in range(2):
            self.hear(self._past.next, loud)
        self._past = _Past(self._voice, self._gate, self._rate, 0)

    def _believe(self, past: _Past) -> Belief:
        """Ask the network; where all that is known of is silence, there is nothing to ask."""
        n_told = min(TOLD_FRAMES, self._voice.live_frames)
        frame_rate = self._voice.geometry.frame_rate
        begin = past.origin + (past.n_frames - n_told) / frame_rate
        if not bool(past.loud.any()):
            return Belief(begin, begin + n_told / frame_rate, self._thresholds.onset, (), ())
        return belief_of(self._read(past, n_told), self._thresholds, frame_rate, begin)

    def _read(self, past: _Past, n_told: int) -> Posterior:
        """The posterior of the last ``n_told`` frames, by one evaluation."""
        voice, n_frames = self._voice, self._voice.live_frames
        windows = torch.nn.functional.pad(past.features, (0, MASKED_FRAMES))[None]
        audible = torch.zeros((1, 1, n_frames + MASKED_FRAMES), device=voice.device)
        audible[:, :, max(n_frames - past.n_frames, 0) : n_frames] = 1.0
        heard = voice.hear(windows, audible)
        x0 = voice.denoise(voice.condition(heard))(self._noise, 1.0)
        posterior = voice.posteriors(x0, heard)[0].cut(n_frames - n_told, n_frames)
        return replace(posterior, onset=posterior.onset * past.loud[-n_told:, None])


class _Past:
    """What was heard last: features (n_features, live_frames) and loud (live_frames,) bool, up to the edge.

    Begins with sample ``first`` of the input; before that there was nothing. ``level`` is the gate's, in dB.
    """

    def __init__(self, voice: Voice, level: float, rate: int, first: int) -> None:
        self._voice, self._level = voice, level
        self._around = max(voice.reach_frames, GATE_REACH + 1)  # frames that what comes can still change
        self._inflow = Inflow(rate, voice.geometry.sample_rate, voice.device)
        self._n_samples = 0
        self._tail = torch.zeros(2 * self._around * voice.geometry.hop_length, device=voice.device)  # whole frames
        self.next, self.origin = first, first / rate  # s
        self.n_frames = 0
        self.features = torch.zeros((voice.n_features, voice.live_frames), device=voice.device)
        self.loud = torch.zeros(voice.live_frames, dtype=torch.bool, device=voice.device)

    def take(self, samples: Floats) -> None:
        """Hear what comes next; work out the frames that it adds or changes, and no others."""
        self.next += len(samples)
        fresh = self._inflow.push(samples)
        self._tail = torch.cat([self._tail, fresh])
        self._n_samples += len(fresh)
        hop = self._voice.geometry.hop_length
        before, self.n_frames = self.n_frames, -(-self._n_samples // hop)
        self.features = self._joined(self.features, self._voice.features(self._tail))
        self.loud = self._joined(self.loud, gate(self._tail, self._voice.geometry, self._level))
        self._tail = self._tail[(self.n_frames - before) * hop :]

    def _joined(self, old: Tensor, new: Tensor) -> Tensor:
        """Put frames behind older ones; the first of both are wrong, as the edge was near or the past was cut off."""
        return torch.cat([old[..., : -self._around], new[..., self._around :]], dim=-1)[..., -old.shape[-1] :]
