"""What DiffRoll hears: the log-mel spectrogram of its published front end, and hiding parts of it.

The compact network hears something else (``diffroll_live.frontend``). Only DiffRoll's checkpoints need this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

from diffroll_live.errors import AudioError, BadRegion, CheckpointError

HIDDEN = -1.0  # the value of a hidden cell; heard cells lie in [0, 1]
_FLOOR = 1e-6  # added to mel power before the logarithm


@dataclass(frozen=True, slots=True)
class MelConfig:
    """The front end of a DiffRoll checkpoint; the defaults are the published one. Raises CheckpointError."""

    sample_rate: int = 16_000  # Hz
    n_fft: int = 2048  # samples
    hop_length: int = 512  # samples
    n_mels: int = 229
    f_min: float = 0.0  # Hz
    f_max: float = 8000.0  # Hz

    def __post_init__(self) -> None:
        """Check the figures against each other."""
        numbers = all(isinstance(getattr(self, each.name), int | float) for each in fields(self))
        if not (
            numbers
            and 1000 <= self.sample_rate <= 384_000
            and 16 <= self.n_fft <= 65_536
            and 1 <= self.hop_length <= self.n_fft
            and 1 <= self.n_mels <= 1024
            and 0.0 <= self.f_min < self.f_max <= self.sample_rate / 2
        ):
            raise CheckpointError(f"The model's front end cannot be built from {self}; mend its config.json.")

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> MelConfig:
        """Take the settings of this class from ``settings``, which may hold others. Raises CheckpointError."""
        return cls(**{each.name: settings[each.name] for each in fields(cls) if each.name in settings})


class LogMel(nn.Module):
    """Log-mel power, stretched to [0, 1] over each whole clip."""

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        self.config = config
        self.mel = MelSpectrogram(
            sample_rate=config.sample_rate,
            n_fft=config.n_fft,
            hop_length=config.hop_length,
            n_mels=config.n_mels,
            f_min=config.f_min,
            f_max=config.f_max,
            normalized=True,
            center=True,
            pad_mode="reflect",
        )

    def forward(self, waveform: Tensor) -> Tensor:
        """Turn (batch, n_samples) in [-1, 1] into (batch, n_mels, n_samples // hop_length) in [0, 1].

        A clip of one level throughout, silence for one, becomes all 0. Raises AudioError for a clip that is too short
        to reflect at its ends.
        """
        if waveform.shape[-1] <= self.config.n_fft // 2:
            raise AudioError(f"DiffRoll needs more than {self.config.n_fft // 2} samples of audio; send a longer clip.")
        log_mel = (self.mel(waveform) + _FLOOR).log()
        low, high = log_mel.amin((-2, -1), keepdim=True), log_mel.amax((-2, -1), keepdim=True)
        # Stretched before the last, centred frame is cut off, as the checkpoints were trained.
        stretched = (log_mel - low) / (high - low).clamp_min(torch.finfo(log_mel.dtype).tiny)
        return stretched[..., : waveform.shape[-1] // self.config.hop_length]


@dataclass(frozen=True, slots=True)
class HiddenArea:
    """A rectangle of the spectrogram that the network must not hear; ends are exclusive, None is the whole axis."""

    frames: tuple[int, int] | None = None
    bins: tuple[int, int] | None = None  # mel bins


def hide(spectrogram: Tensor, areas: Iterable[HiddenArea]) -> Tensor:
    """Return a copy of ``spectrogram``, (batch, n_mels, n_frames), with the ``areas`` set to -1.

    This hides audio; which notes may change is another matter (``denoiser.holding``). Raises BadRegion for an area
    that is empty, reversed or not within the spectrogram.
    """
    hidden = spectrogram.clone()
    for area in areas:
        hidden[..., _slice(area.bins, hidden.shape[-2]), _slice(area.frames, hidden.shape[-1])] = HIDDEN
    return hidden


def _slice(ends: tuple[int, int] | None, size: int) -> slice:
    start, stop = ends or (0, size)
    if not 0 <= start < stop <= size:
        raise BadRegion(f"Cannot hide {start}..{stop} of a spectrogram axis of {size}; give a range within it.")
    return slice(start, stop)
