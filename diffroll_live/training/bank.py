"""A bank of recorded piano notes: every pitch of every layer of every piano, at one sample rate, in one flat array.

Built once from sample folders (and, where FluidSynth is at hand, a SoundFont); read by memory map, so that any number
of mixers share it.
"""

from __future__ import annotations

import csv
import json
import logging
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt
import soundfile

from diffroll_live.errors import FileMissing
from diffroll_live.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.types import Floats

logger = logging.getLogger(__name__)

SAMPLE_RATE = 16_000
SOUNDFONT_PRESETS = {"soundfont_grand": 0, "soundfont_bright": 1, "soundfont_honky": 3}
SOUNDFONT_VELOCITIES = (30, 64, 96, 124)
SOUNDFONT_STEP = 3  # semitones between the notes that are recorded from it


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded note: mono (n_samples,) at ``sample_rate``, of ``pitch``, for velocities from ``low`` to ``high``."""

    samples: Floats
    sample_rate: int
    pitch: float  # MIDI, with the fraction that tunes it
    low: int
    high: int


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
    """Cut the bank from ``folder`` (piano folders and their manifest.csv) into ``out``.npy and ``out``.json."""
    pianos = dict(_sample_folders(folder))
    if soundfont is not None:
        for name, program in SOUNDFONT_PRESETS.items():
            progress(name)
            pianos[name] = _from_soundfont(soundfont, program)
    chunks: list[npt.NDArray[np.int16]] = []
    start, length, high, layers = [], [], [], {}
    position = 0
    for name, recordings in pianos.items():
        progress(name)
        rows = []
        for (_, top), members in sorted(_by_layer(recordings).items()):
            notes = [_at_pitch(members, pitch) for pitch in range(LOW_PITCH, HIGH_PITCH + 1)]
            gain = 0.1 / float(np.median([np.sqrt(np.mean(n[:SAMPLE_RATE] ** 2)) for n in notes]))
            whole = [np.clip(n * gain * 16_000, -32_767, 32_767).astype(np.int16) for n in notes]
            lengths = np.array([len(n) for n in whole])
            start.append(position + np.concatenate([[0], np.cumsum(lengths)[:-1]]))
            length.append(lengths)
            rows.append(len(high))
            high.append(top)
            chunks.extend(whole)
            position += int(lengths.sum())
        layers[name] = rows
    np.save(out.with_suffix(".npy"), np.concatenate(chunks))
    index = {"start": np.array(start).tolist(), "length": np.array(length).tolist(), "high": high, "layers": layers}
    out.with_suffix(".json").write_text(json.dumps(index))


def open_bank(path: Path) -> Bank:
    """Open a bank by memory map. Raises FileMissing when it was not built."""
    if not path.with_suffix(".npy").is_file():
        raise FileMissing(f"There is no note bank at {path}; build it first with: diffroll-live prepare")
    index = json.loads(path.with_suffix(".json").read_text())
    samples = np.load(path.with_suffix(".npy"), mmap_mode="r")
    layers = {name: tuple(rows) for name, rows in index["layers"].items()}
    return Bank(samples, np.array(index["start"]), np.array(index["length"]), np.array(index["high"]), layers)


def _sample_folders(folder: Path) -> Iterator[tuple[str, list[Recording]]]:
    pianos: dict[str, list[Recording]] = defaultdict(list)
    with (folder / "manifest.csv").open(newline="") as handle:
        for row in csv.DictReader(handle):
            samples, rate = soundfile.read(folder / row["file"], dtype="float32", always_2d=True)
            pitch = float(row["midi_pitch"]) - float(row["sfz_tune_cents"] or 0) / 100
            span = int(row["velocity_low"]), int(row["velocity_high"])
            pianos[row["file"].split("/")[0]].append(Recording(samples.mean(axis=1), rate, pitch, *span))
    yield from sorted(pianos.items())


def _by_layer(recordings: list[Recording]) -> dict[tuple[int, int], list[Recording]]:
    layers: dict[tuple[int, int], list[Recording]] = defaultdict(list)
    for recording in recordings:
        layers[recording.low, recording.high].append(recording)
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


def _from_soundfont(soundfont: Path, program: int) -> list[Recording]:
    """Record a SoundFont preset note by note with FluidSynth, without its reverb and chorus."""
    program_path = shutil.which("fluidsynth")
    if program_path is None:
        raise FileMissing("FluidSynth is not installed, so the SoundFont cannot be sounded: apt-get install fluidsynth")
    rate, hold, slot = 44_100, 7.0, 8.0
    pitches = list(range(LOW_PITCH, HIGH_PITCH + 1, SOUNDFONT_STEP))
    recordings = []
    with tempfile.TemporaryDirectory() as folder:
        for layer, velocity in enumerate(SOUNDFONT_VELOCITIES):
            midi, wav = Path(folder) / "notes.mid", Path(folder) / "notes.wav"
            _scale(pitches, velocity, program, hold, slot).save(midi)
            command = [program_path, "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.6", "-r", str(rate)]
            subprocess.run([*command, "-F", str(wav), str(soundfont), str(midi)], check=True, capture_output=True)
            samples, _ = soundfile.read(wav, dtype="float32", always_2d=True)
            mono = samples.mean(axis=1)
            low = SOUNDFONT_VELOCITIES[layer - 1] + 1 if layer else 1
            high = 127 if velocity == SOUNDFONT_VELOCITIES[-1] else velocity
            for i, pitch in enumerate(pitches):
                begin = int(i * slot * rate)
                recordings.append(Recording(mono[begin : begin + int(hold * rate)], rate, float(pitch), low, high))
    return recordings


def _scale(pitches: list[int], velocity: int, program: int, hold: float, slot: float) -> mido.MidiFile:
    track = mido.MidiTrack([mido.Message("program_change", program=program)])
    ticks = 960  # a second at 480 PPQ and 120 BPM
    for i, pitch in enumerate(pitches):
        rest = int((slot - hold) * ticks) if i else 0
        track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=rest))
        track.append(mido.Message("note_off", note=pitch, time=int(hold * ticks)))
    return mido.MidiFile(tracks=[track], ticks_per_beat=480)
