"""Beats moved to where the notes say they are, and joined across the longest rest. NumPy only.

Tracked beats lie near strong onsets, so that a stray one bends the tempo, and the two sides of a rest (a hole that is
to be filled) need not agree. Here all beats are moved at once: every chord lies on a part of a beat, give or take a few
milliseconds, or nowhere; beats bend little and keep to the pace around them. Which part, and how usual each is, is
found by expectation and maximization, coarse at first. Over the rest, several numbers of beats are tried.

The constants were chosen on pieces of the training split, by how many sixteenths of a hole lie right.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from diffroll_live.meter.tempo_map import Doubles
from diffroll_live.music.readings import TOGETHER

PARTS = np.array([0, 1 / 2, 1 / 4, 3 / 4, 1 / 3, 2 / 3, 1 / 6, 5 / 6, 1 / 8, 3 / 8, 5 / 8, 7 / 8])  # of a beat
USUAL = np.array([8.0, 4, 1.4, 1.4, 0.6, 0.6, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1])  # chords on each, before any is seen
ALIKE = ((2, 3), (4, 5), (6, 7), (8, 9, 10, 11))  # parts that are as usual as each other
STRAY = 0.05  # chords a beat that lie nowhere
COARSE, FINER, EXACT = 0.03, 0.6, 0.012  # s that chords lie beside their places: at first, times this, at last
ROUNDS = 8
BEND = 0.06  # of a beat by which a beat is longer than the last
PACE, PACE_BEATS = 3.0, 12  # s by which beats differ from those around, for a beat of 1 s; beats on each side
REST = 2.5  # beats without a chord
LEAST = 4  # beats on each side of a rest, to try others in it
NEAR_REST = 24  # beats on each side that judge what is tried
TRIED = np.arange(-1.0, 1.01, 0.25)  # beats by which the later side may begin elsewhere
COSTS = {0.0: 0.0, 0.25: 6.0, 0.5: 4.0, 0.75: 6.0, 1.0: 2.0}  # of trying that
EARLY = 1 / 16  # of a beat before one, in which a chord counts with it
SHORTEST = 0.05  # s, of a beat
HELD = 1e-6  # weight of a beat's own place, where nothing else holds it
EVEN = 0.03  # octaves, base e, by which the pace in a rest differs from that around


def fitted(beats: Doubles, notes: Doubles) -> Doubles:
    """Move ``beats`` (s, at least two, rising) to the ``notes``, rows of onset, offset, pitch, velocity by onset.

    Their number may change by one where there is a rest. Returns ``beats`` where no fit is found.
    """
    times, weights = _chords(notes)
    length = float(np.median(np.diff(beats)))
    rests = np.diff(times)
    if len(rests) and rests.max() > REST * length:
        at = int(rests.argmax())
        beats = _joined(beats, times, weights, (times[at], times[at + 1]), length)
    found, _ = _moved(beats, times, weights)
    return beats if found is None else found


def _chords(notes: Doubles) -> tuple[Doubles, Doubles]:
    """When notes begin together, and how much that says, (n_chords,) each."""
    onset = notes[:, 0]
    chord = np.cumsum(np.append(False, np.diff(onset) > TOGETHER))
    count = np.bincount(chord)
    return np.bincount(chord, onset) / count, np.sqrt(np.minimum(count, 4.0))


def _joined(beats: Doubles, times: Doubles, weights: Doubles, rest: tuple[float, float], length: float) -> Doubles:
    """The beats with the number of them in a rest that suits both sides best."""
    before, after = beats[beats <= rest[0] + 0.1 * length], beats[beats >= rest[1] - 0.1 * length]
    if len(before) <= LEAST or len(after) <= LEAST:
        return beats
    near = slice(*np.searchsorted(times, [before[-NEAR_REST:][0], after[:NEAR_REST][-1]]))
    best, least = beats, np.inf
    for tried, cost in _ways(beats, before, after):
        inside = tried[(tried >= before[-NEAR_REST:][0]) & (tried <= after[:NEAR_REST][-1])]
        moved, worse = _moved(inside, times[near], weights[near])
        if moved is not None and (total := cost + worse + _uneven(moved, rest)) < least:
            best, least = tried, total
    return best


def _ways(beats: Doubles, before: Doubles, after: Doubles) -> Iterator[tuple[Doubles, float]]:
    """The beats as they are, and with the later side begun elsewhere and other beats in between; each with its cost."""
    yield beats, 0.0
    between = len(beats) - len(before) - len(after) + 1
    for shift in TRIED:
        part = shift % 1.0
        later = np.interp(np.arange(len(after) - (part > 0)) + part, np.arange(len(after)), after)
        fewer = between + int(np.floor(shift))
        for steps in {fewer, fewer + (part > 0)}:
            if steps >= 2:
                middle = np.interp(np.arange(1, steps) / steps, [0.0, 1.0], [before[-1], later[0]])
                yield np.concatenate([before, middle, later]), COSTS[abs(float(shift))]


def _uneven(beats: Doubles, rest: tuple[float, float]) -> float:
    """What a pace in the rest costs that is not the one around."""
    first, last = np.searchsorted(beats, [rest[0] - 0.01, rest[1] + 0.01])
    last = min(int(last), len(beats) - 1)
    lengths = np.diff(beats)
    around = np.concatenate([lengths[max(first - PACE_BEATS, 0) : first], lengths[last : last + PACE_BEATS]])
    if last - first <= 2 or not len(around):
        return 0.0
    pace = np.log((beats[last] - beats[first]) / (last - first) / np.median(around))
    return float(0.5 * (pace / EVEN) ** 2)


def _moved(beats: Doubles, times: Doubles, weights: Doubles) -> tuple[Doubles | None, float]:
    """Move beats to chords; None where they would pass each other. Returns what the fit costs, as well."""
    if len(beats) < LEAST or not len(times):
        return None, np.inf
    usual, cost = USUAL / USUAL.sum(), np.inf
    for turn in range(ROUNDS):
        exact = max(EXACT, COARSE * FINER**turn)
        length = float(np.diff(beats).mean())
        at, beside = _beside(beats, times)
        likely = usual * np.exp(-0.5 * np.square(beside / exact)) / exact
        total = likely.sum(axis=1) + STRAY / length
        belongs = likely / total[:, None] * weights[:, None]
        usual = _usual(belongs.sum(axis=0))
        pull = (BEND * length) ** -2
        pace, around = pull * (length / PACE) ** 2, _median_around(np.diff(beats))
        beats = _least_squares(beats, times, at, belongs / exact**2, pull, pace, around)
        lengths = np.diff(beats)
        if lengths.min() <= SHORTEST:
            return None, np.inf
        bent, off = np.square(np.diff(beats, 2)).sum(), np.square(lengths - around).sum()
        cost = float(0.5 * (pull * bent + pace * off) - (weights * np.log(total * length)).sum())
    return beats, cost


def _beside(beats: Doubles, times: Doubles) -> tuple[npt.NDArray[np.int64], Doubles]:
    """The beat that each chord follows, and the seconds by which it is later than each of its PARTS."""
    last = len(beats) - 2
    at = np.clip(np.searchsorted(beats, times, "right") - 1, 0, last)
    share = (times - beats[at]) / (beats[at + 1] - beats[at])
    at = np.clip(at + np.floor(share + EARLY).astype(int), 0, last)
    lengths = beats[at + 1] - beats[at]
    return at, (times - beats[at])[:, None] - PARTS * lengths[:, None]


def _usual(chords: Doubles) -> Doubles:
    """How usual each part is, after this many chords on it."""
    counts = chords + 2.0 * USUAL / USUAL[0] * 4.0
    for parts in ALIKE:
        counts[list(parts)] = counts[list(parts)].mean()
    usual: Doubles = counts / counts.sum()
    return usual


def _median_around(lengths: Doubles) -> Doubles:
    padded = np.pad(lengths, PACE_BEATS, "reflect" if len(lengths) > PACE_BEATS else "edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * PACE_BEATS + 1), axis=1))


def _least_squares(
    beats: Doubles,
    times: Doubles,
    at: npt.NDArray[np.int64],
    belongs: Doubles,
    pull: float,
    pace: float,
    around: Doubles,
) -> Doubles:
    """The beats of the least squares: chords on their parts, beats that bend little and keep to the pace around."""
    n, left, right = len(beats), belongs @ (1.0 - PARTS), belongs @ PARTS
    middle, wanted = np.full(n, HELD), HELD * beats
    middle += np.bincount(at, belongs @ np.square(1.0 - PARTS), n)
    middle += np.bincount(at + 1, belongs @ np.square(PARTS), n)
    next_one: Doubles = np.bincount(at, belongs @ (PARTS * (1.0 - PARTS)), n)[:-1].astype(float)
    wanted += np.bincount(at, left * times, n) + np.bincount(at + 1, right * times, n)
    middle[:-2] += pull
    middle[1:-1] += 4.0 * pull
    middle[2:] += pull
    next_one[:-1] -= 2.0 * pull
    next_one[1:] -= 2.0 * pull
    middle[:-1] += pace
    middle[1:] += pace
    next_one -= pace
    wanted[:-1] -= pace * around
    wanted[1:] += pace * around
    return _solved(middle, next_one, np.full(n - 2, pull), wanted)


def _solved(middle: Doubles, next_one: Doubles, second: Doubles, wanted: Doubles) -> Doubles:
    """Solve a symmetric positive system of five diagonals, by elimination; (n,)."""
    a, b, c, x = middle.tolist(), [*next_one.tolist(), 0.0], [*second.tolist(), 0.0, 0.0], wanted.tolist()
    for i in range(len(a) - 1):
        ratio = b[i] / a[i]
        a[i + 1] -= ratio * b[i]
        x[i + 1] -= ratio * x[i]
        if i + 2 < len(a):
            b[i + 1] -= ratio * c[i]
            ratio = c[i] / a[i]
            a[i + 2] -= ratio * c[i]
            x[i + 2] -= ratio * x[i]
    x += [0.0, 0.0]
    for i in reversed(range(len(a))):
        x[i] = (x[i] - b[i] * x[i + 1] - c[i] * x[i + 2]) / a[i]
    return np.array(x[:-2])
