"""The DiffRoll network as published: DiffWave's residual stack over piano rolls, conditioned on a log-mel spectrogram.

DiffRoll: Cheuk et al., "DiffRoll: Diffusion-based Generative Music Transcription with Unsupervised Pretraining
Capability", 2022. DiffWave: Kong et al., "DiffWave: A Versatile Diffusion Model for Audio Synthesis", 2021, section 3.
The module's parameters have the names used in the published checkpoints. Weights, arithmetic and conditioning only: no
files, no sampling, no notes (``diffroll_mel`` makes the spectrogram, ``diffroll_notes`` decodes the roll).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffroll_live.errors import CheckpointError
from diffroll_live.music.roll import N_PITCHES

EMBEDDING_CHANNELS = 128
EMBEDDING_HIDDEN = 512
_BOUNDS = {
    "residual_channels": (1, 4096),
    "residual_layers": (1, 256),
    "kernel_size": (1, 65),
    "dilation_base": (1, 16),
    "dilation_bound": (1, 16),
    "n_mels": (1, 1024),
    "steps": (1, 10_000),
}


@dataclass(frozen=True, slots=True)
class DiffRollConfig:
    """The size of a DiffRoll network; the defaults are the published one (86.8 M parameters).

    Layer ``i`` has dilation ``dilation_base ** (i % dilation_bound)``; ``steps`` is the length of the noise schedule.
    Raises CheckpointError for sizes out of bounds.
    """

    residual_channels: int = 512
    residual_layers: int = 15
    kernel_size: int = 9  # frames, odd
    dilation_base: int = 2
    dilation_bound: int = 4
    n_mels: int = 229
    steps: int = 200

    def __post_init__(self) -> None:
        """Check every size against its bounds."""
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise CheckpointError(f"A DiffRoll network needs {name} in {low}..{high}; the model has {value!r}.")
        if self.kernel_size % 2 == 0:
            raise CheckpointError(f"A DiffRoll network needs an odd kernel_size; the model has {self.kernel_size}.")

    @classmethod
    def from_mapping(cls, sizes: Mapping[str, Any]) -> DiffRollConfig:
        """Read the sizes that ``sizes`` names, for example the ``network`` part of a model's config.json.

        Raises CheckpointError for a name that the network does not have, or a size out of bounds.
        """
        unknown = set(sizes) - {each.name for each in fields(cls)}
        if unknown:
            names = ", ".join(sorted(unknown))
            raise CheckpointError(f"A DiffRoll network has no setting {names}; correct the model's config.json.")
        return cls(**sizes)

    def dilation(self, layer: int) -> int:
        """The dilation of a layer's convolution, in frames."""
        return int(self.dilation_base ** (layer % self.dilation_bound))


@dataclass(frozen=True, slots=True)
class Condition:
    """The conditioning by one spectrogram, shared by all steps: (batch, 2 * channels, n_frames) for each layer."""

    projections: tuple[Tensor, ...]

    def followed_by(self, other: Condition) -> Condition:
        """Append the rows of ``other``, to evaluate both as one batch."""
        pairs = zip(self.projections, other.projections, strict=True)
        return Condition(tuple(torch.cat(pair) for pair in pairs))


class StepEmbedding(nn.Module):
    """Embed the diffusion step: sines and cosines, then two SiLU projections (DiffWave, section 3.1)."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.register_buffer("table", _step_table(steps), persistent=False)
        self.projection1 = nn.Linear(EMBEDDING_CHANNELS, EMBEDDING_HIDDEN)
        self.projection2 = nn.Linear(EMBEDDING_HIDDEN, EMBEDDING_HIDDEN)

    def forward(self, step: Tensor) -> Tensor:
        """Embed ``step``, (batch,) int64 from 0 to steps - 1, as (batch, 512)."""
        hidden = F.silu(self.projection1(self.table[step].to(self.projection1.weight.dtype)))
        return F.silu(self.projection2(hidden))


class ResidualLayer(nn.Module):
    """A gated, dilated convolution with a residual and a skip output (DiffWave, figure 2)."""

    def __init__(self, config: DiffRollConfig, dilation: int) -> None:
        super().__init__()
        channels = config.residual_channels
        self.dilated_conv = nn.Conv1d(
            channels, 2 * channels, config.kernel_size, padding=dilation * (config.kernel_size // 2), dilation=dilation
        )
        self.diffusion_projection = nn.Linear(EMBEDDING_HIDDEN, channels)
        self.conditioner_projection = nn.Conv1d(config.n_mels, 2 * channels, 1)
        self.output_projection = nn.Conv1d(channels, 2 * channels, 1)

    def forward(self, x: Tensor, step: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the layer's output and its skip, both (batch, channels, n_frames) like ``x``.

        ``step`` is the embedding, (batch, 512); ``condition`` this layer's part of a Condition.
        """
        hidden = self.dilated_conv(x + self.diffusion_projection(step)[:, :, None]) + condition
        gate, content = hidden.chunk(2, dim=1)
        residual, skip = self.output_projection(torch.sigmoid(gate) * torch.tanh(content)).chunk(2, dim=1)
        return (x + residual) * math.sqrt(0.5), skip


class DiffRoll(nn.Module):
    """Estimate the clean roll from a noisy one, a diffusion step and a spectrogram."""

    def __init__(self, config: DiffRollConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.residual_channels
        self.input_projection = nn.Conv1d(N_PITCHES, channels, 1)
        self.diffusion_embedding = StepEmbedding(config.steps)
        self.residual_layers = nn.ModuleList(
            ResidualLayer(config, config.dilation(index)) for index in range(config.residual_layers)
        )
        self.skip_projection = nn.Conv1d(channels, channels, 1)
        self.output_projection = nn.Conv1d(channels, N_PITCHES, 1)

    def condition(self, spectrogram: Tensor) -> Condition:
        """Project a spectrogram, (batch, n_mels, n_frames) in [0, 1] with -1 where hidden, for every layer.

        One call serves all the steps of a chain.
        """
        spectrogram = spectrogram.to(self.input_projection.weight.dtype)
        return Condition(tuple(layer.conditioner_projection(spectrogram) for layer in self.residual_layers))

    def denoiser(self, condition: Condition) -> Callable[[Tensor, float], Tensor]:
        """Make the ``denoise(x_t, t)`` that samplers call; ``t`` is a step of the linear schedule, 0 .. steps - 1."""

        def denoise(x_t: Tensor, t: float) -> Tensor:
            return self(x_t, torch.full((x_t.shape[0],), int(t), device=x_t.device), condition)

        return denoise

    def forward(self, x_t: Tensor, step: Tensor, condition: Condition) -> Tensor:
        """Estimate x0, (batch, 1, n_frames, 88), from ``x_t`` of the same shape at ``step``, (batch,) int64.

        The computation uses the dtype of the weights; the estimate has that of ``x_t``.
        """
        x = x_t.squeeze(1).transpose(1, 2).to(self.input_projection.weight.dtype)
        x = F.relu(self.input_projection(x))
        embedded = self.diffusion_embedding(step)
        skips = torch.zeros_like(x)
        for layer, projection in zip(self.residual_layers, condition.projections, strict=True):
            x, skip = layer(x, embedded, projection)
            skips = skips + skip
        x = F.relu(self.skip_projection(skips * math.sqrt(1.0 / len(self.residual_layers))))
        return self.output_projection(x).transpose(1, 2).unsqueeze(1).to(x_t.dtype)


def _step_table(steps: int) -> Tensor:
    """The (steps, 128) table of sin and cos of step * 10^(4 k / 63), k = 0..63 (DiffWave, equation 8)."""
    half = EMBEDDING_CHANNELS // 2
    # Angles reach a million radians, where the last bit of a float32 decides the sine. So the order of these
    # operations, and the CPU that does them, are part of the published network.
    rates = 10.0 ** (torch.arange(half, device="cpu") * 4.0 / (half - 1))
    angles = torch.arange(steps, device="cpu")[:, None] * rates[None, :]
    return torch.cat((angles.sin(), angles.cos()), dim=1)
