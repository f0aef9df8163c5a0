"""Builds a bank of notes from sample folders and, if FluidSynth is installed, from a SoundFont."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diffroll_live.errors import RequestError
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.synthesis.bank import SAMPLE_RATE, UNIT, is_instrument, resampled, write_bank
from diffroll_live.training.synthesis.recordings import (
    INSTRUMENTS,
    SOUNDFONT_PRESETS,
    Recording,
    from_folder,
    from_soundfont,
)
from diffroll_live.types import Floats

SOFTER = ((45, 6.0), (85, 3.0))  # highest velocity, and dB an octave, of a lone layer's softer ones
LAYER_LEVEL = 0.1  # RMS of a note's first second, median over a layer


def build_bank(
    folders: Sequence[Path],
    out: Path,
    soundfont: Path | None,
    progress: Callable[[str], None],
    *,
    instruments: bool = False,
    without: Sequence[str] = (),
) -> None:
    """Build the bank from folders (of piano folders and their manifest.csv) and a SoundFont into ``out``.npy and .json.

    instruments: also of the SoundFont's other pitched instruments. without: names of pianos to leave out.
    Raises RequestError where one of these is in no folder, FileMissing or FileError for samples that cannot be used,
    and if the bank cannot be written.
    """
    pianos = {name: played for folder in folders for name, played in from_folder(folder).items()}
    if odd := [name for name in without if name not in pianos]:
        raise RequestError(f"There is no piano {odd[0]!r} to leave out; choose from {', '.join(pianos)}.")
    for name in without:
        del pianos[name]
    if soundfont is not None:
        for name, preset in (SOUNDFONT_PRESETS | (INSTRUMENTS if instruments else {})).items():
            progress(name)
            pianos[name] = from_soundfont(soundfont, preset)
    chunks: list[npt.NDArray[np.int16]] = []
    start: list[npt.NDArray[np.int64]] = []
    length: list[npt.NDArray[np.int64]] = []
    high: list[int] = []
    layers: dict[str, list[int]] = {}
    position = 0
    for name, recordings in pianos.items():
        progress(name)
        rows = []
        for top, notes in _layers(name, recordings):
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


def _layers(name: str, recordings: list[Recording]) -> list[tuple[int, list[npt.NDArray[np.int16]]]]:
    """The highest velocity and the 88 notes of each layer of a piano, soft to loud, at the bank's level.

    A piano that was only recorded at one level gets softer layers, in which what is above the fundamental is fainter.
    """
    members: dict[tuple[int, int], list[Recording]] = defaultdict(list)
    for recording in recordings:
        members[recording.low, recording.high].append(recording)
    layers = []
    alone = set(members) == {(1, 127)} and not is_instrument(name)
    softer = [(high, members[1, 127], slope) for high, slope in SOFTER] if alone else []
    for high, layer, slope in [*softer, *((high, layer, 0.0) for (_, high), layer in sorted(members.items()))]:
        notes = [_dulled(_at_pitch(layer, p), p, slope) for p in range(LOW_PITCH, HIGH_PITCH + 1)]
        gain = LAYER_LEVEL / float(np.median([np.sqrt(np.mean(n[:SAMPLE_RATE] ** 2)) for n in notes]))
        layers.append((high, [np.clip(n * gain * UNIT, -32_767, 32_767).astype(np.int16) for n in notes]))
    return layers


def _seconds(pitch: int) -> float:
    """How many seconds of a note are kept: low strings ring longer."""
    return 8.0 if pitch < 50 else 6.0 if pitch < 74 else 4.0 if pitch < 92 else 2.5


def _dulled(note: Floats, pitch: int, slope: float) -> Floats:
    """Weaken what is above the fundamental by ``slope`` dB an octave, as a soft hammer does."""
    if not slope:
        return note
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(note), 1 / SAMPLE_RATE) / (440 * 2 ** ((pitch - 69) / 12)), 1.0))
    return np.fft.irfft(np.fft.rfft(note) * 10 ** (-slope * octaves / 20), len(note)).astype(np.float32)


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
