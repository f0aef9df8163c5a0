"""Geometry of a piano roll: frames and seconds, pitches and bins. No arrays of audio, no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

LOW_PITCH = 21  # A0
HIGH_PITCH = 108  # C8
N_PITCHES = HIGH_PITCH - LOW_PITCH + 1  # 88

SLACK = 2e-6  # s; the same time computed from two frames differs by less

NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


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


def pitch_name(pitch: int) -> str:
    """Name a MIDI pitch; 60 is C4."""
    return f"{NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}"
