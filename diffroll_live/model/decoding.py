"""Posteriors to notes, on the device that holds them; only the notes themselves are copied back.

Knows no network and no sampler, and never loops over frames or pitches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diffroll_live.model.roll_targets import ONSET_WIDTH, NoteArray, long_enough
from diffroll_live.music.roll import LOW_PITCH, RollGeometry

PEAK_REACH = 2  # frames on each side that an onset must exceed
TOLERANCE_FRAMES = 3  # how far off the end of a note may be, or
TOLERANCE_SHARE = 0.1  # as a share of the note's length, whichever is more; found by F1 on clips for tuning
AT_ONCE = 0.2  # weight of the drop at the frame itself, which decides where the wider one is level
LONGEST_SEARCH = 640  # frames before the last possible end of a note that are searched for its end
UNSETTLED = 6  # last frames of a posterior, in which later ones may still change where a note ends


@dataclass(frozen=True, slots=True)
class Posterior:
    """A network's estimate for one stretch of audio; every tensor but ``pedal`` is (n_frames, 88).

    onset, frame: probabilities; velocity: 0 to 1; onset_shift, offset_shift: true time minus frame, in frames. pedal:
    (n_frames,), the probability that the sustain pedal is down; None where the network does not hear it.
    """

    onset: Tensor
    frame: Tensor
    velocity: Tensor
    onset_shift: Tensor
    offset_shift: Tensor
    pedal: Tensor | None = None

    @property
    def n_frames(self) -> int:
        """Length in frames."""
        return self.onset.shape[0]

    def cut(self, first: int, last: int) -> Posterior:
        """The frames [first, last)."""
        return Posterior(*(part[first:last] for part in self.parts()))

    def parts(self) -> tuple[Tensor, ...]:
        """The tensors that there are, in the order of the fields."""
        parts = self.onset, self.frame, self.velocity, self.onset_shift, self.offset_shift
        return parts if self.pedal is None else (*parts, self.pedal)


def join(posteriors: list[Posterior]) -> Posterior:
    """Concatenate stretches in time."""
    return Posterior(*(torch.cat(parts) for parts in zip(*(p.parts() for p in posteriors), strict=True)))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The probabilities, in (0, 1), that start a note and that sustain it; ``min_note`` in seconds."""

    onset: float = 0.5
    frame: float = 0.5
    min_note: float = 0.03


def decode(posterior: Posterior, geometry: RollGeometry, thresholds: Thresholds) -> NoteArray:
    """Decode the notes of a posterior.

    An onset is a frame above the onset threshold that no frame within two of it exceeds (after Hawthorne et al.,
    arXiv 1710.11153, section 3.3, with peaks instead of edges, so that repeated notes stay apart). A note lasts at
    most to the first frame below the frame threshold or to the next onset of its pitch; within that it ends where the
    frame posterior drops most.

    Returns (n_notes, 4) rows (onset s, offset s, pitch, velocity 1 to 127) sorted by onset, times from frame 0.
    """
    frames, bins = peaks(posterior.onset.float(), thresholds.onset)
    n_frames = posterior.n_frames
    ends = note_ends(posterior.frame.float(), frames, bins, thresholds.frame)
    late = posterior.onset_shift[frames, bins].clamp(-1.5, 1.5)
    after = posterior.offset_shift[ends.clamp(max=n_frames - 1), bins].clamp(-1.0, 1.0)
    level = posterior.velocity[(frames + 1).clamp(max=n_frames - 1), bins]  # after the attack
    columns = [frames, late, ends, torch.where(ends < n_frames, after, 0.0), bins + LOW_PITCH, level * 127]
    # Whole frames are exact in float32; times late in a long recording are not, so they are summed in float64.
    found = torch.stack([c.float() for c in columns], dim=1).cpu().numpy().astype(np.float64)
    onset = found[:, 0] + found[:, 1]
    offset = np.maximum(found[:, 2] + found[:, 3], onset + ONSET_WIDTH / 2)
    rows = np.column_stack((onset, offset, found[:, 4:]))
    return _tidy(rows, geometry.frame_rate, thresholds.min_note)


def _tidy(rows: NoteArray, frame_rate: float, min_note: float) -> NoteArray:
    """End notes at the next onset of their pitch, drop short ones, convert frames to seconds; a few rows only."""
    rows = rows[np.lexsort((rows[:, 0], rows[:, 2]))]
    following = np.append(rows[1:, 0], np.inf)
    same = np.append(rows[1:, 2] == rows[:-1, 2], False)[: len(rows)]
    rows[:, 1] = np.where(same, np.minimum(rows[:, 1], following[: len(rows)]), rows[:, 1])
    rows[:, :2] = np.maximum(rows[:, :2], 0.0) / frame_rate
    rows[:, 3] = np.clip(np.rint(rows[:, 3]), 1, 127)
    rows = rows[long_enough(rows, min_note)]
    return rows[np.lexsort((rows[:, 2], rows[:, 0]))]


def peaks(onset: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Find the frames and bins of local maxima of (n_frames, 88) above a threshold; the first of equal neighbours."""
    reach, n_frames = PEAK_REACH, onset.shape[0]
    padded = torch.nn.functional.pad(onset, (0, 0, reach, reach), value=-1.0)
    peak = onset > threshold
    for step in range(1, reach + 1):
        peak &= onset > padded[reach - step : reach - step + n_frames]
        peak &= onset >= padded[reach + step : reach + step + n_frames]
    frames, bins = torch.nonzero(peak, as_tuple=True)
    return frames, bins


def note_ends(frame: Tensor, frames: Tensor, bins: Tensor, threshold: float) -> Tensor:
    """The frames at which notes that begin at ``frames`` on ``bins`` end; (n_notes,) int64.

    The frame posterior is the probability that a key is still down, so the probability that it is released within w of
    a frame is the posterior w before it minus that w after it. The maximum is the best estimate of an end with a
    tolerance of w. A fixed threshold would end long notes early, since the posterior of a decaying string sinks slowly.
    """
    n_frames = frame.shape[0]
    stop = torch.minimum(
        _first_silent(frame, threshold)[(frames + ONSET_WIDTH).clamp(max=n_frames), bins],
        _next_onset(frames, bins, n_frames),
    )
    low = torch.maximum(frames + ONSET_WIDTH, stop - LONGEST_SEARCH)
    reach = int((stop - low).max().clamp(min=0)) if len(frames) else 0
    at = low[:, None] + torch.arange(reach + 1, device=frame.device)
    width = (TOLERANCE_SHARE * (at - frames[:, None])).clamp_(min=TOLERANCE_FRAMES).round_().long()

    def sounds(when: Tensor) -> Tensor:
        inside = frame[when.clamp(max=n_frames - 1), bins[:, None]]
        return torch.where(when < stop[:, None], inside, 0.0)

    first = (frames + ONSET_WIDTH - 1)[:, None]
    fall = sounds(torch.maximum(at - width, first)) - sounds(at + width - 1)
    fall += AT_ONCE * (sounds(torch.maximum(at - 1, first)) - sounds(at))
    fall = torch.where(at <= stop[:, None], fall, -torch.inf)
    latest = reach - fall.flip(1).argmax(dim=1) if len(frames) else stop
    return torch.where((stop > n_frames - UNSETTLED) | (stop < low), stop, low + latest)


def _next_onset(frames: Tensor, bins: Tensor, n_frames: int) -> Tensor:
    """For every onset the frame of the next one on its pitch, or the number of frames; (n_notes,) int64."""
    order = (bins * (n_frames + 1) + frames).argsort()
    following = torch.where(bins[order[1:]] == bins[order[:-1]], frames[order[1:]], n_frames)
    out = torch.full_like(frames, n_frames)
    out[order[:-1]] = following
    return out


def _first_silent(frame: Tensor, threshold: float) -> Tensor:
    """For every frame and pitch the first frame at or after it below the threshold; (n_frames + 1, 88) int64."""
    n_frames = frame.shape[0]
    index = torch.arange(n_frames, device=frame.device)[:, None].expand(frame.shape)
    index = torch.where(frame < threshold, index, n_frames)
    index = torch.cat([index, index.new_full((1, frame.shape[1]), n_frames)])
    return index.flip(0).cummin(dim=0).values.flip(0)
