"""How the pitch of notes moves, read from the audio around them: voices, strings and guitars glide, pianos do not.

No network: the partials of each note are found in a short-time spectrum, and how far each is from its place is told by
the reassigned frequency of its bin (Auger and Flandrin, "Improving the readability of time-frequency and time-scale
representations by the reassignment method", IEEE Trans. Signal Processing 43(5), 1995, section III). Those that
partials of other notes come close to, or that are mixed with anything else, are left out, and the rest must agree.
Where too little is clear, nothing is said. All notes of a stretch of audio, and all their frames, are read at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from diffroll_live.model.roll_targets import NoteArray

STEP = 0.01  # s between two readings
MOST = 2.0  # semitones that a note bends at most, up or down
SHORTEST = 0.1  # s of a note that is read
LONGEST = 20.0  # s that are read of it; it stays as it then is
LOW = 48  # the lowest pitch whose vibrato is seen, through the first of these windows; those below need the second
WINDOWS = (0.064, 0.128)  # s of audio that a reading sees
PADDING = 4  # of the spectrum, so that every partial has a bin near it
PARTIALS = 6  # of a note that are looked at,
HIGHEST = 7000.0  # as far as they are no higher than this, in Hz
GRID = 10  # places in a semitone at which they are looked for
OFF_GRID = 0.5  # semitones from there to where they are found
DISTURBING = 8  # partials of a note that disturb another,
NEAR = 2.5  # as far as they come in semitones,
LOBE = 2.0  # and in bins of an unpadded spectrum: half the main lobe of a Hann window
RINGING = 0.15  # s that a note disturbs others after its offset
PURE = 0.3  # semitones by which the bins of a partial on its own differ at most
SPREAD = 0.15  # semitones, the deviation of partials that agree
SEVERAL = 1.25  # as many partials as make a reading among other notes, each counted by its height
FAINT = 0.1  # of a note's loudest frame; below, the room is heard, or what else rings
AROUND = 2  # readings on both sides, of which the median is taken
CLEAR = 0.7  # share of a note's readings that must be

Readings = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]


def read_bends(samples: Tensor, rate: int, notes: NoteArray, wanted: Mask, begin: float = 0.0) -> list[Readings | None]:
    """Read how many semitones each note lies from its pitch, every STEP from its onset on, within MOST.

    samples: (n_samples,), of which the first is at ``begin`` s. notes: rows (onset s, offset s, pitch, ...) of all that
    sound there, since they disturb one another. wanted: (n_notes,), which of them are read. Returns (n_readings,) for
    each of those, or None where it is not clear.
    """
    told: dict[int, Readings | None] = {}
    low = notes[:, 2] < LOW
    for window, of_kind in zip(WINDOWS, (~low, low), strict=True):
        rows = np.flatnonzero(wanted & of_kind & (notes[:, 1] - notes[:, 0] >= SHORTEST))
        frames = _Frames.of(notes[rows], begin)
        promising = frames.share(_may_do(_usable(frames, notes, begin, window), frames)) >= CLEAR
        rows = rows[promising]
        if len(rows):
            frames = _Frames.of(notes[rows], begin)
            usable = _usable(frames, notes, begin, window)
            semitones, clear = _Spectrum(samples, rate, window, np.unique(frames.at)).measure(frames, usable)
            clear &= (frames.after >= window / 4) & (frames.left >= window / 4)  # else a neighbour is seen
            told.update(zip(rows.tolist(), _by_note(semitones, clear, frames), strict=True))
    return [told.get(row) for row in np.flatnonzero(wanted).tolist()]


@dataclass(frozen=True, slots=True)
class _Frames:
    """All frames of some notes, note by note; (n_notes,) each of the first two, and (n_frames,) of the others."""

    starts: Indices  # the first frame of each note
    counts: Indices
    after: Readings  # s from the note's onset
    left: Readings  # s to its end
    pitch: Indices
    at: Indices  # in steps from the beginning of the audio

    @classmethod
    def of(cls, notes: NoteArray, begin: float) -> _Frames:
        """The frames of notes in audio that begins at ``begin`` s."""
        lengths = np.minimum(notes[:, 1] - notes[:, 0], LONGEST)
        counts = np.ceil(lengths / STEP).astype(np.intp)
        starts = np.cumsum(counts) - counts
        after = STEP * (np.arange(counts.sum()) - np.repeat(starts, counts))
        at = np.rint((np.repeat(notes[:, 0], counts) + after - begin) / STEP).astype(np.intp)
        left = np.repeat(lengths, counts) - after
        return cls(starts, counts, after, left, np.repeat(notes[:, 2].astype(np.intp), counts), at)

    @property
    def note(self) -> Indices:
        """The note of each frame."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def partials(self) -> Readings:
        """Where the partials of the pitches are, in Hz: (n_frames, PARTIALS)."""
        return 440.0 * 2.0 ** ((self.pitch[:, None] - 69) / 12) * np.arange(1, PARTIALS + 1)

    def share(self, of: Mask) -> Readings:
        """The share of each note's frames that is true: (n_notes,)."""
        return np.add.reduceat(of, self.starts, dtype=np.intp) / self.counts if len(self.counts) else np.zeros(0)


class _Spectrum:
    """The magnitudes and reassigned frequencies of audio (n_samples,), around some steps from its beginning."""

    def __init__(self, samples: Tensor, rate: int, window: float, steps: Indices) -> None:
        size, device = round(window * rate), samples.device
        self.steps = steps  # sorted
        last = len(samples) - 1
        centres = torch.from_numpy(np.clip(np.rint(steps * STEP * rate), 0, last).astype(np.int64)).to(device)
        frames = torch.nn.functional.pad(samples, (size // 2, size)).unfold(0, size, 1)[centres]
        angle = 2 * math.pi * torch.arange(size, device=device) / size
        hann, slope = (1 - angle.cos()) / 2, angle.sin() * math.pi / size  # a window, and its derivative
        own, derived = (torch.fft.rfft(frames * each, size * PADDING) for each in (hann, slope))
        self._per_bin = rate / (size * PADDING)  # Hz
        self.magnitude = own.abs()
        moved = -(derived * own.conj()).imag / self.magnitude.square().clamp_min(1e-20) * rate / (2 * math.pi)
        self.frequency = self._per_bin * torch.arange(own.shape[1], device=device) + moved  # Hz

    def measure(self, frames: _Frames, usable: Mask) -> tuple[Readings, Mask]:
        """Measure notes by their ``usable`` partials, (n_frames, PARTIALS).

        Returns for each frame how many semitones they are from their pitch, and whether that is clear.
        """
        device, top = self.magnitude.device, self.magnitude.shape[1] - 1
        at = torch.from_numpy(np.searchsorted(self.steps, frames.at)).to(device)[:, None, None]
        places = torch.from_numpy(frames.partials).to(device)[..., None]
        may = torch.from_numpy(usable).to(device)
        offsets = torch.arange(-GRID * MOST, GRID * MOST + 1, device=device) / GRID
        bins = (places * 2 ** (offsets / 12) / self._per_bin).round().long().clamp_max(top)
        heights = self.magnitude[at, bins] * may[..., None]
        best = heights.sqrt().sum(dim=1).argmax(dim=1)  # the root, so that no partial decides alone
        index = best[:, None, None].expand(-1, PARTIALS, 1)
        height, peak = heights.gather(2, index)[..., 0], bins.gather(2, index)
        lobe = (peak + torch.tensor([0, -PADDING, PADDING], device=device)).clamp(0, top)
        distance = 12 * (self.frequency[at, lobe] / places).clamp_min(0.01).log2()
        own = distance[..., 0]
        pure = (distance - distance[..., :1]).abs().amax(dim=2) < PURE
        weight = height * (pure & ((own - offsets[best][:, None]).abs() < OFF_GRID))
        total, level = weight.sum(dim=1), height.sum(dim=1)
        mean = (weight * own).sum(dim=1) / total.clamp_min(1e-12)
        spread = ((weight * (own - mean[:, None]).square()).sum(dim=1) / total.clamp_min(1e-12)).sqrt()
        several = total.square() > SEVERAL * weight.square().sum(dim=1)
        undisturbed = torch.from_numpy(_is_undisturbed(usable, frames)).to(device)
        clear = (several | undisturbed) & (total > level / 2) & (spread < SPREAD) & (mean.abs() <= MOST)
        loudest = np.repeat(np.maximum.reduceat(level.double().cpu().numpy(), frames.starts), frames.counts)
        return mean.double().cpu().numpy(), clear.cpu().numpy() & (level.double().cpu().numpy() > FAINT * loudest)


def _by_note(semitones: Readings, clear: Mask, frames: _Frames) -> list[Readings | None]:
    """Split readings by note, each the median of the clear ones around it; None where too few of a note are clear."""
    at = np.flatnonzero(clear)
    if not len(at):
        return [None] * len(frames.counts)
    starts, ends, owner = frames.starts, frames.starts + frames.counts - 1, frames.note[at]
    near = np.clip(at[:, None] + np.arange(-AROUND, AROUND + 1), starts[owner, None], ends[owner, None])
    smooth = np.nanmedian(np.where(clear[near], semitones[near], np.nan), axis=1)
    read, first = np.unique(owner, return_index=True)
    last = np.append(first[1:], len(at)) - 1
    known = np.concatenate([starts[read], at, ends[read]])  # a note begins and ends as its outermost clear readings
    values = np.concatenate([smooth[first], smooth, smooth[last]])
    order = np.argsort(known, kind="stable")
    filled = np.interp(np.arange(len(semitones)), known[order], values[order])
    parts = zip(np.split(filled, starts[1:]), frames.share(clear), strict=True)
    return [part if share >= CLEAR else None for part, share in parts]


def _usable(frames: _Frames, notes: NoteArray, begin: float, window: float) -> Mask:
    """Which partials no other note disturbs, and are not too high: (n_frames, PARTIALS)."""
    last = int(frames.at.max(initial=0))
    edges = notes[:, :2] + (-window / 2, window / 2 + RINGING)
    span = np.clip(np.rint((edges - begin) / STEP).astype(int), 0, last + 1)
    changes = np.zeros((last + 2, 128), np.intp)
    for column, change in enumerate((1, -1)):
        np.add.at(changes, (span[:, column], notes[:, 2].astype(int)), change)
    sounding = np.cumsum(changes, axis=0)[frames.at] > 0  # by pitch
    disturbed = np.einsum("fq,fqh->fh", sounding, _disturbances(LOBE / window)[frames.pitch])
    return ~disturbed & (frames.partials < HIGHEST)


def _is_undisturbed(usable: Mask, frames: _Frames) -> Mask:
    """Where no other note disturbs any partial: (n_frames,)."""
    undisturbed: Mask = np.logical_and.reduce(usable | (frames.partials >= HIGHEST), axis=1)
    return undisturbed


def _may_do(usable: Mask, frames: _Frames) -> Mask:
    """Where there may be enough to go by: (n_frames,)."""
    several: Mask = np.count_nonzero(usable, axis=1) > SEVERAL
    return several | _is_undisturbed(usable, frames)


@lru_cache(maxsize=len(WINDOWS))
def _disturbances(least: float) -> Mask:
    """Which partials of a pitch (rows) another disturbs, also by being ``least`` Hz near: (128, 128, PARTIALS)."""
    base = 440.0 * 2.0 ** ((np.arange(128) - 69) / 12)
    own = base[:, None, None, None] * np.arange(1, PARTIALS + 1)[:, None]
    other = base[None, :, None, None] * np.arange(1, DISTURBING + 1)
    close: Mask = ((np.abs(12 * np.log2(own / other)) < NEAR) | (np.abs(own - other) < least)).any(axis=3)
    close[np.arange(128), np.arange(128)] = False
    return close
