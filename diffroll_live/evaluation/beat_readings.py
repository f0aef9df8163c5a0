"""The weights of music/readings.py: those with which the chosen readings come closest to beats that are known.

Passages of the training scores are played with a tempo that drifts and hands that are not quite together, two bars of
each left out as in a fill. Songs with marked beats only measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffroll_live.composer.vocabulary import TICKS_PER_QUARTER, TICKS_PER_WHOLE, Ints
from diffroll_live.evaluation.beat_tracking import Song, f_measure, read_songs
from diffroll_live.meter.tempo_map import Doubles
from diffroll_live.music.beats import onset_strength, readings
from diffroll_live.music.readings import WEIGHTS, features, struck
from diffroll_live.training.composing.scores import Score, read_scores

PASSAGES, N_BARS, HOLE = 800, 10, (4, 6)  # bars in all, and those that are left out
FEWEST = 40  # notes
TEMPO, SPREAD = 95.0, 0.25  # quarters a minute where a score says none, and of its logarithm
DRIFTS, HANDS = (0.003, 0.012, 0.025), (0.004, 0.010, 0.016)  # of a quarter's logarithm, and s: strict to free
MEMORY = 0.9  # of a drift from quarter to quarter
ROUNDS, RATE, DECAY = 250, 0.03, 0.01


@dataclass(frozen=True, slots=True)
class Example:
    """The features of each reading of some notes, (n, n_features), and how close each comes to the beats, (n,)."""

    features: Doubles
    closeness: Doubles


def report(scores: Path, songs: Path) -> str:
    """Fit the weights, and say how close the chosen readings come before and after, in words."""
    rng = np.random.default_rng(1)
    training = [score for score in read_scores(scores) if score.split == "train"]
    passages = [example for _ in range(PASSAGES) if (example := _example(_played(training, rng))) is not None]
    marked = [example for song in read_songs(songs) if (example := _example(song)) is not None]
    half = len(passages) // 2
    crossed = np.mean([_mean(passages[half:], fit(passages[:half])), _mean(passages[:half], fit(passages[half:]))])
    weights = fit(passages)
    first, best = (np.mean([one.closeness[0] for one in passages]), np.mean([one.closeness.max() for one in passages]))
    return (
        f"{len(passages)} passages, F of their beats: the first reading {first:.3f}, the chosen one {crossed:.3f} with "
        f"weights of the other half, the best {best:.3f}; songs that measure {_mean(marked, weights):.3f}, "
        f"with the weights as they are {_mean(marked, WEIGHTS):.3f}\n{np.round(weights, 2).tolist()}"
    )


def fit(examples: Sequence[Example]) -> Doubles:
    """The weights that maximize the closeness to be expected where readings are drawn by softmax, by Adam."""
    spread = np.concatenate([one.features for one in examples]).std(0) + 1e-9
    weights, mean, square = (np.zeros(len(spread)) for _ in range(3))
    for round_ in range(1, ROUNDS + 1):
        slope = -DECAY * weights
        for one in examples:
            scaled = one.features / spread
            chances = np.exp(scaled @ weights - (scaled @ weights).max())
            chances /= chances.sum()
            slope += 3.0 * scaled.T @ (chances * (one.closeness - chances @ one.closeness)) / len(examples)
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        weights += RATE * mean / (1 - 0.9**round_) / (np.sqrt(square / (1 - 0.99**round_)) + 1e-8)
    return weights / spread


def _mean(examples: Sequence[Example], weights: Doubles) -> float:
    return float(np.mean([one.closeness[int((one.features @ weights).argmax())] for one in examples]))


def _example(song: Song) -> Example | None:
    begin = song.notes[:, 0].min()
    notes = song.notes[np.argsort(song.notes[:, 0], kind="stable")] - [begin, begin, 0.0, 0.0]
    found = readings(onset_strength(notes))
    if not found:
        return None
    heard, low, high = struck(notes), song.beats[0] - 0.2, song.beats[-1] + 0.2
    placed = [reading + begin for reading in found]
    close = [f_measure(beats[(beats >= low) & (beats <= high)], song.beats) for beats in placed]
    return Example(np.array([features(heard, reading) for reading in found]), np.array(close))


def _played(scores: Sequence[Score], rng: np.random.Generator) -> Song:
    """Draw a passage, each collection as often as another, and play it."""
    corpora = sorted({score.corpus for score in scores})
    chosen = corpora[rng.integers(len(corpora))]
    among = [score for score in scores if score.corpus == chosen and len(score.bars) > N_BARS]
    while True:
        score = among[rng.integers(len(among))]
        first = int(rng.integers(len(score.bars) - N_BARS))
        end = score.bar_ends()[first + N_BARS - 1]
        low, high = np.searchsorted(score.notes[:, 0], [score.bars[first, 0], end])
        if high - low >= FEWEST:
            return _perform(score, first, int(end), score.notes[low:high], rng)


def _perform(score: Score, first: int, end: int, notes: Ints, rng: np.random.Generator) -> Song:
    bars = score.bars[first : first + N_BARS]
    style = int(rng.integers(len(DRIFTS)))
    quarters = np.arange(bars[0, 0], end + TICKS_PER_QUARTER + 1, TICKS_PER_QUARTER)
    drift = np.zeros(len(quarters))
    for index in range(1, len(drift)):
        drift[index] = MEMORY * drift[index - 1] + rng.normal(0.0, DRIFTS[style])
    tempo = score.tempo if score.tempo > 0 else TEMPO * float(np.exp(rng.normal(0.0, SPREAD)))
    seconds = np.append(0.0, np.cumsum(60.0 / tempo * np.exp(drift))[:-1])
    left = notes[(notes[:, 0] < bars[HOLE[0], 0]) | (notes[:, 0] >= bars[HOLE[1], 0])]
    written = np.interp(np.stack([left[:, 0], left[:, 0] + left[:, 1]]), quarters, seconds)
    onset = written[0] + rng.normal(0.0, HANDS[style], len(left))
    offset = onset + np.maximum((written[1] - written[0]) * rng.uniform(0.7, 1.05), 0.05)
    velocity = np.where(left[:, 3] > 0, left[:, 3], 64)
    ends = np.append(bars[1:, 0], end)
    beats = [np.arange(begin, stop, _beat(*bar)) for (begin, *bar), stop in zip(bars.tolist(), ends, strict=True)]
    table = np.stack([onset, offset, left[:, 2], velocity], 1)
    return Song(table, np.interp(np.concatenate(beats), quarters, seconds))


def _beat(numerator: int, denominator: int) -> int:
    """Ticks of a beat; three eighths where the signature counts these."""
    return TICKS_PER_WHOLE // denominator * (3 if denominator == 8 and numerator % 3 == 0 else 1)
