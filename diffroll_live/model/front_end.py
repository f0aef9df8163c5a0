"""Audio to features on a device: a log-frequency spectrogram with fixed scaling.

Two short-time spectra share one hop: a long window for pitch (three bins a semitone) and a short one for attacks. A
third may look at the bass alone, through a window long enough to tell neighbouring strings apart there.
Nothing is normalized by a clip's own range, so silence stays silence and a live stream gives the same features as a
file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

SLOWER = 8  # the bass is read at this fraction of the sample rate, which an FFT of half a second then costs little
LOW_PASS_TAPS = 127  # of the filter before that
CHUNK_FRAMES = 512  # per pass; little enough to stay mostly in the cache


@dataclass(frozen=True, slots=True)
class FrontEndConfig:
    """Geometry and scaling of the features; every number is stored with the weights."""

    sample_rate: int = 16_000  # Hz
    hop_length: int = 256  # samples; 16 ms
    n_fft: int = 2048  # samples; the pitch window
    n_fft_attack: int = 512  # samples; the attack window
    bins_per_semitone: int = 3
    n_bins: int = 294  # from A0 up
    n_attack_bands: int = 64
    n_fft_low: int = 8192  # samples; the window of the bass, a multiple of SLOWER
    n_low_bins: int = 0  # of it, from A0 up, after all others; 0: there is none
    floor: float = 1e-5  # amplitude of -100 dBFS
    centre: float = 7.0  # added to the natural logarithm
    spread: float = 2.5  # then divided by

    @property
    def n_features(self) -> int:
        """Values per frame."""
        return self.n_bins + self.n_attack_bands + self.n_low_bins

    @property
    def reach(self) -> int:
        """Samples before and after its centre that a frame depends on."""
        low = self.n_fft_low // 2 + LOW_PASS_TAPS // 2 if self.n_low_bins else 0
        return max(self.n_fft // 2, self.n_fft_attack // 2, low)


class FrontEnd(nn.Module):
    """(batch, n_samples) audio at ``config.sample_rate`` to (batch, n_features, n_frames) features.

    Frame ``i`` is centred on sample ``i * hop_length``; there are ``ceil(n_samples / hop_length)`` frames. A full-scale
    sine reads about ``centre / spread``, silence ``(log floor + centre) / spread``.
    """

    def __init__(self, config: FrontEndConfig = FrontEndConfig()) -> None:
        super().__init__()
        self.config = config
        centres = 27.5 * 2.0 ** (torch.arange(config.n_bins) / (12 * config.bins_per_semitone))
        low, high = math.log2(60.0), math.log2(config.sample_rate / 2 * 0.98)
        bands = 2.0 ** torch.linspace(low, high, config.n_attack_bands)
        pitch_filters = _triangles(centres, config.n_fft, config.sample_rate)
        attack_filters = _triangles(bands, config.n_fft_attack, config.sample_rate)
        self.register_buffer("pitch_filters", pitch_filters, persistent=False)
        self.register_buffer("attack_filters", attack_filters, persistent=False)
        self.register_buffer("pitch_window", torch.hann_window(config.n_fft), persistent=False)
        self.register_buffer("attack_window", torch.hann_window(config.n_fft_attack), persistent=False)
        if config.n_low_bins:
            n_fft, rate = config.n_fft_low // SLOWER, config.sample_rate // SLOWER
            self.register_buffer("low_pass", _low_pass(SLOWER, LOW_PASS_TAPS), persistent=False)
            low_filters = _triangles(centres[: config.n_low_bins], n_fft, rate)
            self.register_buffer("low_filters", low_filters, persistent=False)
            self.register_buffer("low_window", torch.hann_window(n_fft), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Compute the features; float32 whatever the caller's autocast."""
        config = self.config
        n_frames = -(-samples.shape[-1] // config.hop_length)
        reach, n_short = config.n_fft // 2, config.n_bins + config.n_attack_bands
        padded = nn.functional.pad(samples.float(), (reach, reach + n_frames * config.hop_length - samples.shape[-1]))
        out = samples.new_empty((len(samples), config.n_features, n_frames), dtype=torch.float32)
        with torch.autocast(samples.device.type, enabled=False):
            for first in range(0, n_frames, CHUNK_FRAMES):
                last = min(first + CHUNK_FRAMES, n_frames)
                piece = padded[:, first * config.hop_length : (last - 1) * config.hop_length + config.n_fft]
                self._bands(piece, self.pitch_window, self.pitch_filters, out[:, : config.n_bins, first:last])
                self._bands(piece, self.attack_window, self.attack_filters, out[:, config.n_bins : n_short, first:last])
            if config.n_low_bins and n_frames:
                self._bass(padded[:, reach:-reach], out[:, n_short:])
            return out.add_(config.floor).log_().add_(config.centre).div_(config.spread)

    def _bass(self, samples: Tensor, out: Tensor) -> None:
        """Write the energy in the low filters, of whole frames of samples, read at a fraction of their rate."""
        slow = nn.functional.conv1d(samples[:, None], self.low_pass, stride=SLOWER, padding=LOW_PASS_TAPS // 2)[:, 0]
        reach, hop = len(self.low_window) // 2, self.config.hop_length // SLOWER
        padded = nn.functional.pad(slow, (reach, reach))
        frames = padded.unfold(-1, len(self.low_window), hop)[:, : out.shape[2]]
        self._energy(frames, self.low_window, self.low_filters, out)

    def _bands(self, padded: Tensor, window: Tensor, filters: Tensor, out: Tensor) -> None:
        """Write the energy in each filter into ``out`` (batch, n_filters, n_frames), frames ``n_fft`` samples wide."""
        offset = (self.config.n_fft - window.shape[0]) // 2
        frames = padded[:, offset:].unfold(-1, window.shape[0], self.config.hop_length)[:, : out.shape[2]]
        self._energy(frames, window, filters, out)

    def _energy(self, frames: Tensor, window: Tensor, filters: Tensor, out: Tensor) -> None:
        spectrum = torch.fft.rfft(frames * window)
        # Complex abs() guards against overflow, which full-scale audio never approaches, and is several times slower.
        amplitude = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag).sqrt_().mul_(2.0 / window.sum())
        out.copy_(torch.matmul(filters, amplitude.transpose(1, 2)))


def _triangles(centres: Tensor, n_fft: int, sample_rate: int) -> Tensor:
    """Triangular filters on log-spaced centres, at least one FFT bin wide; (n_centres, n_fft // 2 + 1), unit sum."""
    spacing = sample_rate / n_fft
    frequencies = torch.arange(n_fft // 2 + 1) * spacing
    ratio = (centres[1:] / centres[:-1]).mean()
    below = torch.maximum(centres - centres / ratio, torch.full_like(centres, spacing))
    above = torch.maximum(centres * ratio - centres, torch.full_like(centres, spacing))
    distance = frequencies[None, :] - centres[:, None]
    weights = torch.where(distance < 0, 1 + distance / below[:, None], 1 - distance / above[:, None]).clamp_(min=0)
    return weights / weights.sum(dim=1, keepdim=True).clamp_(min=1e-9)


def _low_pass(slower: int, taps: int) -> Tensor:
    """A windowed sinc that passes what ``1 / slower`` of a sample rate can hold; (1, 1, taps), unit sum."""
    kernel = torch.sinc((torch.arange(taps) - taps // 2) / slower) * torch.hann_window(taps, periodic=False)
    return (kernel / kernel.sum())[None, None]
