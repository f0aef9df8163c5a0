"""Decodes a posterior while it grows, so that the notes of a long recording are streamed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffroll_live.model.decoding import Posterior, join
from diffroll_live.model.roll_targets import NoteArray, long_enough
from diffroll_live.music.roll import HIGH_PITCH, SLACK

SETTLED_FRAMES = 4  # before the end, in which an onset may still move
DECIMALS = 6  # of seconds; so that a note's time does not depend on the frame it was computed from
BLURRED_FRAMES = 3  # after a cut, in which there may be spurious onsets

Decode = Callable[[Posterior], NoteArray]
"""Decodes a posterior to rows (onset s, offset s, pitch, velocity) from its first frame, short notes included."""


class NoteStream:
    """Decodes a posterior as it grows: every note is returned once, as soon as nothing later can change it.

    first: the frame at which the posterior begins. min_note: seconds; a shorter note is recognized only once
    it has ended, so it is dropped here and not in ``decode``.
    """

    def __init__(self, decode: Decode, frame_rate: float, first: int, min_note: float) -> None:
        self.decode, self.frame_rate, self.min_note = decode, frame_rate, min_note
        self.first, self.base, self.end = first, first, first
        self.parts: list[Posterior] = []
        self.sent_until = np.full(HIGH_PITCH + 1, -np.inf)  # s; the end of the last returned note, by pitch

    def push(self, posterior: Posterior) -> NoteArray:
        """Add frames; returns the rows (onset s, offset s, pitch, velocity) that are certain now."""
        self.parts.append(posterior)
        self.end += posterior.n_frames
        rows, settled = self._new_rows(), (self.end - SETTLED_FRAMES) / self.frame_rate
        certain = (rows[:, 1] < settled) & (rows[:, 0] < settled)
        earliest = min(rows[~certain, 0].min(initial=settled), settled)
        self._forget(int(earliest * self.frame_rate) - SETTLED_FRAMES)
        return self._send(rows[certain])

    def finish(self) -> NoteArray:
        """The rest."""
        return self._send(self._new_rows()) if self.parts else np.zeros((0, 4))

    def _new_rows(self) -> NoteArray:
        """Decode the rest, without notes already returned or remnants of them."""
        whole = join(self.parts)
        self.parts = [whole]
        rows = self.decode(whole)
        rows[:, :2] = np.round(rows[:, :2] + self.base / self.frame_rate, DECIMALS)
        clear = (self.base + BLURRED_FRAMES) / self.frame_rate if self.base > self.first else -np.inf
        fresh: NoteArray = rows[(rows[:, 0] >= clear) & (rows[:, 0] >= self.sent_until[rows[:, 2].astype(int)] - SLACK)]
        return fresh

    def _forget(self, before: int) -> None:
        drop = max(before - self.base, 0)
        self.parts = [self.parts[0].cut(drop, self.parts[0].n_frames)]
        self.base += drop

    def _send(self, rows: NoteArray) -> NoteArray:
        np.maximum.at(self.sent_until, rows[:, 2].astype(int), rows[:, 1])
        return rows[long_enough(rows, self.min_note)]
