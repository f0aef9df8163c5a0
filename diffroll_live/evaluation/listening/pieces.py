"""The scores that ship: short MIDI files in the public domain, which no weights were trained on. No torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diffroll_live.composer.vocabulary import TICKS_PER_QUARTER
from diffroll_live.errors import FileError
from diffroll_live.files.midi_file import read_score
from diffroll_live.training.composing.scores import Score

FOLDER = Path(__file__).with_name("scores")


def shipped_scores() -> list[Score]:
    """All of them, as a split that nobody trains on. Raises FileMissing or FileError."""
    return [score_of_midi(path) for path in sorted(FOLDER.glob("*.mid"))]


def score_of_midi(path: Path) -> Score:
    """Read a MIDI file as a score in bars; its first tempo stands for all. Raises FileMissing or FileError."""
    read = read_score(path)
    if read.meter is None or not read.notes:
        raise FileError(f"{path} has no notes, or no bars that music could have; choose another file.")
    tempo, meter = read.meter.tempo, read.meter
    beats = tempo.beats_at([(note.onset, note.offset) for note in read.notes])
    onset, offset = np.rint(beats * TICKS_PER_QUARTER).astype(np.int64).T
    pitch, velocity = np.array([(note.pitch, note.velocity) for note in read.notes]).T
    notes = np.stack([onset, np.maximum(offset - onset, 1), pitch, velocity], 1)
    notes = notes[np.lexsort((notes[:, 2], notes[:, 0]))]
    bars = meter.bars(0.0, max(note.offset for note in read.notes) - 1e-3)
    lines = [(max(round(bar.beat * TICKS_PER_QUARTER), 0), bar.numerator, bar.denominator) for bar in bars]
    return Score(path.stem, "shipped", "valid", tempo.tempo_at(0.0), notes, np.array(lines, np.int64))
