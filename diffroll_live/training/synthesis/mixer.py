"""Notes to audio: the bank's recordings, placed, scaled, damped and summed. Effects are applied elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.synthesis.bank import SAMPLE_RATE, UNIT, Bank
from diffroll_live.types import Floats

UNDAMPED_PITCH = 89  # strings above have no dampers
SYMPATHETIC = (12, 19)  # semitones up to the strings that share partials with a sounding one
SHORTEST = 160  # samples before a string can be damped
LOUD = 100  # the velocity at which a note has the bank's level


@dataclass(frozen=True, slots=True)
class PlayedTouch:
    """The piano and the touch of one window."""

    piano: str
    dynamic_range: float  # dB between velocity 1 and 127
    detune: float  # cents, of the whole piano
    release: float  # s, the time in which a damped string falls to 1/e
    layer_jitter: float = 0.0  # random error of the layer choice, in velocities
    undamped_from: int = UNDAMPED_PITCH  # the lowest pitch that rings on when its key is released
    sympathy: float = np.inf  # dB by which sympathetic strings are softer than the one struck


@dataclass(frozen=True, slots=True)
class SoundingNotes:
    """The recordings in a window; all arrays (n_voices,), times in samples before tuning."""

    begin: npt.NDArray[np.int64]  # may be before the window
    source: npt.NDArray[np.int64]  # position in the bank
    length: npt.NDArray[np.int64]
    damp: npt.NDArray[np.int64]  # from the voice's beginning to where it is damped
    gain: Floats
    tail: int  # samples of the decay after that
    ratio: float  # tuning: the window is read this much faster


def with_pedal(notes: NoteArray, pedal: NoteArray) -> NoteArray:
    """Extend notes until the pedal that holds them is released; a copy of ``notes`` with moved offsets."""
    out = notes.copy()
    if not len(pedal) or not len(notes):
        return out
    held = np.searchsorted(pedal[:, 0], notes[:, 1], side="right") - 1
    caught = (held >= 0) & (notes[:, 1] < pedal[np.maximum(held, 0), 1])
    out[caught, 1] = pedal[held[caught], 1]
    return out


def sympathetic(notes: NoteArray, rung: NoteArray, touch: PlayedTouch) -> NoteArray:
    """Sympathetic strings where the pedal leaves them free: the octave and the twelfth above each note.

    notes: as the keys were held; rung: as the strings sounded. Returns rows to add to ``rung``, with velocities (below
    1) that make them ``touch.sympathy`` dB softer.
    """
    free = rung[rung[:, 1] > notes[:, 1]]
    if not np.isfinite(touch.sympathy) or not len(free):
        return free[:0]
    softer = touch.sympathy / touch.dynamic_range * 127
    above = [free + np.array([0.0, 0.0, interval, -softer]) for interval in SYMPATHETIC]
    rows = np.concatenate(above)
    return rows[rows[:, 2] <= HIGH_PITCH]


def mix(bank: Bank, notes: NoteArray, seconds: float, touch: PlayedTouch, rng: np.random.Generator) -> Floats:
    """Render notes on a piano.

    notes: rows that end when the strings are damped (pedal already applied) and may begin before 0.
    Returns (seconds * SAMPLE_RATE,) float32 at the level of a piano recorded with headroom.
    """
    return summed(bank, voices_of(bank, notes, touch, rng), seconds)


def voices_of(bank: Bank, notes: NoteArray, touch: PlayedTouch, rng: np.random.Generator) -> SoundingNotes:
    """Choose the recording for each note, and how it is processed."""
    ratio = 2.0 ** (touch.detune / 1200)
    rows = np.array(bank.layers[touch.piano])
    aim = np.clip(notes[:, 3] + rng.normal(0, 1, len(notes)) * touch.layer_jitter, 1, 127)
    layer = rows[np.minimum(np.searchsorted(bank.high[rows], aim), len(rows) - 1)]
    bins = notes[:, 2].astype(np.int64) - LOW_PITCH
    gain = 10.0 ** ((notes[:, 3] - LOUD) / 127 * touch.dynamic_range / 20) * (1 / UNIT)
    damp = np.where(notes[:, 2] >= touch.undamped_from, 10.0, notes[:, 1] - notes[:, 0])
    damp = np.maximum(np.rint(damp * ratio * SAMPLE_RATE).astype(np.int64), SHORTEST)
    tail = max(int(5 * touch.release * ratio * SAMPLE_RATE), 2)
    return SoundingNotes(
        begin=np.rint(notes[:, 0] * ratio * SAMPLE_RATE).astype(np.int64),
        source=bank.start[layer, bins],
        length=np.minimum(bank.length[layer, bins], damp + tail),
        damp=damp,
        gain=gain.astype(np.float32),
        tail=tail,
        ratio=ratio,
    )


def summed(bank: Bank, voices: SoundingNotes, seconds: float) -> Floats:
    """Sum voices one after the other, which is fastest on a CPU. ``device_mixer`` does all at once."""
    target = int(round(seconds * SAMPLE_RATE))
    length = int(np.ceil(target * voices.ratio)) + 1
    out = np.zeros(length, np.float32)
    tail = _release(voices.tail)
    columns = (voices.begin, voices.source, voices.length, voices.damp, voices.gain)
    for begin, source, keep, damp, gain in zip(*columns, strict=True):
        first, last = max(begin, 0), min(begin + keep, length)
        if last <= first:
            continue
        voice = bank.samples[source : source + keep].astype(np.float32)
        if keep > damp:
            voice[damp:] *= tail[: keep - damp]
        out[first:last] += (voice * gain)[first - begin : last - begin]
    if voices.ratio == 1:
        return out[:target]
    return np.interp(np.arange(target) * voices.ratio, np.arange(length), out).astype(np.float32)


def _release(n: int) -> Floats:
    """An exponential decay over five time constants in ``n`` samples, ending at zero."""
    return (np.exp(-np.arange(n) / (n / 5)) * np.linspace(1, 0, n) ** 0.25).astype(np.float32)
