"""A bank of recorded piano notes: every pitch of every layer of every piano, at one sample rate, in one flat array.

Built once from sample folders (and, where FluidSynth is at hand, a SoundFont); read by memory map, so that any number
of mixers share it.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.roll import HIGH_PITCH, LOW_PITCH, N_PITCHES
from diffroll_live.training.recordings import SOUNDFONT_PRESETS, Recording, from_folder, from_soundfont
from diffroll_live.training.saving import whole_file
from diffroll_live.types import Floats

logger = logging.getLogger(__name__)

SAMPLE_RATE = 16_000
UNIT = 16_000  # int16 of the bank that are amplitude 1
LAYER_LEVEL = 0.1  # root mean square of a note's first second, the median over a layer


@dataclass(frozen=True, slots=True)
class Bank:
    """All notes of all pianos.

    samples: (n,) int16; start, length: (n_layers, 88) int64 into it; layers[piano]: rows of that piano, soft to loud;
    high: (n_layers,) the greatest velocity that a layer serves.
    """

    samples: npt.NDArray[np.int16]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    layers: dict[str, tuple[int, ...]]

    @property
    def pianos(self) -> tuple[str, ...]:
        """Names of the pianos."""
        return tuple(self.layers)


def build_bank(folder: Path, out: Path, soundfont: Path | None, progress: Callable[[str], None]) -> None:
    """Cut the bank from ``folder`` (piano folders and their manifest.csv) into ``out``.npy and ``out``.json.

    Raises FileMissing or FileError for material that cannot be used, and when the bank cannot be written.
    """
    pianos = from_folder(folder)
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
    with whole_file(out.with_suffix(".npy")) as file:
        np.save(file, np.concatenate(chunks))
    index = {"start": np.array(start).tolist(), "length": np.array(length).tolist(), "high": high, "layers": layers}
    with whole_file(out.with_suffix(".json")) as file:
        file.write(json.dumps(index).encode())


def open_bank(path: Path) -> Bank:
    """Open a bank by memory map. Raises FileMissing when it was not built, FileError when it is damaged."""
    data, index = path.with_suffix(".npy"), path.with_suffix(".json")
    if not (data.is_file() and index.is_file()):
        raise FileMissing(f"There is no note bank at {path}; build it first with: diffroll-live prepare")
    try:
        said = json.loads(index.read_text())
        samples = np.load(data, mmap_mode="r")
        layers = {name: tuple(rows) for name, rows in said["layers"].items()}
        start, length, high = (np.array(said[key], np.int64) for key in ("start", "length", "high"))
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"The note bank at {path} is damaged ({error}); build it again.") from error
    if start.shape != (len(high), N_PITCHES) or (start + length).max() != len(samples):
        raise FileError(f"The two files of the note bank at {path} do not fit together; build it again.")
    return Bank(samples, start, length, high, layers)


def _layers(recordings: list[Recording]) -> list[tuple[int, list[npt.NDArray[np.int16]]]]:
    """The greatest velocity and the 88 notes of each layer of a piano, soft to loud, at the level of a bank."""
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
    """How much of a note is kept: low strings ring longer."""
    return 6.0 if pitch < 50 else 4.5 if pitch < 74 else 3.0 if pitch < 92 else 1.5


def _at_pitch(recordings: list[Recording], pitch: int) -> Floats:
    """Bring the nearest recording to ``pitch`` and the bank's rate by resampling in the frequency domain."""
    nearest = min(recordings, key=lambda r: abs(r.pitch - pitch))
    ratio = 2.0 ** ((pitch - nearest.pitch) / 12) * nearest.sample_rate / SAMPLE_RATE
    keep = int(_seconds(pitch) * SAMPLE_RATE * ratio)
    source = nearest.samples[:keep]
    n_out = int(round(len(source) / ratio))
    spectrum = np.fft.rfft(source)
    kept = np.zeros(n_out // 2 + 1, spectrum.dtype)
    common = min(len(kept), len(spectrum))
    kept[:common] = spectrum[:common]
    out = np.fft.irfft(kept, n_out).astype(np.float32) * (n_out / len(source))
    fade = min(n_out, SAMPLE_RATE // 5)
    out[n_out - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return out
