"""Writes notes without audio: block by block, drawn from the network's probabilities, then known to it.

Without audio, every cell of a roll is more likely off than on, so a thresholded estimate is silence. Here chord onsets
follow the inter-onset intervals of the context, weighted by where the network expects onsets. The pitches are drawn
from the network's probabilities, and durations and velocities are taken from notes of the context. Drawn notes are
known to the network from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diffroll_live.engine.canvas import Canvas
from diffroll_live.engine.infill.blocks import blocks_of, runs, strikable
from diffroll_live.engine.infill.style import StyleStatistics, common_style, style_of
from diffroll_live.engine.windowed_sampling import Sampling, window_seed
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Posterior, Thresholds, decode
from diffroll_live.model.roll_targets import ONSET_WIDTH, NoteArray
from diffroll_live.model.samplers import Callback, seeded_noise
from diffroll_live.music.roll import LOW_PITCH, N_PITCHES

LARGEST_CHORD = 12  # notes
DRAWS = 4  # random numbers for each key of a chord
SHORTEST = 3  # frames
PITCH_CLASSES = 12
SWAY = 0.5  # how much the network's onset probabilities shift chords; 0 not at all
STRANGE = 0.02  # smoothing: share of the total duration added to each pitch class
LASTING = 2.0  # s; longer notes weigh no more in a key profile


@dataclass(frozen=True, slots=True)
class WritingStyle:
    """How notes are drawn.

    Temperature spreads the choice of pitch, density scales the number of notes in a chord (0.5 keeps half of them), key
    ties pitches to the surrounding pitch classes (0 not at all, 1 in proportion to their durations).
    """

    temperature: float = 1.0
    density: float = 1.0
    key: float = 1.0


@dataclass(frozen=True, slots=True)
class InfillContext:
    """The audio, the surrounding notes, and the cells to write.

    features: (n_features, n_frames), visible where ``audible`` (n_frames,) is 1; ``writable``: (88, n_canvas) bool, the
    cells to write, all of them unknown on the canvas; ``around``: rows of the notes on the canvas.
    """

    features: Tensor
    audible: Tensor
    canvas: Canvas
    writable: Tensor
    around: NoteArray


class Writer:
    """Writes into a canvas, ``n`` variations at once."""

    def __init__(
        self, adapter: ModelAdapter, scene: InfillContext, sampling: Sampling, taste: WritingStyle, n: int
    ) -> None:
        self.adapter, self.scene = adapter, scene
        self.sampling, self.taste, self.n = sampling, taste, n
        canvas = scene.canvas
        self.roll = canvas.roll[None].repeat(n, 1, 1)
        self.known = canvas.known[None].repeat(n, 1, 1)
        self.writable = scene.writable
        onset, frame, _ = ((canvas.roll > 0) & (canvas.known > 0).repeat(3, 1)).split(N_PITCHES)
        self.strikable = strikable(scene.writable, onset, frame)
        self.generators = [
            torch.Generator(adapter.device).manual_seed(window_seed(sampling.seed, v, -1)) for v in range(n)
        ]
        self._encoded: tuple[int, Any] | None = None
        self._manner: StyleTensors | None = None

    def blocks(self) -> list[tuple[int, int]]:
        """The blocks (first frame, last frame) to write, in order of time."""
        return blocks_of(self.writable)

    def write(self, first: int, last: int, callback: Callback | None) -> None:
        """Write one block and make it known."""
        begin, probability = self.estimate(first, callback)
        if self._manner is None or not self.writable[:, first - 1].any():
            self._manner = self._style_at(first)
        manner, tilt = self._manner, self._tilt(first)
        rate = self._rate(probability[:, 0, first - begin :], first)
        chords = manner.moments(self._uniform((last - first,)).cpu(), _sway(rate).cpu())
        u = self._uniform((last - first, DRAWS, N_PITCHES)).clamp_(1e-9, 1 - 1e-7)
        for at in torch.nonzero(chords.any(dim=0))[:, 0].tolist():
            self._strike(rate[:, at], tilt, first + at, chords[:, at].to(rate.device), u[:, at])
        self.known[:, :, first:last].masked_fill_(self.writable[None, :, first:last], 1.0)

    def notes(self, variation: int, first: int, last: int) -> NoteArray:
        """The notes written in frames [first, last) so far; rows (onset s, offset s, pitch, velocity)."""
        part = self.roll[variation, :, first:last].unflatten(0, (3, N_PITCHES)).transpose(1, 2)
        bits = (part + 1) / 2 * self.writable[:, first:last].T
        zero = torch.zeros_like(bits[0])
        rows = decode(
            Posterior(bits[0], bits[1], bits[2], zero, zero), self.adapter.geometry, Thresholds(0.5, 0.5, 0.0)
        )
        rows[:, :2] += first / self.adapter.geometry.frame_rate
        return rows

    def estimate(self, first: int, callback: Callback | None) -> tuple[int, Tensor]:
        """Evaluate the window around a block: its first frame and its probabilities (n, 3, window, 88)."""
        adapter, window = self.adapter, self.adapter.window_frames
        quarter = window // 4
        begin = max((first - window // 2) // quarter * quarter, 0)
        begin = max(min(begin, self.roll.shape[2] - window), 0)
        if self._encoded is None or self._encoded[0] != begin:
            cut, mask = adapter.cut(self.scene.features, [begin])
            audible = torch.nn.functional.pad(self.scene.audible, (0, window))[begin : begin + window]
            self._encoded = begin, adapter.encode(cut.expand(self.n, -1, -1), (mask * audible).expand(self.n, -1, -1))
        canvases = [Canvas(r, k).cut([begin], window) for r, k in zip(self.roll, self.known, strict=True)]
        roll, known = (torch.cat(parts) for parts in zip(*canvases, strict=True))
        denoise = adapter.denoise(adapter.condition(self._encoded[1], roll * known.repeat(1, 3, 1), known))
        noise = seeded_noise([window_seed(self.sampling.seed, v, first) for v in range(self.n)], adapter.device)
        x_t = torch.empty((self.n, adapter.channels, window, N_PITCHES), device=adapter.device)
        noise(x_t)
        timesteps = adapter.schedule.timesteps(self.sampling.steps)
        x0 = self.sampling.sampler(denoise, x_t, timesteps, adapter.schedule, noise=noise, callback=callback)
        return begin, adapter.probabilities(x0)

    def _style_at(self, first: int) -> StyleTensors:
        """The style of a gap that begins at a frame, from the notes around it in its pitch range."""
        frame_rate, around = self.adapter.geometry.frame_rate, self.scene.around
        last = next(last for begin, last in runs(self.writable.any(dim=0)) if begin <= first < last)
        pitches = torch.nonzero(self.writable[:, first:last].any(dim=1))[:, 0].cpu().numpy() + LOW_PITCH
        rows = around[np.isin(around[:, 2], pitches)]
        habits = style_of(rows, first / frame_rate, last / frame_rate, frame_rate)
        before = rows[rows[:, 0] < first / frame_rate, 0]
        idle = first - round(float(before.max()) * frame_rate) if len(before) else last
        return StyleTensors(habits or common_style(self.sampling.seed, frame_rate), idle - 1, frame_rate, self)

    def _rate(self, onset: Tensor, first: int) -> Tensor:
        """The expected number of onsets in each permitted cell: (n, n_frames, 88) from frame ``first``."""
        following = torch.cat([onset[:, 1:], onset[:, -1:]], dim=1)
        return (onset + following) / (2 * ONSET_WIDTH) * self.strikable[:, first : first + onset.shape[1]].T

    def _strike(self, rate: Tensor, tilt: Tensor, frame: int, struck: Tensor, u: Tensor) -> None:
        """Draw the chords that are ``struck`` (n,) at a frame from u (n, DRAWS, 88); rate, tilt: (n, 88).

        Keys are drawn without replacement in proportion to rate ** (1 / temperature) (Gumbel top-k, Kool et al., arXiv
        1903.06059), tilted towards the surrounding pitch classes. A note that a border would cut is drawn again.
        """
        assert self._manner is not None
        down = self.roll[:, N_PITCHES : 2 * N_PITCHES, frame] > 0
        heat = max(self.taste.temperature, 1e-3)
        score = torch.where((rate > 0) & ~down, rate.clamp(min=1e-12).log() / heat, -torch.inf)
        score = score + self.taste.key * tilt - (-u[:, 0].log()).log()
        size = (self._manner.size(u[:, 1, 0]) * self.taste.density + u[:, 1, 1]).floor()
        ranked = score.topk(LARGEST_CHORD, dim=1)
        take = torch.arange(LARGEST_CHORD, device=rate.device) < (size * struck)[:, None]
        take &= ranked.values.isfinite()
        chosen = torch.zeros(rate.shape, dtype=torch.bool, device=rate.device).scatter_(1, ranked.indices, take)
        ahead = self.writable[:, frame:].long().cumprod(dim=1).sum(dim=1)
        length, level = self._manner.touch(u[:, 2])
        length_again, level_again = self._manner.touch(u[:, 3])
        cut = length >= ahead
        length = torch.where(cut, length_again, length).minimum(ahead)
        self._mark(chosen, frame, length, torch.where(cut, level_again, level))

    def _mark(self, chosen: Tensor, frame: int, length: Tensor, level: Tensor) -> None:
        """Write the chosen keys (n, 88) from a frame on, for a length in frames, and mark them known."""
        end = min(frame + int((length * chosen).max()), self.roll.shape[2])
        at = torch.arange(end - frame, device=chosen.device)
        sounds = chosen[:, :, None] & (at < length[:, :, None])
        if frame:  # an empty frame distinguishes a repeated note from a held one
            again = chosen & self.writable[:, frame - 1]
            self.roll[:, N_PITCHES : 2 * N_PITCHES, frame - 1].masked_fill_(again, -1.0)
        onset, on, velocity = self.roll[:, :, frame:end].split(N_PITCHES, dim=1)
        onset.masked_fill_(sounds & (at < ONSET_WIDTH), 1.0)
        on.masked_fill_(sounds, 1.0)
        velocity.copy_(torch.where(sounds, level[:, :, None] * 2 - 1, velocity))
        self.known[:, :, frame:end].masked_fill_(sounds, 1.0)

    def _uniform(self, shape: Sequence[int]) -> Tensor:
        """Draw (n, *shape) in [0, 1), each variation from its own generator, independent of their number."""
        return torch.stack([torch.rand(shape, device=g.device, generator=g) for g in self.generators])

    def _tilt(self, first: int) -> Tensor:
        """Log pitch-class weights of each pitch, from the notes around and those written nearby; (n, 88)."""
        reach = self.adapter.window_frames // 2
        near = slice(max(first - reach, 0), first + reach)
        sounds = (self.roll[:, N_PITCHES : 2 * N_PITCHES, near] > 0) & (self.known[:, :, near] > 0)
        classes = torch.nn.functional.pad(sounds.sum(dim=2).float(), (LOW_PITCH % 12, 11))
        classes = classes.view(self.n, -1, PITCH_CLASSES).sum(dim=1)
        share = classes / classes.sum(dim=1, keepdim=True).clamp(min=1.0) + self._classes_around()
        total = share.sum(dim=1, keepdim=True)
        share = (share + STRANGE * total + 1e-3) / (total + 1e-3)
        pitch_class = (torch.arange(N_PITCHES, device=share.device) + LOW_PITCH) % PITCH_CLASSES
        return share.log()[:, pitch_class]

    def _classes_around(self) -> Tensor:
        """The share of each pitch class in the surrounding notes, (12,); zeros if there are none."""
        rows = self.scene.around
        lasting = np.minimum(rows[:, 1] - rows[:, 0], LASTING)
        classes = np.bincount(rows[:, 2].astype(np.int64) % 12, weights=lasting, minlength=PITCH_CLASSES)
        return torch.from_numpy(classes / max(classes.sum(), 1e-9)).float().to(self.adapter.device)


class StyleTensors:
    """The style as tensors, and the time since each variation's last chord."""

    def __init__(self, habits: StyleStatistics, idle: int, frame_rate: float, writer: Writer) -> None:
        device = writer.adapter.device
        self.idle = torch.full((writer.n,), idle)
        self.hazard = torch.from_numpy(habits.hazard).float()
        self.sizes = torch.from_numpy(habits.sizes).to(device)
        self.nearness = torch.from_numpy(habits.nearness()).float().to(device)
        models = torch.from_numpy(habits.models).float().to(device)
        self.lengths = ((models[:, 1] - models[:, 0]) * frame_rate).round().long().clamp(min=SHORTEST)
        self.levels = models[:, 3] / 127

    def moments(self, u: Tensor, sway: Tensor) -> Tensor:
        """The frames in which chords are struck: (n, n_frames) bool from draws ``u`` of that shape, on the CPU."""
        struck = torch.zeros(u.shape, dtype=torch.bool)
        for at in range(u.shape[1]):
            self.idle += 1
            hazard = self.hazard[self.idle.clamp(max=len(self.hazard) - 1)]
            struck[:, at] = u[:, at] < 1 - (1 - hazard) ** sway[:, at]
            self.idle[struck[:, at]] = 0
        return struck

    def size(self, u: Tensor) -> Tensor:
        """The number of notes of a chord, from draws of any shape."""
        return self.sizes[(u * len(self.sizes)).long()]

    def touch(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Durations (frames) and velocities (0 to 1) from draws (n, 88), copied from models near in pitch."""
        model = torch.searchsorted(self.nearness, u.T.contiguous()).T.clamp(max=len(self.lengths) - 1)
        return self.lengths[model], self.levels[model]


def _sway(rate: Tensor) -> Tensor:
    """The probability of a chord in each frame relative to the mean over permitted frames: (n, n_frames)."""
    total = rate.sum(dim=2)
    often = total.sum(dim=1, keepdim=True) / (total > 0).sum(dim=1, keepdim=True).clamp(min=1)
    return (total / often.clamp(min=1e-12)) ** SWAY
