"""Raw samples to a mono AudioBuffer, checked. No files, no network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diffroll_live.audio.level import at_usual_level, is_audible
from diffroll_live.audio.mixing import ChannelSums, Mix
from diffroll_live.errors import AudioError
from diffroll_live.types import AudioBuffer, Floats

MIN_SAMPLE_RATE = 4_000  # Hz; below it little of a piano is left
MAX_SAMPLE_RATE = 384_000  # Hz
MAX_CHANNELS = 64

FORMATS: dict[str, np.dtype[np.generic]] = {"f32": np.dtype("<f4"), "s16": np.dtype("<i2")}
_FULL_SCALE = 32768.0  # of s16
_BLOCK = 1 << 16  # frames that are looked at together
_SILENT = "Nothing in it is audible; check that the right input was recorded."


def check_layout(sample_rate: int, channels: int) -> None:
    """Refuse a sample rate (Hz) or a number of channels that no recording has. Raises errors.AudioError."""
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise AudioError(f"A sample rate of {sample_rate} Hz is outside {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}.")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"{channels} channels are outside 1 to {MAX_CHANNELS}.")


def from_bytes(raw: bytes | npt.NDArray[np.uint8], fmt: str, channels: int, mix: Mix | None = None) -> Floats:
    """Read interleaved little-endian samples as (n_frames,) float32, the mean of the channels unless there is a mix."""
    values = _values(raw, fmt, channels)
    mono = downmix(values) if mix is None or mix.is_mean else mix.apply(values)
    return mono / np.float32(_FULL_SCALE) if fmt == "s16" else mono


def mix_of(raw: bytes | npt.NDArray[np.uint8], fmt: str, channels: int) -> Mix:
    """Choose how to mix the whole of a recording, of interleaved little-endian samples."""
    values, sums = _values(raw, fmt, channels), ChannelSums(channels)
    for first in range(0, len(values), _BLOCK):
        sums.add(values[first : first + _BLOCK])
    return sums.mix()


def _values(raw: bytes | npt.NDArray[np.uint8], fmt: str, channels: int) -> npt.NDArray[np.generic]:
    return np.frombuffer(raw, FORMATS[fmt]).reshape(-1, channels)


def downmix(samples: npt.NDArray[np.generic]) -> Floats:
    """Take the mean of the channels: (n_frames, n_channels) of any number type to (n_frames,) float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(samples.mean(axis=1, dtype=np.float32))


def make_buffer(
    name: str, samples: Floats, sample_rate: int, origin: float = 0.0, remarks: tuple[str, ...] = ()
) -> AudioBuffer:
    """Make a buffer of the (n_samples,) float32 of a whole recording, at a level that models know.

    Raises errors.AudioError when it is empty or holds NaN or infinity.
    """
    if not len(samples):
        raise AudioError("The audio has no samples; select a range that is longer than 0 s.")
    if not np.isfinite(samples).all():
        first = int(np.argmin(np.isfinite(samples)))
        raise AudioError(f"Sample {first} is not a finite number; render the audio again.")
    if not is_audible(samples):
        remarks = (*remarks, _SILENT)
    return AudioBuffer(name, at_usual_level(samples, sample_rate), sample_rate, origin, remarks)
