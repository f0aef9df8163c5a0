"""The project's own network: an encoder that runs once per window, and a denoiser that runs once per step.

Three diffused channels (onset, frame, velocity) of 88 pitches live in [-1, 1] as analog bits (Chen et al., arXiv
2208.04202). The encoder's draft heads are a feed-forward transcriber in themselves; the denoiser starts from them.
Masks tell the denoiser where there is audio and which cells are already known, so that transcription, filling,
continuation, generation and the edge of a live stream are the same call (known cells at noise level zero: arXiv
2410.09306).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from diffroll_live.model.networks.layers import Block, ChannelNorm, Context
from diffroll_live.model.networks.pitch_paths import QUIET, BassPath, PitchPath, RollPath
from diffroll_live.music.roll import N_PITCHES

CHANNELS = 3  # onset, frame, velocity
ROLL_WIDTH = CHANNELS * N_PITCHES
SHIFTS = 2  # of onset and offset within a frame
PITCH_CLASSES = 12
PEDAL_DILATIONS = (1, 2, 4, 8)  # of layers that see half a second on both sides of a frame


@dataclass(frozen=True, slots=True)
class CompactConfig:
    """Sizes of the network."""

    n_bins: int = 294
    n_features: int = 358
    bins_per_semitone: int = 3
    width: int = 192
    kernel_size: int = 5
    encoder_dilations: tuple[int, ...] = (1, 2, 4, 1)
    denoiser_dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    context_after: tuple[int, ...] = (1, 3)  # denoiser blocks followed by attention over the window
    context_frames: int = 8  # frames averaged for attention
    pitch_width: int = 24  # channels of the encoder's pitch path, shared by all pitches
    roll_width: int = 16  # channels of the denoiser's roll path
    harmonic_width: int = 8  # channels per pitch between the pitch path and the rest
    bit_scale: float = 0.6  # b of arXiv 2301.10972: a smaller scale is harder to recover from noise
    n_low_bins: int = 0  # of the features, the last ones: a longer window's view of the bass
    overtones: tuple[float, ...] = ()  # further multiples of a fundamental that the path of its pitch sees
    pedal_width: int = 0  # channels of the head that hears the sustain pedal; 0: there is none


@dataclass(frozen=True, slots=True)
class Encoded:
    """The encoder's output for a stretch of audio; computed once, used by every evaluation.

    draft: (batch, 264, n_frames) logits of onset and frame and a raw velocity, zero where the audio is hidden;
    shifts: (batch, 176, n_frames) onset and offset shifts in frames; z: (batch, width, n_frames);
    audio_mask: (batch, 1, n_frames), 1 where the audio is not hidden; pedal: (batch, 1, n_frames), the logit that the
    sustain pedal is down, or None where the network has no head for it; loudness: (batch, n_frames) dB, None where
    velocities do not depend on it.
    """

    draft: Tensor
    shifts: Tensor
    z: Tensor
    audio_mask: Tensor
    pedal: Tensor | None = None
    loudness: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """What all evaluations of one sampling run share; computed once.

    static: (batch, width, n_frames) and pitches: (batch, roll_width, 88, n_frames), the parts of the first layers that
    do not depend on the noisy roll; base: (batch, 264, n_frames), the logits that the denoiser corrects.
    """

    static: Tensor
    pitches: Tensor
    base: Tensor

    def followed_by(self, other: Condition) -> Condition:
        """Append the rows of ``other``, to evaluate both as one batch."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Condition(*(torch.cat(pair) for pair in pairs))

    def rows(self, index: Tensor) -> Condition:
        """Select rows of the batch; ``index`` (n,) int64."""
        return Condition(*(getattr(self, f.name)[index] for f in fields(self)))


class Encoder(nn.Module):
    """Features to drafts, shifts and an embedding."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.n_bins, self.n_short = config.n_bins, config.n_features - config.n_low_bins
        self.pitches = PitchPath(config.pitch_width, config.n_bins, config.bins_per_semitone, config.overtones)
        self.bass = (
            BassPath(config.pitch_width, config.n_low_bins, config.bins_per_semitone) if config.n_low_bins else None
        )
        self.squeeze = nn.Conv2d(config.pitch_width, config.harmonic_width, 1)
        n_in = self.n_short + config.harmonic_width * N_PITCHES + 1
        self.enter = nn.Conv1d(n_in, config.width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(config.width, config.kernel_size, d) for d in config.encoder_dilations)
        self.norm = ChannelNorm(config.width)
        self.spread = nn.Conv1d(config.width, config.harmonic_width * N_PITCHES, 1)
        self.join = nn.Conv2d(config.pitch_width + config.harmonic_width, config.pitch_width, 1)
        self.heads = nn.Conv2d(config.pitch_width, CHANNELS + SHIFTS, 1)
        self.offsets = nn.Parameter(torch.zeros(CHANNELS + SHIFTS, N_PITCHES, 1))
        self.pedal = PedalHead(config) if config.pedal_width else None
        with torch.no_grad():
            self.heads.bias[:2] = -4.0

    def forward(self, features: Tensor, audio_mask: Tensor) -> Encoded:
        """Encode features (batch, n_features, n_frames) with an audio_mask (batch, 1, n_frames) of 0 and 1."""
        audible = torch.where(audio_mask > 0, features, QUIET)
        bass = self.bass(audible[:, self.n_short :]) if self.bass is not None else None
        pitches = self.pitches(audible[:, : self.n_bins], bass)
        short = audible[:, : self.n_short]
        h = self.enter(torch.cat([short, self.squeeze(pitches).flatten(1, 2), audio_mask], dim=1))
        for block in self.blocks:
            h = block(h)
        z = self.norm(h)
        context = self.spread(z).unflatten(1, (-1, N_PITCHES))
        joined = nn.functional.silu(self.join(torch.cat([self.pitches.ringing(pitches), context], dim=1)))
        heads = (self.heads(joined) + self.offsets).flatten(1, 2)
        draft = torch.where(audio_mask > 0, heads[:, :ROLL_WIDTH], 0.0)
        pedal = self.pedal(z, joined) if self.pedal is not None else None
        return Encoded(draft, heads[:, ROLL_WIDTH:], z, audio_mask, pedal)


class PedalHead(nn.Module):
    """Hears the sustain pedal: in whether strings ring on after their keys are released, and others with them."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        width = config.pedal_width
        self.enter = nn.Conv1d(config.width + 2 * config.pitch_width, width, 1)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation) for dilation in PEDAL_DILATIONS
        )
        self.leave = nn.Conv1d(width, 1, 1)

    def forward(self, z: Tensor, pitches: Tensor) -> Tensor:
        """Z (batch, width, n_frames) and pitches (batch, pitch_width, 88, n_frames) to (batch, 1, n_frames) logits."""
        h = self.enter(torch.cat([z, pitches.mean(dim=2), pitches.amax(dim=2)], dim=1))
        for layer in self.layers:
            h = h + nn.functional.silu(layer(h))
        out: Tensor = self.leave(h)
        return out


class Denoiser(nn.Module):
    """One evaluation: a noisy roll, the known cells and the encoding, to logits of the clean roll."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        n_in = 2 * ROLL_WIDTH + N_PITCHES + 1 + ROLL_WIDTH + config.width + PITCH_CLASSES
        self.enter = nn.Conv1d(n_in, config.width, 1)
        self.time = nn.Sequential(nn.Linear(64, config.width), nn.SiLU(), nn.Linear(config.width, config.width))
        self.blocks = nn.ModuleList(Block(config.width, config.kernel_size, d) for d in config.denoiser_dilations)
        self.shifts = nn.ModuleList(nn.Linear(config.width, config.width) for _ in config.denoiser_dilations)
        self.contexts = nn.ModuleDict(
            {str(i): Context(config.width, config.context_frames) for i in config.context_after}
        )
        self.norm = ChannelNorm(config.width)
        self.leave = nn.Conv1d(config.width, ROLL_WIDTH, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.pitches = RollPath(config.roll_width, config.width)
        self.spread = nn.Conv1d(config.width, config.harmonic_width * N_PITCHES, 1)
        self.join = nn.Conv2d(config.roll_width + config.harmonic_width, config.roll_width, 1)
        self.heads = nn.Conv2d(config.roll_width, CHANNELS, 1)
        nn.init.zeros_(self.heads.weight)
        nn.init.zeros_(self.heads.bias)
        prior = torch.zeros(ROLL_WIDTH, 1)
        prior[: 2 * N_PITCHES] = -4.0
        self.unheard = nn.Parameter(prior)

    def condition(self, known: Tensor, known_mask: Tensor, encoded: Encoded) -> Condition:
        """Compute what all evaluations share.

        known: (batch, 264, n_frames), the clean roll in [-1, 1] where known_mask (batch, 88, n_frames) is 1, zero
        elsewhere.
        """
        z = encoded.z
        parts = [known, known_mask, encoded.audio_mask, encoded.draft, z, self._key(known, known_mask)]
        joined = torch.cat([part.to(z.dtype) for part in parts], dim=1)
        static = nn.functional.conv1d(joined, self.enter.weight[:, ROLL_WIDTH:], self.enter.bias)
        base = torch.where(encoded.audio_mask > 0, encoded.draft, self.unheard.to(encoded.draft.dtype))
        return Condition(static, self.pitches.condition(self._cells(known, known_mask, encoded)), base)

    def forward(self, x_t: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """Estimate logits of onset and frame and a raw velocity; (batch, 264, n_frames).

        x_t: (batch, 264, n_frames) of unit variance; t: (batch,) in [0, 1].
        """
        h = condition.static + nn.functional.conv1d(x_t, self.enter.weight[:, :ROLL_WIDTH])
        rolls = x_t.unflatten(1, (CHANNELS, N_PITCHES))
        embedding = self.time(_time_features(t).to(h.dtype))
        for i, (block, shift) in enumerate(zip(self.blocks, self.shifts, strict=True)):
            h = block(h, shift(embedding)[:, :, None])
            if str(i) in self.contexts:
                h = self.contexts[str(i)](h)
        z = self.norm(h)
        spread = self.spread(z).unflatten(1, (-1, N_PITCHES))
        pitches = self.pitches(rolls, embedding, condition.pitches)
        joined = nn.functional.silu(self.join(torch.cat([pitches, spread], dim=1)))
        out: Tensor = condition.base + self.leave(z) + self.heads(joined).flatten(1, 2)
        return out

    def _cells(self, known: Tensor, known_mask: Tensor, encoded: Encoded) -> tuple[Tensor, ...]:
        """The inputs of the roll path for each cell."""
        dtype, draft = encoded.z.dtype, encoded.draft.unflatten(1, (CHANNELS, N_PITCHES))
        audio = encoded.audio_mask[:, :, None, :].expand(-1, -1, N_PITCHES, -1)
        rolls = known.unflatten(1, (CHANNELS, N_PITCHES))
        return tuple(part.to(dtype) for part in (rolls, draft, known_mask[:, None], audio))

    def _key(self, known: Tensor, known_mask: Tensor) -> Tensor:
        """The pitch-class profile of the known roll; (batch, 12, n_frames), maximum 1."""
        sounding = (known[:, N_PITCHES : 2 * N_PITCHES] > 0).float() * known_mask.float()
        total = sounding.sum(dim=2)
        classes = nn.functional.pad(total, (9, 11)).view(-1, 9, PITCH_CLASSES).sum(dim=1)
        classes = classes / classes.amax(dim=1, keepdim=True).clamp(min=1.0)
        return classes[:, :, None].expand(-1, -1, known.shape[2])


class Compact(nn.Module):
    """Encoder and denoiser together."""

    def __init__(self, config: CompactConfig = CompactConfig()) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.denoiser = Denoiser(config)


def posterior_mean(logits: Tensor) -> Tensor:
    """Turn logits (batch, 264, n_frames) of a roll into expected bits, from -1 to 1; float32.

    The velocity of a silent cell is -1; the network estimates it only for sounding notes.
    """
    logits = logits.float()
    x0 = torch.tanh(logits * 0.5)  # 2 sigmoid(l) - 1
    sounds = (x0[:, N_PITCHES : 2 * N_PITCHES] + 1) / 2
    x0[:, 2 * N_PITCHES :] = sounds * (logits[:, 2 * N_PITCHES :].clamp(-1, 1) + 1) - 1
    return x0


def _time_features(t: Tensor) -> Tensor:
    """Sines and cosines of t in [0, 1] at 32 octave-spaced rates; (batch, 64)."""
    rates = torch.exp2(torch.linspace(0, 8, 32, device=t.device)) * math.pi / 2
    angles = t.float()[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
