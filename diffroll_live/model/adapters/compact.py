"""The compact network as an adapter: features, conditions, denoise functions and posteriors in the engine's shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from diffroll_live.model.adapters.cut_windows import cut_windows
from diffroll_live.model.decoding import Posterior, Thresholds, decode
from diffroll_live.model.denoiser import Denoise, as_one_batch, guided, logit_guidance
from diffroll_live.model.front_end import FrontEnd
from diffroll_live.model.loudness import UNSCALED, VelocityScale, loudness
from diffroll_live.model.networks.compact import CHANNELS, ROLL_WIDTH, Compact, Condition, Encoded, posterior_mean
from diffroll_live.model.networks.pitch_paths import QUIET
from diffroll_live.model.roll_targets import NoteArray, RollTarget
from diffroll_live.model.schedules import CosineSchedule
from diffroll_live.model.transfers import to_device
from diffroll_live.music.roll import N_PITCHES, RollGeometry

GUIDANCE_INTERVAL = (0.3, 0.8)  # of t; guidance does harm near pure noise and nothing near the end (arXiv 2404.07724)


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What all evaluations of one sampling run share: the condition, and the bits of the known cells.

    bits: (batch, 264, n_frames) in [-1, 1], known: bool, same shape; both None where nothing is known.
    """

    condition: Condition
    bits: Tensor | None
    known: Tensor | None


@dataclass(frozen=True, slots=True)
class CompactAdapter:
    """A loaded compact network. Rolls are (batch, 3, n_frames, 88) with x0 in [-bit_scale, bit_scale]."""

    network: Compact
    front_end: FrontEnd
    device: torch.device
    dtype: torch.dtype

    window_frames: int = 640  # 10.24 s
    margin_frames: int = 64
    live_frames: int = 88  # 1.4 s; more does not help
    velocity_scale: VelocityScale = UNSCALED
    channels: int = CHANNELS
    fills_hidden: bool = False  # it has learned to transcribe; a composer writes

    @property
    def parameters(self) -> int:
        """The number of learned parameters."""
        return sum(p.numel() for p in self.network.parameters())

    @property
    def hears_pedal(self) -> bool:
        """Whether the network has a head for it."""
        return self.network.encoder.pedal is not None

    @property
    def geometry(self) -> RollGeometry:
        """The roll's time axis."""
        return RollGeometry(self.front_end.config.sample_rate, self.front_end.config.hop_length)

    @property
    def n_features(self) -> int:
        """Values per frame."""
        return self.front_end.config.n_features

    @property
    def reach_frames(self) -> int:
        """As the front end's longest window, in frames."""
        return -(-self.front_end.config.reach // self.front_end.config.hop_length)

    @property
    def schedule(self) -> CosineSchedule:
        """The noise schedule that the network was trained with."""
        return CosineSchedule()

    @property
    def bit_scale(self) -> float:
        """The maximum of x0."""
        return self.network.config.bit_scale

    def features(self, samples: Tensor) -> Tensor:
        """(n_samples,) audio at the front end's rate to (n_features, n_frames)."""
        return self.front_end(samples[None])[0]

    def spectrogram(self, features: Tensor) -> Tensor:
        """The pitch spectrum, (n_bins, n_frames)."""
        return features[: self.front_end.config.n_bins]

    def cut(self, features: Tensor, begins: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Cut windows out of (n_features, n_frames) features, silent and masked beyond both ends.

        Returns (batch, n_features, window_frames) and the audio mask (batch, 1, window_frames).
        """
        windows = cut_windows(features, begins, self.window_frames, QUIET)
        return windows, cut_windows(torch.ones_like(features[:1]), begins, self.window_frames, 0.0)

    def encode(self, windows: Tensor, audio_mask: Tensor) -> Encoded:
        """Run the encoder once; a frame with any hidden pitch is hidden entirely."""
        audio_mask = audio_mask.amin(dim=1, keepdim=True)
        encoded: Encoded = self.network.encoder(windows.to(self.dtype), audio_mask.to(self.dtype))
        if self.velocity_scale == UNSCALED:
            return encoded
        return replace(encoded, loudness=loudness(windows, audio_mask, self.front_end.config))

    def condition(
        self, encoded: Encoded, known: Tensor | None = None, known_mask: Tensor | None = None
    ) -> Conditioning:
        """Add the known roll, (batch, 264, n_frames) in [-1, 1]; ``known_mask`` is (batch, 88, n_frames)."""
        batch, _, n_frames = encoded.z.shape
        if known is None or known_mask is None:
            nothing = encoded.z.new_zeros((batch, ROLL_WIDTH, n_frames))
            return Conditioning(self.network.denoiser.condition(nothing, nothing[:, :N_PITCHES], encoded), None, None)
        bits, mask = known.to(self.dtype), known_mask.to(self.dtype)
        bits = bits * mask.repeat(1, CHANNELS, 1)
        return Conditioning(self.network.denoiser.condition(bits, mask, encoded), bits, mask.repeat(1, CHANNELS, 1) > 0)

    def denoise(self, condition: Conditioning) -> Denoise:
        """Make ``denoise(x_t, t) -> x0``; as in training, known cells of x_t are clean at every time."""
        scale = self.bit_scale

        def denoise(x_t: Tensor, t: float) -> Tensor:
            alpha_bar = self.schedule.alpha_bar(t)
            unit = x_t * (1.0 / math.sqrt(alpha_bar * scale**2 + 1.0 - alpha_bar))
            flat = unit.transpose(2, 3).reshape(len(x_t), ROLL_WIDTH, -1).to(self.dtype)
            if condition.bits is not None and condition.known is not None:
                flat = torch.where(condition.known, condition.bits, flat)
            time = torch.full((len(x_t),), t, device=x_t.device)
            x0 = posterior_mean(self.network.denoiser(flat, time, condition.condition))
            return x0.mul_(scale).view(len(x_t), CHANNELS, N_PITCHES, -1).transpose(2, 3)

        return denoise

    def guided(self, condition: Conditioning, unconditional: Conditioning, scale: float) -> Denoise:
        """Guide in logit space, only in the middle of the chain; both halves run as one batch."""
        pair = as_one_batch(self.denoise(_both(condition, unconditional)))
        combine = logit_guidance(-self.bit_scale, self.bit_scale)
        return guided(self.denoise(condition), pair, scale, combine=combine, interval=GUIDANCE_INTERVAL)

    def draw(self, target: RollTarget) -> Tensor:
        """Onset, frame and velocity stacked, in [-1, 1]: (264, n_frames)."""
        roll = np.concatenate([target.onset.T, target.frame.T, target.velocity.T]) * 2 - 1
        return to_device(roll, self.device)

    def probabilities(self, x0: Tensor) -> Tensor:
        """Convert x0 to probabilities of onset and frame and to the velocity of sounding notes, 0 to 1; same shape."""
        p = (x0 / self.bit_scale + 1) / 2
        p[:, 2] = (p[:, 2] / p[:, 1].clamp(min=1e-3)).clamp_(max=1.0)
        return p

    def posteriors(self, x0: Tensor, encoded: Encoded) -> list[Posterior]:
        """One Posterior per row of the batch."""
        p = self.probabilities(x0)
        if encoded.loudness is not None:
            p[:, 2] = self.velocity_scale(p[:, 2], encoded.loudness)
        shifts = encoded.shifts.float().unflatten(1, (2, N_PITCHES)).transpose(2, 3)
        pedals = [None] * len(p) if encoded.pedal is None else encoded.pedal.float().sigmoid().unbind()
        return [
            Posterior(row[0], row[1], row[2], shift[0], shift[1], None if pedal is None else pedal[0])
            for row, shift, pedal in zip(p, shifts, pedals, strict=True)
        ]

    def decode(self, posterior: Posterior, thresholds: Thresholds) -> NoteArray:
        """Notes begin at peaks of the onset channel; see decoding.decode."""
        return decode(posterior, self.geometry, thresholds)


def _both(first: Conditioning, second: Conditioning) -> Conditioning:
    """Stack the rows of two conditions with the same known notes."""
    condition = first.condition.followed_by(second.condition)
    if first.bits is None or first.known is None:
        return Conditioning(condition, None, None)
    return Conditioning(condition, first.bits.repeat(2, 1, 1), first.known.repeat(2, 1, 1))
