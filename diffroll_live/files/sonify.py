"""Renders notes to a WAV file with FluidSynth and a SoundFont if both are found, otherwise with a plain synth."""

from __future__ import annotations

import io
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.errors import InternalError
from diffroll_live.files.atomic import write_atomic
from diffroll_live.files.midi_file import smf_bytes
from diffroll_live.music.pedal import held
from diffroll_live.types import Bend, Floats, NoteEvent, PedalSpan

logger = logging.getLogger(__name__)

SAMPLE_RATE = 44_100  # Hz
TAIL = 2.0  # s of ringing after the last note
FLUIDSYNTH_TIMEOUT = 300.0  # s
#: Where systems keep their General MIDI SoundFont; DIFFROLL_SOUNDFONT names another one.
SOUND_FONTS = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/share/soundfonts/default.sf2",
    "/opt/homebrew/share/soundfonts/default.sf2",
    "/usr/local/share/soundfonts/default.sf2",
)
Points = Sequence[tuple[float, float]]
_PARTIALS = np.arange(1, 9)  # of a note, in the built-in synth
_RELEASE = 0.12  # s


def sonify(
    path: Path,
    notes: Sequence[NoteEvent],
    pedal: Sequence[PedalSpan] = (),
    bends: Sequence[Bend] = (),
    midi: bytes | None = None,
) -> str:
    """Write notes, their bends and the pedal as a 44.1 kHz WAV file; return the renderer, fluidsynth or built-in.

    ``midi`` is a MIDI file of theirs that FluidSynth plays instead, for its instruments.

    Raises FileError when the file cannot be written, InternalError when FluidSynth fails.
    """
    program, font = find_fluidsynth(), find_sound_font()
    if program and font:
        data = smf_bytes(notes, pedal=pedal, bends=bends) if midi is None else midi
        write_atomic(path, _run_fluidsynth(program, font, data))
        return "fluidsynth"
    missing = "FluidSynth" if program is None else "a SoundFont"
    logger.warning("%s was not found, so the built-in synth is used (see 'diffroll-live doctor')", missing)
    sound = io.BytesIO()
    curves = {bend.note: bend.points for bend in bends}
    bent = [curves.get(note, ()) for note in notes]
    soundfile.write(sound, additive(held(notes, pedal), bends=bent), SAMPLE_RATE, subtype="PCM_16", format="WAV")
    write_atomic(path, sound.getvalue())
    return "built-in"


def find_fluidsynth() -> str | None:
    """Return the path of FluidSynth's program, or None."""
    return shutil.which("fluidsynth")


def find_sound_font() -> str | None:
    """Return the path of a General MIDI SoundFont, or None."""
    named = os.environ.get("DIFFROLL_SOUNDFONT")
    return next((path for path in ((named,) if named else SOUND_FONTS) if Path(path).is_file()), None)


def additive(
    notes: Sequence[NoteEvent], sample_rate: int = SAMPLE_RATE, bends: Sequence[Points] | None = None
) -> Floats:
    """Render the notes as decaying harmonics: (n_samples,) float32 in [-1, 1], a tail of silence included.

    ``bends`` are the points of each note's bend, as types.Bend has them; none where it is empty.
    """
    end = max((note.offset for note in notes), default=0.0) + TAIL
    sound = np.zeros(round(end * sample_rate), dtype=np.float32)
    for note, points in zip(notes, [()] * len(notes) if bends is None else bends, strict=True):
        tone = _tone(note, sample_rate, points)
        start = round(note.onset * sample_rate)
        sound[start : start + len(tone)] += tone
    peak = float(np.abs(sound).max(initial=0.0))
    return sound * np.float32(0.8 / peak) if peak > 0 else sound


def _tone(note: NoteEvent, sample_rate: int, points: Points) -> Floats:
    """Render one note: partials below Nyquist, higher ones shorter, with a quick release at the offset."""
    seconds = np.arange(round((note.duration + _RELEASE) * sample_rate), dtype=np.float32) / sample_rate
    fundamental = 440.0 * 2.0 ** ((note.pitch - 69) / 12)
    partials = _PARTIALS[_PARTIALS * fundamental < sample_rate / 2, None]
    decay = np.exp(-seconds * partials * (0.6 + fundamental / 700))
    periods = fundamental * seconds
    if points:
        after, semitones = np.array(points).T
        periods = np.cumsum(fundamental * 2 ** (np.interp(seconds, after, semitones) / 12)) / sample_rate
    waves = (np.sin(2 * np.pi * partials * periods) * decay / partials**1.3).sum(axis=0)
    attack = np.minimum(seconds / 0.004, 1)
    release = np.clip((note.duration + _RELEASE - seconds) / _RELEASE, 0, 1)
    tone: Floats = (waves * attack * release * (note.velocity / 127) ** 1.5).astype(np.float32)
    return tone


def _run_fluidsynth(program: str, font: str, midi: bytes) -> bytes:
    """Return the bytes of a WAV file. Raises InternalError if there is none."""
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "notes.mid", Path(folder) / "notes.wav"
        score.write_bytes(midi)
        options = ("-ni", "-q", "-g", "0.6", "-r", str(SAMPLE_RATE), "-T", "wav", "-F", str(sound))
        command = [program, *options, font, str(score)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FLUIDSYNTH_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise InternalError(f"FluidSynth took more than {FLUIDSYNTH_TIMEOUT:.0f} s; try fewer notes.") from error
        if not sound.is_file():  # its exit code is 0 even then
            raise InternalError(f"FluidSynth made no sound: {done.stderr.strip()[-200:] or 'it gave no reason'}.")
        return sound.read_bytes()
