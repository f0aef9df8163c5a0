"""How notes are drawn: what a person may choose of a passage that is written. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffroll_live.composer.passage import Bools
from diffroll_live.composer.vocabulary import DURATIONS

MOST_IN_STEP = 10  # notes, as there are fingers


@dataclass(frozen=True, slots=True)
class WritingOptions:
    """Temperatures divide logits; keys are drawn from the share ``nucleus`` of the probability (Holtzman et al., 2020).

    touch_temperature: of lengths and velocities.
    recall: what is added to the logit of a note that a figure heard before is sure of.
    density: about how many times as many notes as otherwise.
    polyphony: notes that may sound at once. shortest, longest: ticks. keys: (88,) or (n_steps, 88) bool, which may be
    written, None for all; among: the same of keys that these are a choice of, instead of which they are struck.
    """

    temperature: float = 1.0
    touch_temperature: float = 0.5
    nucleus: float = 1.0
    recall: float = 0.0
    density: float = 1.0
    polyphony: int = MOST_IN_STEP
    shortest: int = int(DURATIONS[0])
    longest: int = int(DURATIONS[-1])
    keys: Bools | None = None
    among: Bools | None = None

    def durations(self) -> Bools:
        """Which lengths may be drawn, (N_DURATIONS,); the nearest one where none lies between."""
        fits = (self.shortest <= DURATIONS) & (self.longest >= DURATIONS)
        if not fits.any():
            fits[np.abs(np.log(DURATIONS / self.shortest)).argmin()] = True
        return fits

    def allowed(self, hidden: Bools) -> Bools:
        """The cells of ``hidden`` (n_steps, 88) that notes may be written into."""
        return hidden if self.keys is None else hidden & self.keys


def draw_index(logits: np.ndarray, uniform: float, nucleus: float = 1.0) -> int:
    """Draw from softmax(logits), float64, by the number ``uniform`` in [0, 1)."""
    chances = np.exp(logits - logits.max())
    chances /= chances.sum()
    if nucleus < 1.0:
        order = np.argsort(-chances, kind="stable")
        before = chances[order].cumsum() - chances[order]
        chances[order[before > nucleus]] = 0.0
        chances /= chances.sum()
    index = int(np.searchsorted(chances.cumsum(), uniform, side="right"))
    return min(index, int(np.flatnonzero(chances)[-1]))
