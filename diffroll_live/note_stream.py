"""Decoding a posterior while it grows, so that the notes of a long recording come out as it is read."""

from __future__ import annotations

import numpy as np

from diffroll_live.decoding import Posterior, Thresholds, decode, join
from diffroll_live.notes import NoteArray
from diffroll_live.roll import RollGeometry

SETTLED_FRAMES = 4  # before the end of what is known an onset may still move


class NoteStream:
    """Decodes a posterior as it grows: every note comes out once, as soon as nothing later can change it."""

    def __init__(self, geometry: RollGeometry, thresholds: Thresholds, first: int) -> None:
        self.geometry, self.thresholds = geometry, thresholds
        self.base, self.end = first, first
        self.parts: list[Posterior] = []
        self.sent: set[tuple[int, int]] = set()

    def push(self, posterior: Posterior) -> NoteArray:
        """Add frames; returns the rows (onset s, offset s, pitch, velocity) that are certain now."""
        self.parts.append(posterior)
        self.end += posterior.n_frames
        rows, settled = self._rows(), (self.end - SETTLED_FRAMES) / self.geometry.frame_rate
        certain = (rows[:, 1] < settled) & (rows[:, 0] < settled)
        waiting = rows[~certain, 0]
        earliest = min(waiting.min(initial=settled), settled)
        self._forget(int(earliest * self.geometry.frame_rate) - SETTLED_FRAMES)
        return self._new(rows[certain])

    def finish(self) -> NoteArray:
        """The rest."""
        return self._new(self._rows()) if self.parts else np.zeros((0, 4))

    def _rows(self) -> NoteArray:
        whole = join(self.parts)
        self.parts = [whole]
        rows = decode(whole, self.geometry, self.thresholds)
        rows[:, :2] += self.base / self.geometry.frame_rate
        return rows

    def _forget(self, before: int) -> None:
        drop = max(before - self.base, 0)
        self.parts = [self.parts[0].cut(drop, self.parts[0].n_frames)]
        self.base += drop

    def _new(self, rows: NoteArray) -> NoteArray:
        keys = [(int(p), round(on * self.geometry.frame_rate)) for on, _, p, _ in rows.tolist()]
        fresh = np.array([key not in self.sent for key in keys], bool)
        self.sent.update(keys)
        return rows[fresh]
