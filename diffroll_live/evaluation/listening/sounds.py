"""Notes as sound for a page: rendered as the command line does, in one channel, as MP3, which every browser plays."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.files.sonify import sonify
from diffroll_live.types import AudioBuffer, NoteEvent

PEAK = 0.8


def sounded(notes: Sequence[NoteEvent]) -> AudioBuffer:
    """Render notes from their time 0 on. Raises FileError or InternalError as ``sonify`` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "notes.wav"
        sonify(path, notes)
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    return AudioBuffer("notes", mono * np.float32(PEAK / max(float(np.abs(mono).max(initial=0.0)), 1e-9)), int(rate))


def mp3(audio: AudioBuffer) -> bytes:
    """Encode a sound."""
    out = io.BytesIO()
    soundfile.write(out, audio.samples, audio.sample_rate, format="MP3")
    return out.getvalue()
