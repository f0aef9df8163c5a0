"""Paths that treat all 88 pitches alike: what is learned at one pitch holds at every other.

Tensors are (batch, channels, 88, n_frames); weights are shared over pitches and frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diffroll_live.music.roll import N_PITCHES

HARMONICS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)  # multiples of a fundamental that the path of its pitch sees
LOW_HARMONICS = (1.0, 2.0, 3.0, 4.0)  # of the fundamental, in the longer window's view of the bass
QUIET = -1.8  # the value of a feature in silence
ROLL_CHANNELS = 3  # onset, frame, velocity
CELL_CHANNELS = 2 * ROLL_CHANNELS + 2  # known roll, draft, mask of known cells and audio mask
KERNELS = (
    (3, 1),
    (1, 2),
    (1, 4),
    (3, 8),
    (1, 16),
    (1, 32),
)  # of the roll path's layers: kernel in pitches, dilation in frames


class PitchPath(nn.Module):
    """Each pitch's view of the spectrum, by one small network that all 88 share.

    For every pitch the energy around its harmonics (Bittner et al., arXiv 2203.09893, section 2.1, stack them in the
    same way), then convolutions over neighbouring pitches and frames: what is learned at one pitch holds at all.
    ``overtones`` are further multiples; low strings are heard by them rather than by their fundamentals. Their weights
    begin at zero, so that a network that learned without them goes on from where it was.
    """

    def __init__(self, width: int, n_bins: int, bins_per_semitone: int, overtones: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.taps = _Taps(HARMONICS, n_bins, bins_per_semitone)
        self.enter = nn.Conv2d(self.taps.count, width, 1)
        self.above = _added(_Taps(overtones, n_bins, bins_per_semitone), width) if overtones else None
        self.near = nn.Conv2d(width, width, (3, 5), padding=(1, 2))
        self.far = nn.Conv2d(width, width, (3, 5), padding=(1, 4), dilation=(1, 2))
        self.ring = nn.Conv2d(width, width, (1, 5), padding=(0, 8), dilation=(1, 4))
        nn.init.zeros_(self.ring.weight)
        nn.init.zeros_(self.ring.bias)

    def forward(self, spectrum: Tensor, bass: Tensor | None = None) -> Tensor:
        """(batch, n_bins, n_frames), and what a ``BassPath`` gives, to (batch, pitch_width, 88, n_frames)."""
        seen = self.enter(self.taps(spectrum))
        if self.above is not None:
            seen = seen + self.above(spectrum)
        if bass is not None:
            seen = seen + bass
        h = nn.functional.silu(seen)
        h = h + nn.functional.silu(self.near(h))
        out: Tensor = h + nn.functional.silu(self.far(h))
        return out

    def ringing(self, seen: Tensor) -> Tensor:
        """Add how each pitch decays over a quarter of a second either way, which shows when a key is released.

        Takes and returns (batch, pitch_width, 88, n_frames).
        """
        return seen + nn.functional.silu(self.ring(seen))


class BassPath(nn.Module):
    """Each pitch's view of the bass through a longer window, which tells neighbouring low strings apart.

    Its weights begin at zero, as those of ``PitchPath``'s overtones.
    """

    def __init__(self, width: int, n_low_bins: int, bins_per_semitone: int) -> None:
        super().__init__()
        self.seen = _added(_Taps(LOW_HARMONICS, n_low_bins, bins_per_semitone), width)

    def forward(self, low: Tensor) -> Tensor:
        """(batch, n_low_bins, n_frames) to (batch, width, 88, n_frames)."""
        out: Tensor = self.seen(low)
        return out


class RollPath(nn.Module):
    """Each pitch's view of the roll and the draft, by one small network that all 88 share.

    Whether a note continues, is struck again or has just ended is the same question at every pitch.
    """

    def __init__(self, width: int, embedding_width: int) -> None:
        super().__init__()
        self.told = nn.Conv2d(CELL_CHANNELS, width, 1)
        self.noisy = nn.Conv2d(ROLL_CHANNELS, width, 1, bias=False)
        self.time = nn.Linear(embedding_width, width)
        self.layers = nn.ModuleList(
            nn.Conv2d(width, width, (pitches, 5), padding=(pitches // 2, 2 * dilation), dilation=(1, dilation))
            for pitches, dilation in KERNELS
        )

    def condition(self, parts: tuple[Tensor, ...]) -> Tensor:
        """The part that is independent of the noisy roll, from CELL_CHANNELS channels; (batch, width, 88, n_frames)."""
        out: Tensor = self.told(_channels_last(torch.cat(parts, dim=1)))
        return out

    def forward(self, x_t: Tensor, embedding: Tensor, static: Tensor) -> Tensor:
        """x_t (batch, 3, 88, n_frames), embedding (batch, embedding_width), to (batch, width, 88, n_frames)."""
        h = static + self.noisy(_channels_last(x_t)) + self.time(embedding)[:, :, None, None]
        for layer in self.layers:
            h = h + nn.functional.silu(layer(h))
        return h


def _channels_last(x: Tensor) -> Tensor:
    """Use channels-last memory layout, in which narrow convolutions run two to six times faster on a CPU."""
    return x.contiguous(memory_format=torch.channels_last)


class _Taps(nn.Module):
    """The three bins around each multiple of each pitch: (batch, n_bins, n_frames) to (batch, count, 88, n_frames)."""

    index: Tensor

    def __init__(self, multiples: tuple[float, ...], n_bins: int, bins_per_semitone: int) -> None:
        super().__init__()
        self.count = 3 * len(multiples)
        self.register_buffer("index", _harmonic_bins(multiples, n_bins, bins_per_semitone), persistent=False)

    def forward(self, spectrum: Tensor) -> Tensor:
        """Quiet where there is no bin."""
        batch, _, n_frames = spectrum.shape
        quiet = spectrum.new_full((batch, 1, n_frames), QUIET)
        taps = torch.cat([spectrum, quiet], dim=1).index_select(1, self.index)
        return _channels_last(taps.view(batch, N_PITCHES, self.count, n_frames).transpose(1, 2))


def _added(taps: _Taps, width: int) -> nn.Sequential:
    """A view that is added to another, and at first adds nothing."""
    layer = nn.Conv2d(taps.count, width, 1, bias=False)
    nn.init.zeros_(layer.weight)
    return nn.Sequential(taps, layer)


def _harmonic_bins(multiples: tuple[float, ...], n_bins: int, bins_per_semitone: int) -> Tensor:
    """The three bins around each multiple of each pitch, ``n_bins`` if there is none; (88 * taps,)."""
    pitch = torch.arange(N_PITCHES)[:, None, None] * bins_per_semitone
    octaves = torch.log2(torch.tensor(multiples))
    harmonic = torch.round(12 * bins_per_semitone * octaves).long()[None, :, None]
    index = pitch + harmonic + torch.arange(-1, 2)[None, None, :]
    return torch.where((index >= 0) & (index < n_bins), index, n_bins).reshape(-1)
