"""Audio files to buffers. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile

from diffroll_live.audio.mixing import ChannelSums, Mix
from diffroll_live.audio.pcm import check_layout, downmix, make_buffer
from diffroll_live.errors import AudioError, FileError, FileMissing, TooLarge
from diffroll_live.files.lengths.parts import Part, PartReader
from diffroll_live.files.lengths.table import parts_of
from diffroll_live.types import AudioBuffer, Floats

_BLOCK = 1 << 18  # frames read at a time


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

    ``start`` and ``duration`` choose a section, in seconds; None is the rest of the file. Where a header does not know
    the length, or counts less than there is, the file is read to its end.
    Raises errors.FileMissing, FileError for what is not a file or cannot be read, AudioError for unusable audio,
    TooLarge beyond ``max_seconds`` or ``max_bytes`` of samples.
    """
    if start < 0 or (duration is not None and duration <= 0):
        raise AudioError(f"A start of {start} s and a duration of {duration} s select no audio.")
    _check_readable(path)
    try:
        with ExitStack() as stack:
            parts = parts_of(path)
            files = [stack.enter_context(_open(path, part, stack)) for part in parts]
            rate = _check_alike(path, files)
            first, n_frames = _choose_frames(sum(int(file.frames) for file in files), rate, start, duration)
            _check_size(n_frames, rate, max_seconds, max_bytes)
            samples, remarks = _read_mono(files, first, n_frames)
            if len(samples) < n_frames and all(part.is_exact for part in parts):
                raise AudioError(f"{path.name} is truncated: {len(samples)} of {n_frames} samples could be read.")
            return make_buffer(name or path.stem, samples, rate, origin, remarks)
    except soundfile.SoundFileError as error:
        reason = getattr(error, "error_string", str(error)).strip().rstrip(".")
        raise AudioError(f"{path.name} is not audio that can be read ({reason}); export it as WAV or FLAC.") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_readable(path: Path) -> None:
    """Refuse what is not a regular file (a pipe would block forever), and what may not be looked at."""
    try:
        if not path.exists():
            raise FileMissing(f"{path} does not exist.")
        if not path.is_file():
            raise FileError(f"{path} is not a file but a folder or a device.")
    except (OSError, ValueError) as error:
        raise FileError(f"{path} cannot be read: {error}.") from error


class _AudioReader(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
    """An audio file that is read onwards: soundfile would jump to where it is after every block."""

    def seekable(self) -> bool:
        """Not between blocks: the decoder of an MP3 that jumps lacks the bits of earlier frames, and errs."""
        return False


def _open(path: Path, part: Part, stack: ExitStack) -> _AudioReader:
    if part == Part(0, path.stat().st_size, is_exact=part.is_exact):
        return _AudioReader(path if os.name == "nt" else os.fsencode(path))  # soundfile knows no bytes but UTF-8
    return _AudioReader(stack.enter_context(PartReader(path, part)))


def _check_alike(path: Path, files: Sequence[_AudioReader]) -> int:
    """Return the sample rate of the parts of a file, in Hz. Raises AudioError where they differ."""
    for file in files:
        check_layout(file.samplerate, file.channels)
    rates = sorted({int(file.samplerate) for file in files})
    if len(rates) > 1:
        raise AudioError(f"{path.name} is joined from audio of {rates[0]} and {rates[-1]} Hz; convert it to one rate.")
    return rates[0]


def _choose_frames(total: int, rate: int, start: float, duration: float | None) -> tuple[int, int]:
    """Return the first frame to read of ``total``, and the number of frames."""
    first = round(start * rate)
    available = total - first
    if available <= 0:
        raise AudioError(f"The file has {total / rate:.3f} s of audio, nothing from {start:g} s on.")
    return first, available if duration is None else min(available, max(1, round(duration * rate)))


def _check_size(n_frames: int, rate: int, max_seconds: float, max_bytes: int) -> None:
    if n_frames > max_seconds * rate:
        raise TooLarge(
            f"{n_frames / rate:.0f} s are more than {max_seconds:.0f} s; "
            "choose a part of it by a start and a duration, or cut the file."
        )
    if n_frames * 4 > max_bytes:
        raise TooLarge(f"There is room for {max_bytes >> 20} MiB of audio; choose a duration, or free other buffers.")


def _read_mono(files: Sequence[_AudioReader], first: int, n_frames: int) -> tuple[Floats, tuple[str, ...]]:
    """Read frames [first, first + n_frames) of files that follow each other; return them, and what is to be said."""
    mono = np.empty(n_frames, np.float32)
    done = 0
    remarks: list[str] = []
    for file in files:
        if first >= file.frames:
            first -= int(file.frames)
            continue
        count, mix = _read_mean(file, first, mono[done:])
        if not mix.is_mean:
            _read_mixed(file, first, mono[done : done + count], mix)
        remarks += [mix.remark] if mix.remark and mix.remark not in remarks else []
        done, first = done + count, 0
    return mono[:done], tuple(remarks)


def _read_mean(file: _AudioReader, first: int, out: Floats) -> tuple[int, Mix]:
    """Fill ``out`` with the mean of a file's channels from ``first`` on; return how far, and a better mix, if any."""
    sums, done = ChannelSums(file.channels), 0
    for block in _blocks(file, first, len(out)):
        out[done : done + len(block)] = downmix(block)
        done += len(block)
        if file.channels > 1:
            sums.add(block)
    return done, sums.mix()


def _read_mixed(file: _AudioReader, first: int, out: Floats, mix: Mix) -> None:
    done = 0
    for block in _blocks(file, first, len(out)):
        out[done : done + len(block)] = mix.apply(block)
        done += len(block)


def _blocks(file: _AudioReader, first: int, n_frames: int) -> Iterator[Floats]:
    """Read ``n_frames`` from ``first`` on, as (n, n_channels), so that many channels are never in memory at once."""
    _skip(file, first)
    while n_frames and len(block := file.read(min(_BLOCK, n_frames), np.float32, always_2d=True)):
        yield block
        n_frames -= len(block)


def _skip(file: _AudioReader, n_frames: int) -> None:
    file.seek(0 if file.format == "MP3" else n_frames)
    while file.format == "MP3" and n_frames:
        n_frames -= len(file.read(min(_BLOCK, n_frames), np.float32)) or n_frames
