"""A passage as the tokens of the network: notes that are seen, and questions which note comes next. No torch.

Notes come first, those that are known in the order of time, then those that were written. A token sees the notes
before it and itself; a question is seen by nobody, so that any number can be asked at once. Each note asks itself which
higher key follows in its step, each question which is the lowest key of its step, if there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.composer.passage import Bools, Passage, onsets, sustained
from diffroll_live.composer.steps import LAGS, N_STEP_FEATURES
from diffroll_live.composer.vocabulary import (
    N_KEYS,
    NO_KEY,
    NO_VELOCITY,
    Ints,
    duration_class,
    velocity_class,
)

Floats = npt.NDArray[np.float32]

KNOWN, WRITTEN, ASK_KNOWN, ASK_NEXT, ASK_ALL = range(5)  # kinds
N_KINDS = 5
N_FEATURES = N_STEP_FEATURES + 11
N_LAG_ROWS = len(LAGS) + 2  # and what sounds, and what is known to begin here
N_LAGS = N_LAG_ROWS * N_KEYS + len(LAGS)
UNASKED = -1  # a target that does not count
USUAL_DENSITY = 3.7  # notes a beat
LONGEST_DISTANCE = 8.0  # bars to the ends of a hole


@dataclass(frozen=True, slots=True)
class Tokens:
    """(n,) arrays, notes before questions.

    sees: how many notes a token sees. allowed: (n, 88) keys that may be the answer. target: its key, NO_KEY or
    UNASKED; target_duration and target_velocity are classes, UNASKED where there is none. missing: (n, 88) the keys of
    a step that ASK_ALL is asked for.
    """

    n_notes: int
    kind: Ints
    step: Ints
    key: Ints
    duration: Ints
    velocity: Ints
    sees: Ints
    position: Floats
    features: Floats
    lags: Floats
    allowed: Bools
    target: Ints
    target_duration: Ints
    target_velocity: Ints
    missing: Bools

    def __len__(self) -> int:
        return len(self.kind)


class Surroundings:
    """Tables of a passage from which tokens are made; ``written`` are the hidden notes that it has already."""

    def __init__(self, passage: Passage) -> None:
        grid = passage.grid
        self.passage = passage
        hidden = passage.is_hidden()
        self.known, self.written = passage.notes[~hidden], passage.notes[hidden]
        self.position = grid.positions()
        self.step_features = grid.features()
        self.lag_steps = grid.lags()
        self.closed: Bools = np.asarray(passage.hidden.all(1))
        self.known_onsets = onsets(self.known, grid.n_steps)
        self.known_sounding = sustained(self.known, grid)
        self.hole_steps = np.flatnonzero(passage.hidden.any(1) & passage.asked_steps())
        self._hole = self._hole_features()
        self._ends = self._end_features()

    def features(self, step: Ints, asked: Bools, survival: float) -> Floats:
        """(n, N_FEATURES); ``asked`` says which tokens stand for what is to be written."""
        passage = self.passage
        density, is_asked = 0.0, passage.density is not None
        if passage.density is not None:
            density = float(np.log1p(passage.density) - np.log1p(USUAL_DENSITY))
        n = len(step)
        whole = np.broadcast_to(np.array([density, float(is_asked), survival, *self._ends], np.float32), (n, 7))
        hole = self._hole[step] * asked[:, None]
        return np.concatenate([self.step_features[step], whole, hole], 1).astype(np.float32)

    def _end_features(self) -> tuple[float, float, float, float]:
        begin, end = self.passage.begin, self.passage.end
        return (
            float(np.exp(-begin / 4)) if begin is not None else 0.0,
            float(begin is not None),
            float(np.exp(-end / 4)) if end is not None else 0.0,
            float(end is not None),
        )

    def _hole_features(self) -> Floats:
        """Lowest and highest key to write at a step, bars since the hole began and until it ends: (n_steps, 4)."""
        hidden, position = self.passage.hidden, self.position
        table = np.zeros((len(hidden), 4), np.float32)
        some: Bools = np.asarray(hidden.any(1))
        low, high = hidden.argmax(1), N_KEYS - 1 - hidden[:, ::-1].argmax(1)
        edges = np.flatnonzero(np.diff(some.astype(np.int8), prepend=0, append=0))
        since, until = np.zeros(len(hidden)), np.zeros(len(hidden))
        for first, last in edges.reshape(-1, 2):
            end = position[last] if last < len(position) else position[-1] + 1 / 16
            since[first:last] = position[first:last] - position[first]
            until[first:last] = end - position[first:last]
        table[:, 0], table[:, 1] = low / N_KEYS, (high + 1) / N_KEYS - 1
        table[:, 2] = np.minimum(since, LONGEST_DISTANCE) / LONGEST_DISTANCE
        table[:, 3] = np.minimum(until, LONGEST_DISTANCE) / LONGEST_DISTANCE
        return table * some[:, None]

    def lags_of_known(self, step: Ints) -> Floats:
        """What a token that knows nothing later is shown of the bars before: (n, N_LAGS)."""
        return self._lags(step, self.known_onsets, np.zeros_like(self.known_onsets), self.known_sounding, here=False)

    def lags_of_hole(self, step: Ints, onset: Bools, sounding: Bools, *, later: Bools) -> Floats:
        """The same in a hole: ``onset`` of all notes so far before a step, ``later`` of those after it."""
        return self._lags(step, onset, later, sounding, here=True)

    def _lags(self, step: Ints, before: Bools, after: Bools, sounding: Bools, *, here: bool) -> Floats:
        n = len(step)
        rows = np.zeros((n, N_LAG_ROWS, N_KEYS), np.float32)
        flags = np.zeros((n, len(LAGS)), np.float32)
        for row, lag in enumerate(LAGS):
            lagged: Ints = np.asarray(self.lag_steps[row, step])
            there = (lagged >= 0)[:, None]
            other: Ints = np.maximum(lagged, 0)
            if lag < 0:
                rows[:, row], flags[:, row] = before[other], there[:, 0]
            elif here:
                rows[:, row], flags[:, row] = after[other], there[:, 0] & ~self.closed[other]
            rows[:, row] *= there
        rows[:, -2] = sounding[step]
        if here:
            rows[:, -1] = self.known_onsets[step]
        return np.concatenate([rows.reshape(n, N_LAG_ROWS * N_KEYS), flags], 1)


def passage_tokens(passage: Passage, context: Ints, survivors: Bools | None = None, survival: float = 0.0) -> Tokens:
    """The tokens of a passage, with their answers.

    context: steps outside the hole that are asked for too. survivors: (n_hidden,) which of the hidden notes are there
    already, for ASK_ALL, a share of about ``survival`` of them; None asks for them note after note.
    """
    around = Surroundings(passage)
    n_steps, known, holes = passage.grid.n_steps, around.known, around.hole_steps
    written = around.written if survivors is None else around.written[survivors]
    notes = np.concatenate([known, written])
    n_known, n_notes, n_context = len(known), len(notes), len(context)
    after_notes = np.full(len(holes), n_notes)
    before_holes = n_known + np.searchsorted(written[:, 0], holes) if survivors is None else after_notes
    kind = np.repeat(
        [KNOWN, WRITTEN, ASK_KNOWN, ASK_NEXT if survivors is None else ASK_ALL],
        [n_known, len(written), n_context, len(holes)],
    )
    step = np.concatenate([notes[:, 0], context, holes])
    in_hole = np.isin(kind, (WRITTEN, ASK_NEXT, ASK_ALL))

    onset = onsets(notes, n_steps)
    lags = np.empty((len(step), N_LAGS), np.float32)
    lags[~in_hole] = around.lags_of_known(step[~in_hole])
    later = around.known_onsets if survivors is None else onset
    lags[in_hole] = around.lags_of_hole(step[in_hole], onset, sustained(notes, passage.grid), later=later)

    target, answer = np.full(len(step), UNASKED), np.full(len(step), -1)  # a key, and a row of notes
    _ask_notes(known, 0, target, answer)
    _ask_steps(known, 0, context, n_notes, target, answer)
    allowed = np.where(in_hole[:, None], passage.hidden[step], ~passage.hidden[step])
    missing = np.zeros_like(allowed)
    if survivors is None:
        _ask_notes(written, n_known, target, answer)
        _ask_steps(written, n_known, holes, n_notes + n_context, target, answer)
    else:
        there = onsets(written, n_steps)[holes]
        allowed[n_notes + n_context :] &= ~there
        missing[n_notes + n_context :] = onsets(around.written, n_steps)[holes] & ~there
    filler = np.zeros(n_context + len(holes), np.int64)
    duration, velocity = duration_class(notes[:, 2]), velocity_class(notes[:, 3])
    target_velocity = _of_answers(velocity, answer)
    return Tokens(
        n_notes=n_notes,
        kind=kind,
        step=step,
        key=np.concatenate([notes[:, 1], filler + NO_KEY]),
        duration=np.concatenate([duration, filler]),
        velocity=np.concatenate([velocity, filler + NO_VELOCITY]),
        sees=np.concatenate([np.arange(1, n_notes + 1), np.searchsorted(known[:, 0], context), before_holes]),
        position=around.position[step],
        features=around.features(step, in_hole, survival),
        lags=lags,
        allowed=allowed,
        target=target,
        target_duration=_of_answers(duration, answer),
        target_velocity=np.where(target_velocity == NO_VELOCITY, UNASKED, target_velocity),
        missing=missing,
    )


def _of_answers(values: Ints, answer: Ints) -> Ints:
    """The values of the notes that are answers, UNASKED where there is none."""
    return np.where(answer >= 0, np.append(values, UNASKED)[answer], UNASKED)


def _ask_notes(notes: Ints, first: int, target: Ints, answer: Ints) -> None:
    """Answer which key follows each note in its step; ``first`` is the token of the first of them."""
    if not len(notes):
        return
    follows = np.append(notes[1:, 0] == notes[:-1, 0], False)
    at = first + np.arange(len(notes))
    target[at] = np.where(follows, np.append(notes[1:, 1], 0), NO_KEY)
    answer[at] = np.where(follows, at + 1, -1)


def _ask_steps(notes: Ints, first: int, steps: Ints, token: int, target: Ints, answer: Ints) -> None:
    """Answer which is the lowest key of each step; ``token`` is the first of the questions."""
    at = token + np.arange(len(steps))
    row = np.searchsorted(notes[:, 0], steps)
    padded = np.append(notes[:, 0], -1)
    found = padded[row] == steps
    target[at] = np.where(found, np.append(notes[:, 1], 0)[row], NO_KEY)
    answer[at] = np.where(found, first + row, -1)
