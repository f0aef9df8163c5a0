"""How well bars and beats are estimated from notes, beside beats that people have marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.meter.tempo_map import Doubles
from diffroll_live.music.beats import estimate_meter

TOLERANCE = 0.07  # s


def f_measure(estimated: Doubles, true: Doubles) -> float:
    """The F-measure of times within TOLERANCE of each other; 0 where there are none."""
    if not len(estimated) or not len(true):
        return 0.0
    precision = float(np.mean(_distance(estimated, true) <= TOLERANCE))
    recall = float(np.mean(_distance(true, estimated) <= TOLERANCE))
    return 2.0 * precision * recall / max(precision + recall, 1e-9)


def scores(meter: MeterMap, beats: Doubles, downbeats: Doubles) -> tuple[float, float, float]:
    """F of the beats at the notated level and at the best one (twice or half as many, or off), and of the downbeats."""
    if meter.source == "none":
        return 0.0, 0.0, 0.0
    begin, end = beats[0] - 0.2, beats[-1] + 0.2
    estimated = np.array([change.position for change in meter.tempo.changes if begin <= change.position <= end])
    between = (beats[1:] + beats[:-1]) / 2
    levels = (beats, np.sort(np.append(beats, between)), beats[::2], beats[1::2], between)
    by_level = [f_measure(estimated, level) for level in levels]
    lines = meter.tempo.positions_at([bar.beat for bar in meter.bars(begin, end)])
    return by_level[0], max(by_level), f_measure(lines, downbeats)


@dataclass(frozen=True, slots=True)
class Song:
    """Notes, rows of onset, offset (s), pitch and velocity, with the beats that are known, and the bar lines."""

    notes: Doubles
    beats: Doubles
    bar_lines: Doubles = field(default_factory=lambda: np.zeros(0))


def read_songs(path: Path) -> Iterator[Song]:
    """Read all songs of a file.

    It holds them one after the other: notes (onset, offset, pitch, velocity) from note_begin[i] to note_begin[i + 1],
    beats (beat in seconds, downbeat as 0 or 1) from beat_begin[i] to beat_begin[i + 1].
    """
    songs = np.load(path)
    for song in range(len(songs["note_begin"]) - 1):
        notes = slice(*songs["note_begin"][song : song + 2])
        beats = slice(*songs["beat_begin"][song : song + 2])
        table = np.stack([songs[name][notes] for name in ("onset", "offset", "pitch", "velocity")], 1).astype(float)
        true = songs["beat"][beats].astype(float)
        yield Song(table, true, true[songs["downbeat"][beats] == 1])


def report(path: Path) -> str:
    """Score the estimates on all songs of a file; the mean figures, in words."""
    rows = []
    for song in read_songs(path):
        meter = estimate_meter(song.notes)
        rows.append((*scores(meter, song.beats, song.bar_lines), meter.confidence))
    notated, best, lines, confidence = np.mean(rows, axis=0)
    return (
        f"{len(rows)} songs, F within {1000 * TOLERANCE:.0f} ms: beats {notated:.3f} at the notated level, "
        f"{best:.3f} at the best one, downbeats {lines:.3f}; "
        f"confidence {confidence:.2f}, {sum(row[3] == 0.0 for row in rows)} without a beat"
    )


def _distance(times: Doubles, others: Doubles) -> Doubles:
    """From each time to the nearest of the others, sorted."""
    after = np.clip(np.searchsorted(others, times), 1, max(len(others) - 1, 1))
    return np.minimum(np.abs(times - others[np.minimum(after, len(others) - 1)]), np.abs(times - others[after - 1]))
