"""Piano to play into a live input: a recording with its notes beside it, or music made by rules and rendered."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffroll_live.audio.jack.server import SAMPLE_RATE
from diffroll_live.errors import FileError
from diffroll_live.files.audio_file import read_audio
from diffroll_live.files.sonify import sonify
from diffroll_live.model.roll_targets import NoteArray, to_notes
from diffroll_live.training.corpus.procedural import tonal
from diffroll_live.types import AudioBuffer, Floats

SEED = 5
PEAK = 0.5  # of full scale
MOST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Performance:
    """Audio at the JACK server's rate and its notes, rows (onset s, offset s, pitch, velocity)."""

    name: str
    samples: Floats
    notes: NoteArray


def recorded(path: Path) -> Performance:
    """Read a recording and the CSV beside it (a header, then onset s, offset s, pitch, velocity). Raises FileError."""
    audio = read_audio(path, max_seconds=MOST_SECONDS)
    labels = path.with_suffix(".csv")
    try:
        notes = np.loadtxt(labels, delimiter=",", skiprows=1, usecols=range(4), ndmin=2)
    except (OSError, ValueError) as error:
        raise FileError(f"{labels}, with the notes of the recording beside it, cannot be read ({error}).") from error
    return Performance(path.name, at_server_rate(audio), notes)


def rendered(seconds: float) -> Performance:
    """Make music by rules and render it, with FluidSynth if installed."""
    notes = tonal(np.random.default_rng(SEED), seconds)
    notes[:, 0] = np.maximum(notes[:, 0], 0.0)  # a humanized first beat may come early
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "piano.wav"
        how = sonify(path, to_notes(notes))
        audio = read_audio(path)
    return Performance(f"music by rules, {how}", at_server_rate(audio), notes)


def at_server_rate(audio: AudioBuffer) -> Floats:
    """Resample audio exactly to the server's rate in the frequency domain, and scale it to PEAK."""
    size = round(len(audio.samples) * SAMPLE_RATE / audio.sample_rate)
    spectrum = np.fft.rfft(audio.samples)
    fitted = np.zeros(size // 2 + 1, spectrum.dtype)
    shared = min(len(spectrum), len(fitted))
    fitted[:shared] = spectrum[:shared]
    samples = np.fft.irfft(fitted, size)
    return (samples * (PEAK / max(np.abs(samples).max(), 1e-9))).astype(np.float32)
