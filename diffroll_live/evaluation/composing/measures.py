"""Every number of a fill by itself, by name: some stand in the table, some the classifier looks at, some both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from diffroll_live.evaluation.composing import harmony, melody, rhythm
from diffroll_live.evaluation.composing.filled import Filled

Measure = Callable[[Filled], float]
"""Of a fill that is not empty; nan where there is nothing to measure."""

#: The means of these stand in the table.
SHOWN: dict[str, Measure] = {
    "on_grid": rhythm.on_grid,
    "top_heard": partial(melody.heard_before, top=True),
    "bass_heard": partial(melody.heard_before, top=False),
    "top_leap": partial(melody.leap, top=True),
    "bass_leap": partial(melody.leap, top=False),
    "in_scale": harmony.in_scale,
    "dissonance": harmony.dissonance,
}
#: These too, where something is written from nothing.
OF_PIECES: dict[str, Measure] = {
    "key_held": harmony.key_held,
    "ends_at_home": harmony.ends_at_home,
    "comes_to_rest": rhythm.comes_to_rest,
}
#: What the classifier is told; not of the grid, beside which played music always is.
FEATURES: dict[str, Measure] = {
    **{name: measure for name, measure in SHOWN.items() if name != "on_grid"},
    "entry": partial(melody.entry, top=True),
    "height": melody.height,
    "likeness": harmony.likeness,
    "chords_heard": harmony.chords_heard,
    "places_shared": rhythm.places_shared,
    "off_beat": rhythm.off_beat,
    "denser": rhythm.denser,
    "together": rhythm.together,
    "longer": rhythm.longer,
}


def mean(measure: Measure, fills: Sequence[Filled]) -> float | None:
    """The mean over the fills that have notes and something to measure; None where there are none."""
    found = [measure(filled) for filled in fills if len(filled.inside)]
    known = [value for value in found if not np.isnan(value)]
    return float(np.mean(known)) if known else None


def features(filled: Filled) -> npt.NDArray[np.float64]:
    """All FEATURES of a fill; nan for those of an empty one."""
    if not len(filled.inside):
        return np.full(len(FEATURES), np.nan)
    return np.array([measure(filled) for measure in FEATURES.values()])
