"""A little material to train on: pianos of decaying sines, pieces with known notes, and what prepare makes of it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import soundfile

from diffroll_live.model.networks.compact import CompactConfig
from diffroll_live.training.corpus.midi_reading import build_corpus
from diffroll_live.training.examples.windows import Material
from diffroll_live.training.synthesis.bank_cutting import build_bank

RATE = 22_050
HEARD, UNHEARD = "spinet", "upright"
SAMPLED = (30, 50, 69, 90)  # pitches of the samples
LAYERS = ((1, 70), (71, 127))
TUNE = 30.0  # cents by which the upright's samples sound too low
SMALL = CompactConfig(
    width=16,
    encoder_dilations=(1, 2),
    denoiser_dilations=(1, 4),
    context_after=(1,),
    pitch_width=4,
    harmonic_width=2,
)
STEP = 0.45  # s between the notes of a plain piece

Row = tuple[float, float, int, int]


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the raw material and what was prepared of it lie."""

    samples: Path
    midi: Path
    work: Path
    skipped: tuple[str, ...]

    @property
    def material(self) -> Material:
        return Material(self.work / "bank", self.work / "corpus", unheard=UNHEARD)


def sine(pitch: float, seconds: float = 1.5, level: float = 0.5) -> np.ndarray:
    """A note that begins at once and decays."""
    time = np.arange(int(seconds * RATE)) / RATE
    return (level * np.exp(-time / 0.8) * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time)).astype(np.float32)


def write_samples(folder: Path) -> Path:
    """The two pianos: one layer, and two of which the soft one is duller and 20 dB below."""
    rows = []
    for piano, layers, tune in ((HEARD, LAYERS[1:], 0.0), (UNHEARD, LAYERS, TUNE)):
        (folder / piano).mkdir(parents=True)
        for low, high in layers:
            for pitch in SAMPLED:
                file = f"{piano}/{pitch}-{high}.flac"
                soundfile.write(folder / file, sine(pitch - tune / 100, level=0.5 if high == 127 else 0.05), RATE)
                rows.append((file, pitch, low, high, f"{tune:g}"))
    write_manifest(folder, ("file", "midi_pitch", "velocity_low", "velocity_high", "sfz_tune_cents"), rows)
    return folder


def write_manifest(folder: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with (folder / "manifest.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([columns, *rows])


def write_midi(path: Path, rows: Sequence[Row], pedal: Sequence[tuple[float, float]] = ()) -> Path:
    """Rows (onset s, offset s, pitch, velocity) at 120 beats a minute."""
    events = [(on, mido.Message("note_on", note=pitch, velocity=velocity)) for on, _, pitch, velocity in rows]
    events += [(off, mido.Message("note_off", note=pitch)) for _, off, pitch, _ in rows]
    events += [(time, mido.Message("control_change", control=64, value=127)) for time, _ in pedal]
    events += [(time, mido.Message("control_change", control=64, value=0)) for _, time in pedal]
    track, now = mido.MidiTrack(), 0
    for time, message in sorted(events, key=lambda event: event[0]):
        tick = round(time * 960)
        track.append(message.copy(time=tick - now))
        now = tick
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(path)
    return path


def scale(seconds: float, low: int = 60, step: int = 5) -> list[Row]:
    """One note after the other on eight pitches, far enough apart that each onset can be told from the sound."""
    count = int(seconds / STEP)
    return [(i * STEP, i * STEP + 0.3, low + 3 * (step * i % 8), 90) for i in range(count)]


def write_pieces(folder: Path) -> Path:
    """Pieces of two collections, one of them pedalled, and three files that cannot be used."""
    pedal = [(0.1 + 2 * i, 1.9 + 2 * i) for i in range(15)]
    write_midi(folder / "plain/a.mid", scale(30))
    write_midi(folder / "plain/b.mid", scale(30, 62, 3))
    write_midi(folder / "plain/valid.mid", scale(40, 58))
    write_midi(folder / "pedalled/c.mid", scale(30), pedal)
    write_midi(folder / "plain/empty.mid", [])
    (folder / "plain/broken.mid").write_bytes(b"MThd but no more")
    files = ("plain/a.mid", "plain/b.mid", "pedalled/c.mid", "plain/empty.mid", "plain/broken.mid", "plain/gone.mid")
    write_manifest(folder, ("file", "split"), [*((file, "train") for file in files), ("plain/valid.mid", "valid")])
    return folder


def write_recording(folder: Path, labels: str = "onset_s,offset_s,midi_pitch,velocity\n0.5,1.0,60,90\n") -> Path:
    """A recording of a tone, and what are said to be its notes."""
    soundfile.write(folder / "take.flac", 0.1 * np.sin(np.arange(32_000) / 9), 16_000)
    (folder / "take.csv").write_text(labels)
    return folder


def prepare(root: Path) -> Folders:
    """Write the raw material, and make of it what `diffroll-live prepare` makes."""
    samples, midi, work = write_samples(root / "samples"), write_pieces(root / "midi"), root / "work"
    work.mkdir()
    build_bank([samples], work / "bank", None, lambda name: None)
    return Folders(samples, midi, work, build_corpus(midi, work / "corpus", lambda done, of: None))
