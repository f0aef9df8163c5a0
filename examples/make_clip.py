"""Make examples/clip.flac: the opening of J. S. Bach's Prelude in C (BWV 846), on a recorded upright piano.

The notes are typed in here from the score, which is in the public domain, and played with some variation in timing
and touch; the piano is the Kawai upright of the FreePats project (CC0), which no model is trained on. Needs a note bank
(diffroll-live prepare) and writes examples/clip.flac and examples/clip.csv, the notes played.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.synthesis.augment import noise, room
from diffroll_live.training.synthesis.bank import SAMPLE_RATE, open_bank
from diffroll_live.training.synthesis.mixer import PlayedTouch, mix, with_pedal

SECONDS = 20.48
BEAT = 0.84  # s, a crotchet
PIANO = "upright_kw"
# Each half bar: two notes held by the left hand, then three played twice by the right.
HALF_BARS = (
    (60, 64, 67, 72, 76),
    (60, 62, 69, 74, 77),
    (59, 62, 67, 74, 77),
    (60, 64, 67, 72, 76),
    (60, 64, 69, 76, 81),
    (60, 62, 66, 69, 74),
)


def notes(rng: np.random.Generator) -> tuple[NoteArray, NoteArray]:
    """Rows (onset s, offset s, pitch, velocity) and the pedal (down s, up s)."""
    rows, pedal = [], []
    sixteenth = BEAT / 4
    for half in range(2 * len(HALF_BARS)):
        bass, tenor, *upper = HALF_BARS[half // 2]
        begin = 0.3 + half * 8 * sixteenth
        end = begin + 8 * sixteenth
        figure = [(0, bass, 8), (1, tenor, 7)] + [(2 + i, pitch, 1) for i, pitch in enumerate(upper + upper)]
        for step, pitch, length in figure:
            onset = begin + step * sixteenth + rng.normal(0, 0.006)
            offset = min(onset + length * sixteenth * 0.95, end)
            rows.append((onset, offset, pitch, 62 + 10 * (step == 0) + 6 * (pitch == max(upper)) + rng.normal(0, 3)))
        pedal.append((begin + 0.08, end - 0.02))
    array = np.array(rows)
    array[:, 3] = np.rint(array[:, 3])
    return array[array[:, 1] < SECONDS], np.array(pedal)


def main(bank_path: Path) -> None:
    """Write the clip and its notes beside this file."""
    rng = np.random.default_rng(846)
    played, pedal = notes(rng)
    touch = PlayedTouch(PIANO, dynamic_range=32.0, detune=0.0, release=0.08)
    dry = mix(open_bank(bank_path), with_pedal(played, pedal), SECONDS, touch, rng)
    wet = np.convolve(dry, room(rng))[: len(dry)]
    wet *= 0.5 / np.abs(wet).max()
    wet += noise(len(wet), rng) * 10 ** (-62 / 20)
    folder = Path(__file__).resolve().parent
    soundfile.write(folder / "clip.flac", wet, SAMPLE_RATE)
    with (folder / "clip.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["onset_s", "offset_s", "midi_pitch", "velocity"])
        writer.writerows((f"{a:.4f}", f"{b:.4f}", int(p), int(v)) for a, b, p, v in played)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/bank"))
