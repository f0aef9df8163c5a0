"""Which beats begin bars, and how many beats a bar has, from low and long notes and changes of harmony. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diffroll_live.meter.tempo_map import Doubles

NEAR = 0.15  # of a beat that a note may lie beside it
SKIP = 6.0  # cost of a bar of another length, in standard deviations of a beat's accent
THREE = 0.1  # by how much bars of three beats must fit better than bars of four
TRIPLE = 1.3  # how many times more notes lie on thirds than on halves of a beat where the beat is dotted


@dataclass(frozen=True, slots=True)
class Bars:
    """A signature, the quarter notes of a beat, and the beats from which bars are counted (anew)."""

    signature: tuple[int, int]
    quarters: float
    restarts: tuple[int, ...]


def bars_of(notes: Doubles, beats: Doubles) -> Bars:
    """Find the bars over ``beats``, in seconds; ``notes`` are rows of onset, offset, pitch, velocity, sorted."""
    places = np.interp(notes[:, 0], beats, np.arange(len(beats)))
    places += np.maximum(notes[:, 0] - beats[-1], 0.0) / np.diff(beats)[-1]
    accents = _accents(notes, places, len(beats))
    if _in_thirds(places):
        _, lines = _bar_lines(accents, 2)
        return Bars((6, 8), 1.5, _restarts(lines, 2))
    four, three = _bar_lines(accents, 4), _bar_lines(accents, 3)
    size, lines = (3, three[1]) if three[0] > four[0] + THREE else (4, four[1])
    return Bars((size, 4), 1.0, _restarts(lines, size))


def _accents(notes: Doubles, places: Doubles, n_beats: int) -> Doubles:
    """How much each beat sounds like the first of a bar, (n_beats,): mean 0, deviation 1."""
    nearest = np.rint(places).astype(int)
    on = (np.abs(places - nearest) < NEAR) & (nearest < n_beats)
    low = notes[:, 2] <= np.quantile(notes[:, 2], 0.3)
    weight = 0.3 + low + 0.5 * np.minimum(notes[:, 1] - notes[:, 0], 1.5)
    struck = np.bincount(nearest[on], weight[on], n_beats)[:n_beats]
    inside = np.clip(np.floor(places + NEAR).astype(int), 0, n_beats - 1)
    chroma = np.zeros((n_beats, 12))
    np.add.at(chroma, (inside, notes[:, 2].astype(int) % 12), np.minimum(notes[:, 1] - notes[:, 0], 1.0))
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-9)
    changed = 1.0 - np.sum(chroma[1:] * chroma[:-1], axis=1)
    return _standard(_standard(np.sqrt(struck)) + _standard(np.append(0.0, changed)))


def _standard(values: Doubles) -> Doubles:
    standard: Doubles = (values - values.mean()) / max(float(values.std()), 1e-9)
    return standard


def _in_thirds(places: Doubles) -> bool:
    phases = places % 1.0
    thirds = np.minimum(np.abs(phases - 1 / 3), np.abs(phases - 2 / 3)) < 1 / 12
    halves = np.abs(phases - 0.5) < 1 / 12
    quarters = np.minimum(np.abs(phases - 0.25), np.abs(phases - 0.75)) < 1 / 24
    return bool(thirds.sum() > TRIPLE * (2.0 * halves.sum() + quarters.sum()) + 4)


def _bar_lines(accents: Doubles, size: int) -> tuple[float, npt.NDArray[np.int64]]:
    """The best bars of ``size`` beats: their score a beat, and the beats that begin them."""
    gain = np.where(np.arange(size)[:, None] == 0, accents, -accents / (size - 1)).T  # (n_beats, place in the bar)
    total, back = gain[0], []
    for row in gain[1:]:
        follows, jumps = np.roll(total, 1), total.max() - SKIP
        back.append(np.where(follows >= jumps, np.roll(np.arange(size), 1), total.argmax()))
        total = np.maximum(follows, jumps) + row
    places = [int(total.argmax())]
    for chosen in reversed(back):
        places.append(int(chosen[places[-1]]))
    return float(total.max()) / len(accents), np.flatnonzero(np.array(places[::-1]) == 0)


def _restarts(lines: npt.NDArray[np.int64], size: int) -> tuple[int, ...]:
    """The first bar line, and each that does not come a bar after the one before."""
    if not len(lines):
        return (0,)
    anew = np.flatnonzero(np.diff(lines) != size) + 1
    return (int(lines[0]), *lines[anew].tolist())
