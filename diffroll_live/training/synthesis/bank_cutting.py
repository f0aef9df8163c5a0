"""Builds a bank of notes from sample folders and, if FluidSynth is installed, from a SoundFont."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.synthesis.bank import SAMPLE_RATE, UNIT, resampled, write_bank
from diffroll_live.training.synthesis.recordings import SOUNDFONT_PRESETS, Recording, from_folder, from_soundfont
from diffroll_live.types import Floats

LAYER_LEVEL = 0.1  # RMS of a note's first second, median over a layer


def build_bank(folder: Path | None, out: Path, soundfont: Path | None, progress: Callable[[str], None]) -> None:
    """Build the bank from ``folder`` (piano folders and their manifest.csv) and a SoundFont into ``out``.npy and .json.

    Raises FileMissing or FileError for samples that cannot be used, and if the bank cannot be written.
    """
    pianos = from_folder(folder) if folder is not None else {}
    if soundfont is not None:
        for name, program in SOUNDFONT_PRESETS.items():
            progress(name)
            pianos[name] = from_soundfont(soundfont, program)
    chunks: list[npt.NDArray[np.int16]] = []
    start: list[npt.NDArray[np.int64]] = []
    length: list[npt.NDArray[np.int64]] = []
    high: list[int] = []
    layers: dict[str, list[int]] = {}
    position = 0
    for name, recordings in pianos.items():
        progress(name)
        rows = []
        for top, notes in _layers(recordings):
            lengths = np.array([len(note) for note in notes])
            start.append(position + np.concatenate([[0], np.cumsum(lengths)[:-1]]))
            length.append(lengths)
            rows.append(len(high))
            high.append(top)
            chunks.extend(notes)
            position += int(lengths.sum())
        layers[name] = rows
    index = {"start": np.array(start).tolist(), "length": np.array(length).tolist(), "high": high, "layers": layers}
    write_bank(out, chunks, index)


def _layers(recordings: list[Recording]) -> list[tuple[int, list[npt.NDArray[np.int16]]]]:
    """The highest velocity and the 88 notes of each layer of a piano, soft to loud, at the bank's level."""
    members: dict[tuple[int, int], list[Recording]] = defaultdict(list)
    for recording in recordings:
        members[recording.low, recording.high].append(recording)
    layers = []
    for (_, high), layer in sorted(members.items()):
        notes = [_at_pitch(layer, pitch) for pitch in range(LOW_PITCH, HIGH_PITCH + 1)]
        gain = LAYER_LEVEL / float(np.median([np.sqrt(np.mean(n[:SAMPLE_RATE] ** 2)) for n in notes]))
        layers.append((high, [np.clip(n * gain * UNIT, -32_767, 32_767).astype(np.int16) for n in notes]))
    return layers


def _seconds(pitch: int) -> float:
    """How many seconds of a note are kept: low strings ring longer."""
    return 6.0 if pitch < 50 else 4.5 if pitch < 74 else 3.0 if pitch < 92 else 1.5


def _at_pitch(recordings: list[Recording], pitch: int) -> Floats:
    """Resample the nearest recording to ``pitch`` and the bank's rate."""
    nearest = min(recordings, key=lambda r: abs(r.pitch - pitch))
    ratio = 2.0 ** ((pitch - nearest.pitch) / 12) * nearest.sample_rate / SAMPLE_RATE
    keep = int(_seconds(pitch) * SAMPLE_RATE * ratio)
    source = nearest.samples[:keep]
    out = resampled(source, int(round(len(source) / ratio)))
    n_out = len(out)
    fade = min(n_out, SAMPLE_RATE // 5)
    out[n_out - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return out
