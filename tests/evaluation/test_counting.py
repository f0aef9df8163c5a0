"""Tests of what is counted of music that was written: likeness, borders, copies, and what is kept of it."""

from __future__ import annotations

import numpy as np
import pytest

from diffroll_live.evaluation.copying import Training
from diffroll_live.evaluation.similarity import Filled, cut, doubled, similarity
from diffroll_live.evaluation.store import Store
from diffroll_live.evaluation.tables import percent, plain, table
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.training.corpus.pieces import Corpus
from diffroll_live.types import Region

REGION = Region(1.0, 5.0)
SCALE = (60, 62, 64, 65, 67, 69, 71)
NOTHING: NoteArray = np.zeros((0, 4))


def melody(pitches: tuple[int, ...], onset: float = 1.0, seconds: float = 0.4) -> NoteArray:
    return np.array([(onset + 0.5 * i, onset + 0.5 * i + seconds, pitch, 64.0) for i, pitch in enumerate(pitches)])


def filled(inside: NoteArray, around: NoteArray = NOTHING) -> Filled:
    return Filled(REGION, inside, around)


C_MAJOR = melody(SCALE)
AROUND = melody(SCALE, onset=6.0)


def test_what_is_the_same_cannot_be_told_apart() -> None:
    composed = [filled(C_MAJOR, AROUND)]
    found = similarity(composed, composed)
    for name in ("pitch", "pitch_class", "duration", "interval", "velocity", "in_scale", "key", "polyphony_in_range"):
        assert found[name] == pytest.approx(1.0), name
    assert (found["empty"], found["cut"], found["doubled"]) == (0, 0, 0)
    assert found["notes_a_second"] == pytest.approx(7 / 4)
    assert found["polyphony"] == pytest.approx(1.0)


def test_other_keys_other_lengths_and_silence_are_told() -> None:
    composed = [filled(C_MAJOR, AROUND), filled(C_MAJOR, AROUND)]
    black = melody((61, 63, 66, 68, 70), seconds=0.05)
    found = similarity(composed, [filled(black, AROUND), filled(NOTHING, AROUND)])
    assert found["empty"] == 0.5
    for name in ("pitch", "pitch_class", "duration", "in_scale", "key"):
        assert found[name] == 0, name
    assert found["interval"] == pytest.approx(1.0)


def test_borders() -> None:
    long = np.array([(4.0, 5.0, 60, 64.0), (4.0, 4.5, 62, 64.0)])
    assert cut(filled(long)) == 1
    held = np.array([(0.5, 1.5, 60, 64.0), (5.0, 6.0, 62, 64.0)])
    written = np.array([(1.2, 2.0, 60, 64.0), (4.97, 5.0, 62, 64.0), (2.0, 3.0, 60, 64.0)])
    assert doubled(filled(written, held)) == 2


def corpus(*pieces: NoteArray) -> Corpus:
    starts = np.cumsum([0, *map(len, pieces)])
    notes = np.concatenate(pieces).astype(np.float32)
    names = tuple(f"plain/{i}.mid" for i in range(len(pieces)))
    return Corpus(names, ("train",) * len(pieces), notes, starts, np.zeros((0, 2), np.float32), 0 * starts)


def test_a_copy_is_found_in_any_key_and_never_across_pieces() -> None:
    rng = np.random.default_rng(3)
    first, second = (melody(tuple(rng.integers(30, 90, 40).tolist())) for _ in range(2))
    training = Training(corpus(first, second))
    copied = first[10:25].copy()
    copied[:, 2] += 3
    assert training.longest_match([copied]) == 15
    assert training.longest_match([np.concatenate([first[-5:], np.add(second[:4], [100, 100, 0, 0])])]) == 5
    assert training.longest_match([NOTHING]) == 0


def test_a_table_has_dashes_where_nothing_was_found() -> None:
    text = table([{"a": "x", "b": 0.5}, {"a": "y", "b": None}], {"a": ("name", plain), "b": ("share", percent)})
    assert text.splitlines() == ["| name | share |", "| --- | --- |", "| x | 50.0 % |", "| y | - |"]


def test_rows_are_worked_out_once_unless_asked(tmp_path) -> None:
    made: list[int] = []

    def make() -> list[dict[str, int]]:
        made.append(1)
        return [{"n": len(made)}]

    for _ in range(2):
        assert Store(tmp_path / "new").rows("part", {"steps": 1}, make) == [{"n": 1}]
    assert Store(tmp_path / "new").rows("part", {"steps": 2}, make) == [{"n": 2}]
    assert Store(tmp_path / "new", fresh=True).rows("part", {"steps": 1}, make) == [{"n": 3}]
    for path in (tmp_path / "new").iterdir():
        path.write_text("[{")
    assert Store(tmp_path / "new").rows("part", {"steps": 1}, make) == [{"n": 4}]
