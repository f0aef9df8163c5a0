"""How easily what was written is told from what was composed: a random forest over a few numbers of each fill.

Cross-validated with all fills of a piece on the same side. The area under the curve is 0.5 where nothing can be told
and 1 where everything can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from diffroll_live.errors import FileMissing
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.measures import features

TREES, LEAF, FOLDS = 300, 3, 10
DRAWS = 1000  # of the bootstrap
SURE = (0.025, 0.975)  # quantiles of the interval
SEED = 6

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Told:
    """The area under the curve, and its interval of 95 % over the pieces."""

    auc: float
    low: float
    high: float


def told_apart(composed: Sequence[Filled], written: Sequence[Filled]) -> Told | None:
    """Tell what was written from what was composed in the same holes; None with fewer than two pieces.

    Raises FileMissing without scikit-learn.
    """
    fills = [*composed, *written]
    label = np.repeat([0, 1], [len(composed), len(written)])
    pieces, group = np.unique([filled.hole.excerpt.piece for filled in fills], return_inverse=True)
    if len(pieces) < 2:
        return None
    scores = _out_of_fold(np.stack([features(filled) for filled in fills]), label, group)
    rng = np.random.default_rng(SEED)
    members = [np.flatnonzero(group == piece) for piece in range(len(pieces))]
    drawn = []
    for _ in range(DRAWS):
        rows = np.concatenate([members[piece] for piece in rng.integers(len(pieces), size=len(pieces))])
        drawn.append(auc(label[rows], scores[rows]))
    return Told(auc(label, scores), *np.quantile(drawn, SURE).tolist())


def auc(label: npt.NDArray[np.int64], scores: Doubles) -> float:
    """The chance that one of label 1 has a higher score than one of label 0, ties counting half."""
    ones, zeros = scores[label == 1], np.sort(scores[label == 0])
    below, up_to = np.searchsorted(zeros, ones, "left"), np.searchsorted(zeros, ones, "right")
    return float((below + up_to).sum() / (2 * len(ones) * len(zeros)))


def _out_of_fold(table: Doubles, label: npt.NDArray[np.int64], group: npt.NDArray[np.int64]) -> Doubles:
    """The forest's chance of label 1 for each row, by trees that have not seen its piece."""
    ensemble, selection = _sklearn()
    scores = np.zeros(len(label))
    folds = selection.GroupKFold(min(FOLDS, int(group.max()) + 1))
    for known, asked in folds.split(table, label, group):
        forest = ensemble.RandomForestClassifier(TREES, min_samples_leaf=LEAF, random_state=SEED)
        scores[asked] = forest.fit(table[known], label[known]).predict_proba(table[asked])[:, 1]
    return scores


def _sklearn() -> tuple[Any, Any]:
    try:
        from sklearn import ensemble, model_selection
    except ImportError as error:
        raise FileMissing(
            "scikit-learn is needed for telling fills apart and not installed: pip install 'diffroll-live[train]'"
        ) from error
    return ensemble, model_selection
