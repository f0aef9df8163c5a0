"""Sources of recorded piano notes: folders of samples with a manifest, and presets of a SoundFont."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import soundfile

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.manifest import read_manifest
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.synthesis.bank import INSTRUMENT, INSTRUMENT_SECONDS
from diffroll_live.types import Floats

SAMPLE_COLUMNS = ("file", "midi_pitch", "velocity_low", "velocity_high", "sfz_tune_cents")
SOUNDFONT_RATE = 44_100  # Hz
REST = 1.0  # s between notes
SHORTEST = 0.1  # s of a sample
AUDIBLE = 1e-3  # of the loudest key, that a key of a preset needs to be one of its own


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded note: mono (n_samples,) at ``sample_rate``, played at velocities from ``low`` to ``high``."""

    samples: Floats
    sample_rate: int
    pitch: float  # MIDI, with a fraction for its tuning
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset of a SoundFont, and how it is recorded."""

    program: int
    velocities: tuple[int, ...] = (30, 64, 96, 124)
    step: int = 3  # semitones between recorded notes
    hold: float = 8.0  # s


SOUNDFONT_PRESETS = {
    "soundfont_grand": Preset(0),
    "soundfont_bright": Preset(1),
    "soundfont_honky": Preset(3),
}
#: General MIDI programs, from 0, that sound one pitch for each key at once: not pads, effects and percussion.
PITCHED = (2, *range(4, 31), *range(32, 47), *range(48, 55), *range(56, 82), *range(104, 112))
INSTRUMENTS = {
    f"{INSTRUMENT}{program:03d}": Preset(program, velocities=(96,), step=4, hold=INSTRUMENT_SECONDS + 0.5)
    for program in PITCHED
}


def from_folder(folder: Path) -> dict[str, list[Recording]]:
    """Read the samples listed in a folder's manifest.csv; the pianos are its subfolders.

    ``sfz_tune_cents`` is by how much a sampler must raise a sample to be in tune, so its own pitch is that much lower.
    Raises FileMissing or FileError for a manifest or a sample that is missing, damaged or silent.
    """
    pianos: dict[str, list[Recording]] = defaultdict(list)
    for row in read_manifest(folder, SAMPLE_COLUMNS):
        pianos[row["file"].split("/")[0]].append(_recording(folder / row["file"], row))
    return dict(sorted(pianos.items()))


def _recording(path: Path, row: dict[str, str]) -> Recording:
    try:
        pitch = float(row["midi_pitch"]) - float(row["sfz_tune_cents"] or 0) / 100
        low, high = int(row["velocity_low"]), int(row["velocity_high"])
    except ValueError as error:
        raise FileError(f"The manifest's row for {path} has an invalid number ({error}); correct it.") from error
    if not (LOW_PITCH - 1 <= pitch <= HIGH_PITCH + 1 and 0 <= low <= high <= 127):
        raise FileError(
            f"The manifest's row for {path} has a pitch outside the piano, or decreasing velocities; correct it."
        )
    if not path.is_file():
        raise FileMissing(f"The manifest lists {path}, which does not exist.")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise FileError(f"{path} is not audio that can be read ({error}).") from error
    mono = samples.mean(axis=1)
    if not (len(mono) >= SHORTEST * rate and np.isfinite(mono).all() and mono[:rate].any()):
        raise FileError(
            f"{path} is silent, too short, or has samples that are not numbers; remove it from the manifest."
        )
    return Recording(mono, rate, pitch, low, high)


def from_soundfont(soundfont: Path, preset: Preset) -> list[Recording]:
    """Record a preset of a SoundFont note by note with FluidSynth, without its reverb and chorus.

    Keys that the preset has no sound for are left out.
    Raises FileMissing without the file or FluidSynth, FileError if the result is silent.
    """
    _check_soundfont(soundfont)
    pitches = list(range(LOW_PITCH, HIGH_PITCH + 1, preset.step))
    recordings = []
    low = 1
    for velocity in preset.velocities:
        mono = play(soundfont, _scale(pitches, velocity, preset))
        if not mono.any():
            raise FileError(
                f"Program {preset.program} of {soundfont} is silent; use an undamaged SoundFont with pianos."
            )
        high = 127 if velocity == preset.velocities[-1] else velocity
        for i, pitch in enumerate(pitches):
            begin = int(i * (preset.hold + REST) * SOUNDFONT_RATE)
            samples = mono[begin : begin + int(preset.hold * SOUNDFONT_RATE)]
            if np.abs(samples[:SOUNDFONT_RATE]).max() < AUDIBLE * np.abs(mono).max():
                continue  # outside the instrument's range
            recordings.append(Recording(samples, SOUNDFONT_RATE, float(pitch), low, high))
        low = velocity + 1
    return recordings


def play(soundfont: Path, midi: mido.MidiFile) -> Floats:
    """Render a MIDI file with FluidSynth; mono (n_samples,), silent if the SoundFont is damaged."""
    program = shutil.which("fluidsynth")
    if program is None:
        raise FileMissing("FluidSynth is not installed, so the SoundFont cannot be used: apt-get install fluidsynth")
    with tempfile.TemporaryDirectory() as folder:
        notes, wav = Path(folder) / "notes.mid", Path(folder) / "notes.wav"
        midi.save(notes)
        dry = ("-R", "0", "-C", "0", "-g", "0.6", "-r", str(SOUNDFONT_RATE))
        only = ("-o", "synth.default-soundfont=")  # otherwise it would replace a damaged one with its own
        command = [program, "-ni", "-q", *dry, *only, "-F", str(wav), str(soundfont), str(notes)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode or not wav.is_file():
            raise FileError(f"FluidSynth cannot play {soundfont}: {done.stderr.decode(errors='replace').strip()}")
        mono: Floats = soundfile.read(wav, dtype="float32", always_2d=True)[0].mean(axis=1)
        return mono


def _check_soundfont(path: Path) -> None:
    """Refuse files that are not SoundFonts: FluidSynth would use its default one instead."""
    if not path.is_file():
        raise FileMissing(f"There is no SoundFont {path}.")
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise FileError(f"{path} is not a SoundFont; name an .sf2 or .sf3 file.")


def _scale(pitches: list[int], velocity: int, preset: Preset) -> mido.MidiFile:
    track = mido.MidiTrack([mido.Message("program_change", program=preset.program)])
    ticks = 960  # per second at 480 PPQ and 120 BPM
    for i, pitch in enumerate(pitches):
        rest = int(REST * ticks) if i else 0
        track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=rest))
        track.append(mido.Message("note_off", note=pitch, time=int(preset.hold * ticks)))
    return mido.MidiFile(tracks=[track], ticks_per_beat=480)
