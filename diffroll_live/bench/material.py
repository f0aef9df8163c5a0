"""Test audio: struck, decaying tones that a piano model transcribes; and notes in bars. The same on every machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diffroll_live.types import AudioBuffer, Floats, NoteEvent

SAMPLE_RATE = 44_100  # Hz, typical of a DAW
BEAT = 0.25  # s between chords
SOUNDING = 1.0  # s that a tone lasts
PARTIALS = 8
TEMPO = 100.0  # quarter notes a minute
PITCHES = tuple(range(45, 80))
PIECE_SECONDS = 20.0  # longer audio repeats this piece


def piece(seconds: float, seed: int = 0) -> AudioBuffer:
    """Compose ``seconds`` of two-note chords, mono, peaking at half of full scale."""
    n_samples = round(seconds * SAMPLE_RATE)
    once = _compose(min(seconds, PIECE_SECONDS), np.random.default_rng(seed))
    return AudioBuffer("bench", np.resize(once, n_samples), SAMPLE_RATE)


def bars(n_bars: int) -> tuple[NoteEvent, ...]:
    """Bars of 4/4 at TEMPO from second 0 on: a bass on each half, broken chords in eighths above."""
    eighth = 30.0 / TEMPO
    chords = ((48, 60, 64, 67, 72), (45, 57, 60, 64, 69), (50, 57, 62, 65, 69), (43, 59, 62, 65, 67))
    notes = []
    for index in range(8 * n_bars):
        bass, *broken = chords[index // 8 % len(chords)]
        if index % 4 == 0:
            notes.append(NoteEvent(index * eighth, (index + 3.8) * eighth, bass, 74))
        upper = broken[(0, 1, 2, 3, 2, 1, 3, 2)[index % 8]]
        notes.append(NoteEvent(index * eighth, (index + 0.9) * eighth, upper, 60 + 8 * (index % 2 == 0)))
    return tuple(notes)


def write_wav(path: Path, seconds: float) -> None:
    """Write a piece of any length as 16-bit stereo, one part at a time."""
    import soundfile  # which a bare machine does not have

    once = np.repeat(piece(min(seconds, PIECE_SECONDS)).samples[:, None], 2, axis=1)
    left = round(seconds * SAMPLE_RATE)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, "PCM_16") as file:
        while left > 0:
            file.write(once[:left])
            left -= len(once)


def _compose(seconds: float, rng: np.random.Generator) -> Floats:
    mix = np.zeros(round((seconds + SOUNDING) * SAMPLE_RATE), np.float32)
    tones = {pitch: _tone(pitch) for pitch in PITCHES}
    for beat in range(int(seconds / BEAT)):
        first = round(beat * BEAT * SAMPLE_RATE)
        for pitch in rng.choice(PITCHES, 2):
            tone = tones[pitch]
            mix[first : first + len(tone)] += tone
    mix = mix[: round(seconds * SAMPLE_RATE)]
    return mix * (0.5 / np.abs(mix).max())


def _tone(pitch: int) -> Floats:
    time = np.arange(round(SOUNDING * SAMPLE_RATE)) / SAMPLE_RATE
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
    tone = sum(
        np.sin(2 * np.pi * frequency * n * time) * np.exp(-(2.0 + n) * time) / n**1.3 for n in range(1, PARTIALS + 1)
    )
    return np.asarray(tone * np.minimum(1.0, (SOUNDING - time) * 20), np.float32)
