"""Bars of scores that nobody trains on, in ticks from their first bar line. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffroll_live.composer.vocabulary import TICKS_PER_QUARTER, Ints
from diffroll_live.meter.meter_map import MeterMap, Signature
from diffroll_live.meter.tempo_map import TempoChange, TempoMap
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.composing.scores import Score

USUAL_TEMPO = 90.0  # quarters a minute, of scores that do not say
TEMPI = (30.0, 240.0)  # what scores say is taken within these


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some bars of a score.

    lines: (n_bars + 1,) ticks where bars begin, and where the last one ends. signatures: (n_bars, 2).
    notes: rows (onset, offset, pitch, velocity) in ticks, sorted by onset and pitch; velocity 0 where there is none.
    """

    piece: str
    tempo: float  # quarters a minute
    lines: Ints
    signatures: Ints
    notes: NoteArray

    @property
    def n_bars(self) -> int:
        """How many bars there are."""
        return len(self.signatures)

    def bar_of(self, ticks: NoteArray | Ints) -> Ints:
        """The number of the bar that each tick lies in; what comes before or after belongs to the first or the last."""
        return np.clip(np.searchsorted(self.lines, ticks, side="right") - 1, 0, self.n_bars - 1)

    def meter(self) -> MeterMap:
        """Tempo and bars in seconds from the first bar line, as a MIDI file of the score would say."""
        begins = (self.lines[:-1] / TICKS_PER_QUARTER).tolist()
        signatures = [Signature(beat, *pair) for beat, pair in zip(begins, self.signatures.tolist(), strict=True)]
        return MeterMap(TempoMap((TempoChange(0.0, self.tempo),)), tuple(signatures), "file")


def excerpt_of(score: Score, first: int, last: int) -> Excerpt:
    """Cut bars [first, last) out of a score."""
    lines = np.append(score.bars[:, 0], score.bar_ends()[-1])[first : last + 1]
    low, high = np.searchsorted(score.notes[:, 0], lines[[0, -1]])
    onset, ticks, pitch, velocity = score.notes[low:high].T.astype(float)
    notes = np.stack([onset - lines[0], onset - lines[0] + ticks, pitch, velocity], 1)
    notes = notes[np.lexsort((notes[:, 2], notes[:, 0]))]
    tempo = float(np.clip(score.tempo, *TEMPI)) if score.tempo > 0 else USUAL_TEMPO
    return Excerpt(score.file, tempo, lines - lines[0], score.bars[first:last, 1:], notes)
