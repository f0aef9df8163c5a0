"""Writing notes where none are heard: block after block, drawn from what the network thinks likely, then known.

With nothing to hear, every cell of a roll is less likely on than off, so a thresholded estimate is silence. Here the
number of onsets in a block follows the sum of their probabilities, their pitches are drawn one chord at a time, and
how long they last is drawn when the next block is looked at. What was drawn is known to the network from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffroll_live.decoding import Posterior, Thresholds, decode
from diffroll_live.notes import ONSET_WIDTH, NoteArray
from diffroll_live.reading import Canvas, Sampling, window_seed
from diffroll_live.roll import LOW_PITCH, N_PITCHES
from diffroll_live.samplers import Callback, seeded_noise
from diffroll_live.voices.voice import Voice

BLOCK_FRAMES = 16  # 0.256 s
LARGEST_CHORD = 6
PITCH_CLASSES = 12
CHORD_FRAMES = 3  # onsets this close are one chord


@dataclass(frozen=True, slots=True)
class Taste:
    """How to draw.

    Temperature spreads the choice of pitch, density scales the number of onsets, key ties pitches to the pitch classes
    that sound around (0 not at all, 1 as often as they sound).
    """

    temperature: float = 1.0
    density: float = 1.0
    key: float = 1.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to hear and to write.

    features: (n_features, n_frames), heard where ``audible`` (n_frames,) is 1; ``writable``: (88, n_canvas) bool, the
    cells to write, all of them unknown on the canvas.
    """

    features: Tensor
    audible: Tensor
    canvas: Canvas
    writable: Tensor


class Writer:
    """Writes into a canvas, ``n`` variations at once."""

    def __init__(self, voice: Voice, scene: Scene, sampling: Sampling, taste: Taste, n: int) -> None:
        self.voice, self.scene = voice, scene
        self.sampling, self.taste, self.n = sampling, taste, n
        canvas = scene.canvas
        self.roll = canvas.roll[None].repeat(n, 1, 1)
        self.known = canvas.known[None].repeat(n, 1, 1)
        self.writable = scene.writable
        self.sounding = torch.zeros((n, N_PITCHES), dtype=torch.bool, device=voice.device)
        self.since = torch.zeros((n, N_PITCHES), dtype=torch.long, device=voice.device)
        self.level = torch.zeros((n, N_PITCHES), device=voice.device)
        self.carry = torch.full((n,), 0.5, device=voice.device)
        self.generators = [
            torch.Generator(voice.device).manual_seed(window_seed(sampling.seed, v, -1)) for v in range(n)
        ]
        self._heard: tuple[int, Any] | None = None
        self.chord = _chord_size(canvas)
        self.spread = _velocity_spread(canvas)

    def blocks(self) -> list[tuple[int, int]]:
        """The blocks (first frame, last frame) that there are to write, in order of time."""
        frames = torch.nonzero(self.writable.any(dim=0))[:, 0].tolist()
        blocks: list[tuple[int, int]] = []
        for frame in frames:
            if blocks and frame == blocks[-1][1] and frame - blocks[-1][0] < BLOCK_FRAMES:
                blocks[-1] = blocks[-1][0], frame + 1
            else:
                blocks.append((frame, frame + 1))
        return blocks

    def write(self, first: int, last: int, callback: Callback | None) -> None:
        """Write one block and make it known."""
        begin, probability = self.estimate(first, callback)
        follows = bool(self.writable[:, first - 1].any()) if first else False
        if not follows:
            self.sounding.zero_()
        self._last_out(probability, begin, first, last)
        self._strike(probability[:, :, first - begin : last - begin], first, last)
        self._settle(first, last)

    def notes(self, variation: int, first: int, last: int) -> NoteArray:
        """The notes written in frames [first, last) so far; rows (onset s, offset s, pitch, velocity)."""
        part = self.roll[variation, :, first:last].unflatten(0, (3, N_PITCHES)).transpose(1, 2)
        bits = (part + 1) / 2 * self.writable[:, first:last].T
        zero = torch.zeros_like(bits[0])
        rows = decode(Posterior(bits[0], bits[1], bits[2], zero, zero), self.voice.geometry, Thresholds(0.5, 0.5, 0.0))
        rows[:, :2] += first / self.voice.geometry.frame_rate
        return rows

    def estimate(self, first: int, callback: Callback | None) -> tuple[int, Tensor]:
        """Ask the network about the window around a block: its first frame, its probabilities (n, 3, window, 88)."""
        voice, window = self.voice, self.voice.window_frames
        quarter = window // 4
        begin = max((first - window // 2) // quarter * quarter, 0)
        begin = max(min(begin, self.roll.shape[2] - window), 0)
        if self._heard is None or self._heard[0] != begin:
            cut, mask = voice.cut(self.scene.features, [begin])
            audible = torch.nn.functional.pad(self.scene.audible, (0, window))[begin : begin + window]
            self._heard = begin, voice.hear(cut.expand(self.n, -1, -1), (mask * audible).expand(self.n, -1, -1))
        canvases = [Canvas(r, k).cut([begin], window) for r, k in zip(self.roll, self.known, strict=True)]
        roll, known = (torch.cat(parts) for parts in zip(*canvases, strict=True))
        denoise = voice.denoise(voice.condition(self._heard[1], roll * known.repeat(1, 3, 1), known))
        noise = seeded_noise([window_seed(self.sampling.seed, v, first) for v in range(self.n)], voice.device)
        x_t = torch.empty((self.n, voice.channels, window, N_PITCHES), device=voice.device)
        noise(x_t)
        timesteps = voice.schedule.timesteps(self.sampling.steps)
        x0 = self.sampling.sampler(denoise, x_t, timesteps, voice.schedule, noise=noise, callback=callback)
        return begin, voice.probabilities(x0)

    def _last_out(self, probability: Tensor, begin: int, first: int, last: int) -> None:
        """Draw whether sounding notes end before ``last``.

        A note is known to sound where it is undecided first, so its chance to have lasted to a frame is that frame's
        probability over the greatest one; one draw a note inverts that curve.
        """
        low = max(first - BLOCK_FRAMES, begin)
        lasting = probability[:, 1, low - begin : last - begin]
        frames = torch.arange(low, last, device=lasting.device)[None, :, None]
        undecided = frames >= self.since[:, None, :]
        u = self._uniform((1, N_PITCHES))
        surest = torch.where(undecided, lasting, 0.0)
        alive = surest / surest.amax(dim=1, keepdim=True).clamp(min=1e-6)  # given that it sounds at all
        peaked = alive.argmax(dim=1, keepdim=True) + low <= frames
        ended = undecided & peaked & (alive < u)
        reach = torch.where(ended, frames, last).amin(dim=1)
        on = undecided & (frames < reach[:, None, :]) & self.sounding[:, None, :]
        self._paint(on, low, last)
        self.sounding &= reach >= last
        self.since = torch.where(self.sounding, last, self.since)

    def _strike(self, probability: Tensor, first: int, last: int) -> None:
        """Draw onsets; ``probability`` (n, 3, n_frames, 88) of the block."""
        onset = probability[:, 0]
        following = torch.cat([onset[:, 1:], onset[:, -1:]], dim=1)
        rate = (onset + following) / (2 * ONSET_WIDTH)
        free = self.writable[:, first:last].T[None] & ~self._on(first, last)
        rate = rate * free
        total = rate.sum(dim=2) * self.taste.density / self.chord
        walk = self.carry[:, None] + total.cumsum(dim=1)
        struck = walk.floor() > torch.cat([self.carry[:, None], walk[:, :-1]], dim=1).floor()
        self.carry = walk[:, -1] % 1.0
        chosen = self._choose(rate, first) & struck[:, :, None]
        chosen &= chosen.long().cumsum(dim=1) == 1  # a pitch once a block
        level = (probability[:, 2] + self.spread * self._normal(rate.shape[1:])).clamp(0.05, 1.0)
        frames = torch.arange(first, last, device=rate.device)[None, :, None]
        hit = chosen.any(dim=1)
        at = torch.where(chosen, frames, 0).amax(dim=1)
        self.level = torch.where(hit, (level * chosen).sum(dim=1), self.level)
        self.sounding |= hit
        self.since = torch.where(hit, at + ONSET_WIDTH, self.since)
        for step in range(ONSET_WIDTH):
            self._mark(chosen, first + step)

    def _choose(self, rate: Tensor, first: int) -> Tensor:
        """For every frame the chord that would be struck there: (n, n_frames, 88) bool.

        Pitches are drawn without replacement in proportion to rate ** (1 / temperature) (Gumbel top-k, Kool et al.,
        arXiv 1903.06059), tilted to the pitch classes that sound around.
        """
        u = self._uniform(rate.shape[1:]).clamp_(1e-9, 1 - 1e-7)
        heat = max(self.taste.temperature, 1e-3)
        score = torch.where(rate > 0, rate.clamp(min=1e-12).log() / heat, -torch.inf)
        score = score + self.taste.key * self._tilt(first)[:, None, :] - (-u.log()).log()
        more = torch.full(rate.shape[1:2], self.chord - 1, device=rate.device)
        size = torch.stack([torch.poisson(more, generator=generator) for generator in self.generators])
        ranked = score.topk(LARGEST_CHORD, dim=2)
        take = torch.arange(LARGEST_CHORD, device=rate.device) < (size + 1)[:, :, None]
        take &= ranked.values.isfinite()
        return torch.zeros(rate.shape, dtype=torch.bool, device=rate.device).scatter_(2, ranked.indices, take)

    def _uniform(self, shape: Sequence[int]) -> Tensor:
        """Draw (n, *shape) in [0, 1), each variation from its own generator: it does not matter how many there are."""
        return torch.stack([torch.rand(shape, device=g.device, generator=g) for g in self.generators])

    def _normal(self, shape: Sequence[int]) -> Tensor:
        """Draw (n, *shape) of unit variance, as ``_uniform`` draws."""
        return torch.stack([torch.randn(shape, device=g.device, generator=g) for g in self.generators])

    def _tilt(self, first: int) -> Tensor:
        """Logarithms of how much each pitch's class sounds in the window before and after; (n, 88)."""
        reach = self.voice.window_frames // 2
        low, high = max(first - reach, 0), first + reach
        frame = (self.roll[:, N_PITCHES : 2 * N_PITCHES, low:high] > 0) & (self.known[:, :, low:high] > 0)
        total = torch.nn.functional.pad(frame.sum(dim=2).float(), (LOW_PITCH % 12, 11)).view(self.n, -1, PITCH_CLASSES)
        classes = total.sum(dim=1)
        share = (classes + 0.02 * classes.sum(dim=1, keepdim=True) + 1.0) / (classes.sum(dim=1, keepdim=True) + 1.0)
        pitch_class = (torch.arange(N_PITCHES, device=share.device) + LOW_PITCH) % PITCH_CLASSES
        return share.log()[:, pitch_class]

    def _on(self, first: int, last: int) -> Tensor:
        """Where a note already sounds, or may still: (n, n_frames, 88) bool."""
        frame = self.roll[:, N_PITCHES : 2 * N_PITCHES, first:last].transpose(1, 2) > 0
        return frame | self.sounding[:, None, :]

    def _mark(self, chosen: Tensor, at: int) -> None:
        """Set the onset, frame and velocity bits of struck cells, ``at`` being the frame of chosen[:, 0]."""
        end = min(at + chosen.shape[1], self.roll.shape[2])
        where = (chosen[:, : end - at] & self.writable[:, at:end].T[None]).transpose(1, 2)
        onset, frame, velocity = self.roll[:, :, at:end].split(N_PITCHES, dim=1)
        onset[where] = 1.0
        frame[where] = 1.0
        velocity.copy_(torch.where(where, self.level[:, :, None] * 2 - 1, velocity))
        self.known[:, :, at:end][where] = 1.0

    def _paint(self, on: Tensor, low: int, last: int) -> None:
        """Let notes sound in the cells ``on`` (n, n_frames, 88)."""
        where = (on & self.writable[:, low:last].T[None]).transpose(1, 2)
        _, frame, velocity = self.roll[:, :, low:last].split(N_PITCHES, dim=1)
        frame[where] = 1.0
        velocity.copy_(torch.where(where, self.level[:, :, None] * 2 - 1, velocity))

    def _settle(self, first: int, last: int) -> None:
        """Make the block known, but for the cells where a note may still sound."""
        frames = torch.arange(first, last, device=self.known.device)[None, None, :]
        open_cells = self.sounding[:, :, None] & (frames >= self.since[:, :, None])
        low = max(first - BLOCK_FRAMES, 0)
        self.known[:, :, low:first].masked_fill_(self.writable[None, :, low:first], 1.0)
        self.known[:, :, first:last].masked_fill_(self.writable[None, :, first:last] & ~open_cells, 1.0)


def _chord_size(canvas: Canvas) -> float:
    """How many notes of the known roll begin together on average, 1.2 to 4; 1.6 where nothing is known."""
    onset = (canvas.roll[:N_PITCHES] > 0) & (canvas.known > 0)
    starts = onset & ~torch.nn.functional.pad(onset, (1, 0))[:, :-1]
    frames = starts.any(dim=0).float()
    if frames.sum() < 4:
        return 1.6
    near = torch.nn.functional.max_pool1d(frames[None], CHORD_FRAMES, stride=1, padding=CHORD_FRAMES // 2)[0]
    groups = (near[1:] > near[:-1]).sum() + near[0]
    return float((starts.sum() / groups.clamp(min=1)).clamp(1.2, 4.0))


def _velocity_spread(canvas: Canvas) -> float:
    """How far the velocities of the known roll's notes differ from their mean, 0 to 1; what the network says is a mean.

    A tenth where less than four notes are known.
    """
    onset = (canvas.roll[:N_PITCHES] > 0) & (canvas.known > 0)
    velocity = (canvas.roll[2 * N_PITCHES :][onset] + 1) / 2
    if len(velocity) < 4 * ONSET_WIDTH:
        return 0.1
    return float(velocity.std().clamp(max=0.2))
