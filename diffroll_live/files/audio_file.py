"""Audio files to buffers. Writes nothing."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.audio.pcm import check_layout, downmix, make_buffer
from diffroll_live.errors import AudioError, FileError, FileMissing, TooLarge
from diffroll_live.types import AudioBuffer, Floats

_BLOCK = 1 << 18  # frames read at a time, so that many channels are never in memory at once
_UNKNOWN_LENGTHS = {0, 0xFFFFFFFF}  # the length field of WAV files from programs that stream them


def read_audio(
    path: Path,
    start: float = 0.0,
    duration: float | None = None,
    *,
    name: str = "",
    origin: float = 0.0,
    max_seconds: float = 3600.0,
    max_bytes: int = 1 << 32,
) -> AudioBuffer:
    """Read a WAV, FLAC, MP3 or Ogg file (whatever libsndfile reads) as mono, at its own rate.

    ``start`` and ``duration`` choose a section, in seconds; None is the rest of the file.
    Raises errors.FileMissing, FileError for what is not a file or cannot be read, AudioError for unusable audio,
    TooLarge beyond ``max_seconds`` or ``max_bytes`` of samples.
    """
    if start < 0 or (duration is not None and duration <= 0):
        raise AudioError(f"A start of {start} s and a duration of {duration} s choose no audio.")
    _check_readable(path)
    try:
        with soundfile.SoundFile(path) as file:
            check_layout(file.samplerate, file.channels)
            n_frames = _choose_frames(file, start, duration)
            _check_size(n_frames, file.samplerate, max_seconds, max_bytes)
            samples = _read_mono(file, n_frames)
            if len(samples) < n_frames:
                raise AudioError(f"{path.name} is truncated: {len(samples)} of {n_frames} samples could be read.")
            return make_buffer(name or path.stem, samples, file.samplerate, origin)
    except soundfile.SoundFileError as error:
        raise AudioError(f"{path.name} is not audio that can be read ({error}); export it as WAV or FLAC.") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_readable(path: Path) -> None:
    """Refuse what is not a regular file (a pipe would block forever), what is truncated, and what may not be read."""
    try:
        if not path.exists():
            raise FileMissing(f"{path} does not exist.")
        if not path.is_file():
            raise FileError(f"{path} is not a file but a folder or a device.")
        missing = _missing_wav_bytes(path)
    except (OSError, ValueError) as error:
        raise FileError(f"{path} cannot be read: {error}.") from error
    if missing > 0:
        raise AudioError(f"{path.name} is truncated: its header promises {missing} bytes more; export it again.")


def _missing_wav_bytes(path: Path) -> int:
    """Count the bytes that a WAV file's data chunk promises and the file lacks; libsndfile passes over them."""
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return 0
        file.seek(12)
        while len(header := file.read(8)) == 8:
            kind, length = struct.unpack("<4sI", header)
            if kind == b"data":
                present = path.stat().st_size - file.tell()
                return 0 if length in _UNKNOWN_LENGTHS else length - present
            file.seek(length + length % 2, 1)
    return 0


def _choose_frames(file: soundfile.SoundFile, start: float, duration: float | None) -> int:
    """Seek to ``start`` and return the number of frames to read from there."""
    rate: int = file.samplerate
    first = round(start * rate)
    available = int(file.frames) - first
    if available <= 0:
        raise AudioError(f"The file has {file.frames / rate:.3f} s of audio, nothing from {start:g} s on.")
    n_frames = available if duration is None else min(available, max(1, round(duration * rate)))
    file.seek(first)
    return n_frames


def _check_size(n_frames: int, rate: int, max_seconds: float, max_bytes: int) -> None:
    if n_frames > max_seconds * rate:
        raise TooLarge(f"{n_frames / rate:.0f} s are more than {max_seconds:.0f} s; choose a start and a duration.")
    if n_frames * 4 > max_bytes:
        raise TooLarge(f"There is room for {max_bytes >> 20} MiB of audio; choose a duration, or free other buffers.")


def _read_mono(file: soundfile.SoundFile, n_frames: int) -> Floats:
    mono = np.empty(n_frames, np.float32)
    done = 0
    while done < n_frames:
        block = file.read(min(_BLOCK, n_frames - done), dtype="float32", always_2d=True)
        if not len(block):
            break
        mono[done : done + len(block)] = downmix(block)
        done += len(block)
    return mono[:done]
