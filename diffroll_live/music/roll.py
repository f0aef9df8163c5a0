"""Geometry of a piano roll: frames and seconds, pitches and bins. No arrays of audio, no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diffroll_live.notation.pitches import HIGH_PITCH, LOW_PITCH, pitch_name

__all__ = ("HIGH_PITCH", "LOW_PITCH", "N_PITCHES", "SLACK", "RollGeometry", "pitch_name")

N_PITCHES = HIGH_PITCH - LOW_PITCH + 1  # 88

SLACK = 2e-6  # s; the same time computed from two frames differs by less


@dataclass(frozen=True, slots=True)
class RollGeometry:
    """The time axis of a roll: one frame is ``hop_length`` samples at ``sample_rate`` Hz."""

    sample_rate: int
    hop_length: int

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop_length

    def n_frames(self, seconds: float) -> int:
        """The number of frames that cover ``seconds``, rounded up."""
        return math.ceil(seconds * self.frame_rate - 1e-6)

    def frame(self, seconds: float) -> int:
        """The nearest frame to a time."""
        return round(seconds * self.frame_rate)

    def seconds(self, frame: float) -> float:
        """The time of a frame's centre."""
        return frame / self.frame_rate
