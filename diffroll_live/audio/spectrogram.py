"""A spectrogram for the eye, its frequencies aligned to the keys of a piano. Plain numpy: no model is needed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diffroll_live.music.roll import LOW_PITCH, N_PITCHES
from diffroll_live.picture_types import Levels
from diffroll_live.types import AudioBuffer, Floats

Doubles = npt.NDArray[np.float64]

FRAME_RATE = 40.0  # frames per second
ROWS_PER_KEY = 3
ROWS = ROWS_PER_KEY * N_PITCHES
_RANGE_DB = 84.0  # from the darkest level to the brightest
_TOP_DB = -6.0  # the brightest level, relative to a sine of full scale
#: The window of each band in seconds, from a pitch on: low keys need long windows, high ones short.
_BANDS = ((LOW_PITCH, 0.37), (48, 0.186), (66, 0.093))
REACH = 0.37 / 2**0.5  # s before and after a frame on which it depends, as windows are rounded to powers of two


def n_frames(audio: AudioBuffer) -> int:
    """Count the frames of a buffer, the last one begun included."""
    return max(1, int(np.ceil(audio.seconds * FRAME_RATE)))


def levels(audio: AudioBuffer, first: int, count: int, begin: float = 0.0) -> Levels:
    """Return frames ``first`` to ``first + count``, (count, ROWS), row 0 a third of a key below the lowest pitch.

    Frames are counted from second 0; the audio begins at second ``begin``.
    """
    rows = np.arange(ROWS)
    pitches = LOW_PITCH + (rows - (ROWS_PER_KEY - 1) / 2) / ROWS_PER_KEY
    frequencies = 440.0 * 2.0 ** ((pitches - 69) / 12)
    times: Doubles = (first + np.arange(count, dtype=np.float64) + 0.5) / FRAME_RATE - begin
    power = np.empty((count, ROWS), np.float32)
    for band, (low, seconds) in enumerate(_BANDS):
        high = _BANDS[band + 1][0] if band + 1 < len(_BANDS) else np.inf
        chosen = (pitches >= (low if band else -np.inf) - 0.5) & (pitches < high - 0.5)
        power[:, chosen] = _magnitudes(audio, times, seconds, frequencies[chosen])
    decibels = 20.0 * np.log10(np.maximum(power, 1e-7))
    return np.asarray(np.clip(255.0 * (1.0 + (decibels - _TOP_DB) / _RANGE_DB), 0, 255)).astype(np.uint8)


def _magnitudes(audio: AudioBuffer, times: Doubles, seconds: float, frequencies: Doubles) -> Floats:
    """Measure the magnitudes at ``frequencies`` (Hz) around each of ``times``: (n_times, n_frequencies)."""
    size = 1 << round(np.log2(seconds * audio.sample_rate))
    centres = np.round(times * audio.sample_rate).astype(np.int64)
    begin = int(centres[0]) - size // 2
    end = int(centres[-1]) + size // 2 + 1
    inside = audio.samples[max(0, begin) : max(0, end)]
    padded = np.pad(inside, (max(0, -begin), max(0, end - begin - len(inside) - max(0, -begin))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[centres - centres[0]]
    window = np.hanning(size).astype(np.float32)
    magnitudes = np.abs(np.fft.rfft(frames * window, axis=1)) * (2.0 / window.sum())
    bins = np.minimum(frequencies * size / audio.sample_rate, magnitudes.shape[1] - 1.001)
    below = bins.astype(np.int64)
    share = (bins - below).astype(np.float32)
    heard = magnitudes[:, below] * (1 - share) + magnitudes[:, below + 1] * share
    return np.where(frequencies < audio.sample_rate / 2, heard, 0.0).astype(np.float32)
