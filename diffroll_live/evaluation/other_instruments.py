"""Sounds other than piano: other instruments, sung vowels and drums of a SoundFont, rendered from notes."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np

from diffroll_live.errors import FileMissing
from diffroll_live.files.sonify import find_sound_font
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.synthesis.recordings import SOUNDFONT_RATE, play
from diffroll_live.types import AudioBuffer, Floats

#: General MIDI programs that a piano model is tested on, with their pitch ranges.
PROGRAMS: dict[str, tuple[int, int, int]] = {
    "voices (choir)": (52, 48, 79),
    "guitar (nylon)": (24, 40, 84),
    "strings": (48, 36, 91),
    "organ": (19, 36, 96),
    "harpsichord": (6, 29, 89),
}
TICKS = 960  # per second, at 480 PPQ and 120 BPM
DRUMS = 9  # the MIDI channel
KICK, SNARE, HAT, OPEN_HAT, CRASH, TOM = 36, 38, 42, 46, 49, 45
LEVEL = 0.1  # RMS


def sound_font() -> Path:
    """Find a General MIDI SoundFont. Raises FileMissing."""
    found = find_sound_font()
    if found is None:
        raise FileMissing("No General MIDI SoundFont was found: apt-get install fluid-soundfont-gm, or an equivalent.")
    return Path(found)


def played(notes: NoteArray, program: str) -> tuple[AudioBuffer, NoteArray]:
    """Render rows (onset s, offset s, pitch, velocity) on another instrument, leaving out those outside its range.

    Raises FileMissing or FileError.
    """
    number, low, high = PROGRAMS[program]
    reached = notes[(notes[:, 2] >= low) & (notes[:, 2] <= high)]
    return _sounded(reached, program, number, channel=0), reached


def drums(seconds: float, seed: int) -> AudioBuffer:
    """A drum kit playing straight patterns that change every four bars. Raises FileMissing or FileError."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[float, float, int, float]] = []
    now = 0.0
    while now < seconds:
        step = 60 / rng.uniform(80, 160) / 4
        kick, snare, tom = rng.random(16) < 0.3, np.arange(16) % 8 == 4, rng.random(16) < 0.08
        hat, every = int(rng.choice([HAT, OPEN_HAT])), int(rng.choice([1, 2, 4]))
        for bar in range(4):
            hits = [(0, CRASH)] if bar == 0 else []
            hits += [(i, hat) for i in range(0, 16, every)]
            hits += [
                (i, drum)
                for drum, on in ((KICK, kick), (SNARE, snare), (TOM, tom))
                for i in np.flatnonzero(on).tolist()
            ]
            rows += [(now + i * step, now + (i + 1) * step, drum, rng.uniform(50, 120)) for i, drum in hits]
            now += 16 * step
    notes = np.array(sorted(row for row in rows if row[0] < seconds), np.float64)
    return _sounded(notes, "drums", 0, channel=DRUMS)


def _sounded(notes: NoteArray, name: str, program: int, channel: int) -> AudioBuffer:
    events = [mido.Message("program_change", program=program, channel=channel)]
    timed = [(0.0, events[0])]
    for onset, offset, pitch, velocity in notes.tolist():
        key = {"note": int(pitch), "channel": channel}
        timed.append((onset, mido.Message("note_on", velocity=int(velocity), **key)))
        timed.append((offset, mido.Message("note_off", **key)))
    track, now = mido.MidiTrack(), 0
    for time, message in sorted(timed, key=lambda event: (event[0], event[1].type == "note_on")):
        track.append(message.copy(time=round(time * TICKS) - now))
        now = round(time * TICKS)
    samples = play(sound_font(), mido.MidiFile(tracks=[track], ticks_per_beat=480))
    return AudioBuffer(name, _levelled(samples), SOUNDFONT_RATE)


def _levelled(samples: Floats) -> Floats:
    level = float(np.sqrt(np.mean(samples**2))) + 1e-9
    return np.clip(samples * (LEVEL / level), -1, 1).astype(np.float32)
