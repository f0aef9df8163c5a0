"""DiffRoll's input: the log-mel spectrogram of its published front end, and how parts of it are hidden.

The compact network has its own (``diffroll_live.model.front_end``); only DiffRoll's checkpoints need this one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from diffroll_live.errors import AudioError, CheckpointError
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH

HIDDEN = -1.0  # the value of a hidden cell; other cells lie in [0, 1]
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
        """Check the values against each other."""
        numbers = all(isinstance(getattr(self, each.name), int | float) for each in fields(self))
        if not (
            numbers
            and 1000 <= self.sample_rate <= 384_000
            and 16 <= self.n_fft <= 65_536
            and 1 <= self.hop_length <= self.n_fft
            and 1 <= self.n_mels <= 1024
            and 0.0 <= self.f_min < self.f_max <= self.sample_rate / 2
        ):
            raise CheckpointError(f"The model's front end cannot be built from {self}; correct its config.json.")

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> MelConfig:
        """Read this class's settings from ``settings``, which may contain others. Raises CheckpointError."""
        return cls(**{each.name: settings[each.name] for each in fields(cls) if each.name in settings})


class LogMel(nn.Module):
    """Log-mel power, normalized to [0, 1] over each whole clip."""

    def __init__(self, config: MelConfig) -> None:
        from torchaudio.transforms import MelSpectrogram  # no other network needs it

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

        A clip of constant level, such as silence, becomes all 0. Raises AudioError for a clip that is too short for
        reflection padding.
        """
        if waveform.shape[-1] <= self.config.n_fft // 2:
            raise AudioError(f"DiffRoll needs more than {self.config.n_fft // 2} samples of audio; send a longer clip.")
        log_mel = (self.mel(waveform) + _FLOOR).log()
        low, high = log_mel.amin((-2, -1), keepdim=True), log_mel.amax((-2, -1), keepdim=True)
        # Normalized before the last, centred frame is dropped, as in the training of the checkpoints.
        stretched = (log_mel - low) / (high - low).clamp_min(torch.finfo(log_mel.dtype).tiny)
        return stretched[..., : waveform.shape[-1] // self.config.hop_length]


def hide(spectrogram: Tensor, hidden: Tensor) -> Tensor:
    """Return a copy of ``spectrogram``, (batch, n_mels, n_frames), that is -1 where ``hidden`` (bool) is True.

    This hides audio; which notes may change is up to ``denoiser.holding``.
    """
    return spectrogram.masked_fill(hidden, HIDDEN)


def pitch_bins(config: MelConfig) -> Tensor:
    """Which mel bins hold the fundamental of which pitch: (88, n_mels) bool.

    A bin belongs to the pitch nearest to its centre, and a pitch has at least the bin nearest to it. Bins beyond
    the piano belong to its outermost pitches, so that the pitches together cover all bins.
    """
    centres = 700.0 * (10.0 ** (_centres(config) / 2595.0) - 1.0)
    pitches = torch.arange(LOW_PITCH, HIGH_PITCH + 1)
    nearest_pitch = (69.0 + 12.0 * torch.log2(centres / 440.0)).round().clamp(LOW_PITCH, HIGH_PITCH)
    return (nearest_pitch[None, :] == pitches[:, None]) | (
        fundamental_bins(config)[:, None] == torch.arange(config.n_mels)[None, :]
    )


def fundamental_bins(config: MelConfig) -> Tensor:
    """The mel bin nearest to the fundamental of each pitch: (88,) int64."""
    fundamentals = [_mel(440.0 * 2.0 ** ((pitch - 69) / 12)) for pitch in range(LOW_PITCH, HIGH_PITCH + 1)]
    return (torch.tensor(fundamentals)[:, None] - _centres(config)[None, :]).abs().argmin(dim=1)


def _centres(config: MelConfig) -> Tensor:
    """The centre of each filter, in mel: (n_mels,)."""
    return torch.linspace(_mel(config.f_min), _mel(config.f_max), config.n_mels + 2)[1:-1]


def _mel(frequency: float) -> float:
    """Hz to mel, as the filters of the front end are laid out (O'Shaughnessy, 1987)."""
    return 2595.0 * math.log10(1.0 + frequency / 700.0)
