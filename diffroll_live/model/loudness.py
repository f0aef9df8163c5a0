"""How loud the sound is around each frame, and what that says about velocity.

A network that is trained at random levels all but ignores the level, while of the recordings that people make the loud
ones were mostly played loudly. The share of the level is fitted once per model, by `evaluate --tune`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import avg_pool1d

from diffroll_live.model.front_end import FrontEndConfig

REACH = 8  # frames on both sides that are averaged: an eighth of a second


@dataclass(frozen=True, slots=True)
class VelocityScale:
    """Velocity, 1 to 127, as ``height + slope * what the network says + per_db * loudness``."""

    height: float
    slope: float
    per_db: float

    def __call__(self, velocity: Tensor, loudness: Tensor) -> Tensor:
        """Scale velocities (batch, n_frames, 88), 0 to 1, by a loudness (batch, n_frames) in dB."""
        level = (self.height + self.per_db * loudness) / 127.0
        return velocity.mul(self.slope).add_(level[:, :, None]).clamp_(1 / 127.0, 1.0)

    def after(self, first: VelocityScale) -> VelocityScale:
        """The scale that does what ``first`` does, and then this."""
        return VelocityScale(
            self.height + self.slope * first.height,
            self.slope * first.slope,
            self.per_db + self.slope * first.per_db,
        )


UNSCALED = VelocityScale(0.0, 1.0, 0.0)


def loudness(features: Tensor, audio_mask: Tensor, config: FrontEndConfig) -> Tensor:
    """The mean level of all bins of the pitch spectrum around each frame, as far as there is audio.

    features: (batch, n_features, n_frames); audio_mask: (batch, 1, n_frames) of 0 and 1. Returns (batch, n_frames) dB,
    far below 0 even for music at full scale, since most bins hold little; 0 where no audio is near.
    """
    mask = audio_mask.float()
    level = (features[:, : config.n_bins].float().mean(dim=1, keepdim=True) * config.spread - config.centre) * mask
    total, heard = (avg_pool1d(part, 2 * REACH + 1, 1, REACH) for part in (level, mask))
    return (total / heard.clamp(min=1e-6) * (20.0 / math.log(10.0)))[:, 0]
