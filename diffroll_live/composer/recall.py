"""Figures that are taken up again: what other bars put at a place where they have agreed with this one so far.

A figure is the music some beats away, moved by some semitones. Around each key it is as strong as it has agreed with
the last notes near that key, and it proposes its own next note. That is a cache of what was heard (Grave et al., arXiv
1612.04426): the network knows that figures come again, and is too unsure of it to carry one through. No torch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.network import SHIFTS
from diffroll_live.composer.passage import Bools
from diffroll_live.composer.steps import StepGrid
from diffroll_live.composer.vocabulary import N_KEYS, NO_KEY

FURTHEST = 4  # bars from which a figure is taken
STRIDE = {False: 2, True: 6}  # steps between figures: an eighth, and a quarter where there are triplets
MEMORY = 32  # steps before a hole that say which figures are going on
FADING = 0.95  # a step
NEAR = 4.0  # semitones, the standard deviation of what counts for a key
DOUBT = 1.0  # notes; where fewer say how strong a figure is, it is what it is elsewhere
MOVED = 0.8  # the strength of a figure that is moved, beside one that is not
CLOSE = 0.9  # of the strongest figure's strength, with which another has a say beside it

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_MOVES = np.array(SHIFTS)
_REACH = int(np.abs(_MOVES).max())
_SOURCES = _REACH - _MOVES[:, None] + np.arange(N_KEYS)  # the column of each key before it was moved
_COSTS: Floats = np.where(_MOVES == 0, 1.0, MOVED).astype(np.float32)[:, None]


class Recall:
    """Follows a hole from step to step; ``begun``, (n_steps, 88), are the onsets so far, others write into it."""

    def __init__(self, grid: StepGrid, begun: Bools, known: Bools) -> None:
        """``known``: (n_steps,) at which nothing is left to write."""
        self._begun, self._known = begun, known.copy()
        most = FURTHEST * int(np.diff(grid.first_steps()).max())
        stride = STRIDE[grid.triplets]
        lags = np.arange(-(most // stride), most // stride + 1) * stride
        self._lags = lags[lags != 0]
        key = np.arange(N_KEYS)
        self._near: Floats = np.exp(-0.5 * ((key[:, None] - key) / NEAR) ** 2).astype(np.float32)
        self._shared, self._theirs = (np.zeros((len(self._lags), len(SHIFTS), N_KEYS), np.float32) for _ in range(2))
        self._ours = np.zeros((len(self._lags), 1, N_KEYS), np.float32)
        self._step = -1  # before which everything has been compared
        self._proposed: Bools = np.zeros((0, 0, N_KEYS), bool)
        self._near_key: Floats = np.zeros((0, 0, N_KEYS), np.float32)
        self._above: Floats = np.zeros((0, 0, N_KEYS), np.float32)

    def enter(self, step: int) -> None:
        """Compare all that has been written before a step of the hole with each figure."""
        begin = self._step if self._step >= 0 else max(step - MEMORY, 0)
        if self._step >= 0:
            self._known[self._step] = True
        for earlier in (begin + np.flatnonzero(self._known[begin:step])).tolist():
            theirs, there = self._figures(earlier)
            ours = self._begun[earlier]
            self._shared = FADING * self._shared + (theirs & ours)
            self._theirs = FADING * self._theirs + theirs
            self._ours = FADING * self._ours + (there[:, None] & ours)[:, None]
        self._step = step
        self._proposed, there = self._figures(step)
        either = self._theirs + self._ours - self._shared
        doubt = DOUBT * self._shared.sum(-1, keepdims=True) / (either.sum(-1, keepdims=True) + DOUBT)
        weight = _COSTS * there.astype(np.float32)[:, None, None]
        self._near_key = weight * (self._shared @ self._near + doubt) / (either @ self._near + DOUBT)
        above, all_above = (table[..., ::-1].cumsum(-1)[..., ::-1] for table in (self._shared, either))
        self._above = weight * (above + doubt) / (all_above + DOUBT)

    def votes(self, last: int) -> Doubles:
        """How much speaks for each key above ``last``, a key or NO_KEY, and for none: (89,), at most 1 in all."""
        low = 0 if last == NO_KEY else last + 1
        if low >= N_KEYS:
            return np.zeros(N_KEYS + 1)
        proposed = self._proposed[..., low:]
        some = proposed.any(-1)
        first = proposed.argmax(-1)
        near = np.take_along_axis(self._near_key[..., low:], first[..., None], -1)[..., 0]
        say = np.where(some, near, self._above[..., low])
        strongest = float(say.max())
        weight = np.where(say >= CLOSE * strongest, say, 0.0).astype(np.float64)
        if strongest <= 0.0:
            return np.zeros(N_KEYS + 1)
        tally = np.bincount(np.where(some, first + low, NO_KEY).ravel(), weight.ravel(), N_KEYS + 1)
        return tally / weight.sum() * strongest

    def _figures(self, step: int) -> tuple[Bools, Bools]:
        """What each figure puts at a step, (n_lags, n_moves, 88), and which of them are known there, (n_lags,)."""
        source = step - self._lags
        there = (source >= 0) & (source < len(self._begun))
        source = np.where(there, source, 0)
        there &= self._known[source]
        rows = np.pad(self._begun[source] & there[:, None], ((0, 0), (_REACH, _REACH)))
        return rows[:, _SOURCES], np.asarray(there)
