"""Three simple ways to write notes, as baselines for a model."""

from __future__ import annotations

import numpy as np

from diffroll_live.evaluation.gaps import Gap, within
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.corpus.pieces import Corpus

BAR = (1.0, 4.0)  # s, range of a bar's length
GRID = 0.02  # s, resolution of that length
LONGEST_REST = 2.0  # s between notes of the chain, at most


def bar_before(gap: Gap) -> NoteArray:
    """Repeat the preceding bar; its length is estimated from the onsets before the gap."""
    before = gap.around[gap.around[:, 0] < gap.region.onset]
    if not len(before):
        return before
    bar = _bar(before[:, 0])
    last = before[before[:, 0] >= gap.region.onset - bar]
    times = int(np.ceil(gap.region.duration / bar))
    again = [last + np.array([(n + 1) * bar, (n + 1) * bar, 0.0, 0.0]) for n in range(times)]
    return within(np.concatenate(again), gap.region)


def _bar(onsets: NoteArray) -> float:
    """The lag of the highest autocorrelation of the onsets, in seconds."""
    counts = np.bincount(((onsets - onsets.min()) / GRID).astype(int)).astype(float)
    counts = np.convolve(counts, np.hanning(7))
    lags = np.arange(int(BAR[0] / GRID), min(int(BAR[1] / GRID), len(counts) - 1))
    if not len(lags):
        return BAR[0]
    alike = [float(counts[lag:] @ counts[:-lag]) / (len(counts) - lag) for lag in lags]
    return float(lags[int(np.argmax(alike))] * GRID)


class Chain:
    """A first-order Markov chain over the notes of the training rolls."""

    def __init__(self, corpus: Corpus) -> None:
        parts = []
        for index in corpus.pieces("train"):
            notes = corpus.piece(index).notes
            notes = notes[np.lexsort((notes[:, 2], np.round(notes[:, 0], 2)))]
            rest = np.clip(np.diff(notes[:, 0]), 0.0, LONGEST_REST)
            following = notes[1:]
            columns = (notes[:-1, 2], rest, following[:, 1] - following[:, 0], following[:, 2], following[:, 3])
            parts.append(np.column_stack(columns).astype(np.float32))
        steps = np.concatenate(parts)
        self.steps = steps[np.argsort(steps[:, 0], kind="stable")]
        self.first = np.searchsorted(self.steps[:, 0], np.arange(129))

    def __call__(self, gap: Gap) -> NoteArray:
        """Generate from the last note before the gap, or from any, to its end."""
        rng = np.random.default_rng([gap.request.options.seed, 3])
        before = gap.around[gap.around[:, 0] < gap.region.onset]
        now = float(before[-1, 0]) if len(before) else gap.region.onset
        pitch = int(before[-1, 2]) if len(before) else int(self.steps[rng.integers(len(self.steps)), 0])
        rows = []
        while now < gap.region.offset:
            low, high = self.first[pitch], self.first[pitch + 1]
            _, rest, lasting, following, velocity = self.steps[rng.integers(low, high) if high > low else 0].tolist()
            now, pitch = now + rest, int(following)
            rows.append((now, now + lasting, pitch, velocity))
        return within(np.array(rows).reshape(-1, 4), gap.region)
