"""Training windows: what is heard in them is what their rows say, and they are made of what was asked for."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.training_material import HEARD, UNHEARD, Folders

from diffroll_live.errors import FileMissing, RequestError
from diffroll_live.model.roll_targets import NoteArray
from diffroll_live.music.roll import LOW_PITCH, RollGeometry
from diffroll_live.training.examples import windows
from diffroll_live.training.examples.batches import ROLLS, batch_of, loader
from diffroll_live.training.examples.drawing import one_at_a_time
from diffroll_live.training.examples.windows import Material, Window, WindowMaker
from diffroll_live.training.synthesis.bank import SAMPLE_RATE

pytest_plugins = ["support.training_fixtures"]
GEOMETRY = RollGeometry(SAMPLE_RATE, 256)


@pytest.fixture(scope="module")
def plain(folders: Folders) -> Material:
    """The pieces as they are, without effects."""
    return replace(
        folders.material,
        rule_share=0.0,
        empty_share=0.0,
        edge_share=0.0,
        extra_share=0.0,
        transpose=0,
        stretch=1.0,
        augmentation=0.0,
        seconds=4.0,
    )


def strength(samples: np.ndarray, begin: float, pitch: float) -> float:
    """How strong a pitch is in the 60 ms from ``begin``, whatever the detuning."""
    part = samples[round(begin * SAMPLE_RATE) : round((begin + 0.06) * SAMPLE_RATE)]
    phase = 2j * np.pi * 440 * 2 ** ((pitch - 69) / 12) * np.arange(len(part)) / SAMPLE_RATE
    return float(np.abs(np.sum(part * np.hanning(len(part)) * np.exp(phase))))


def rises(window: Window) -> list[float]:
    """By how much the sound of each onset's own pitch grows there, for the onsets well inside the window."""
    inside = [row for row in window.notes if 0.1 < row[0] < len(window.samples) / SAMPLE_RATE - 0.1]
    return [
        strength(window.samples, onset + 0.005, pitch) / (strength(window.samples, onset - 0.065, pitch) + 1e-6)
        for onset, _, pitch, _ in inside
    ]


@pytest.mark.parametrize("without", ["plain", "pedalled"], ids=["pedalled pieces", "pieces with no pedal of their own"])
def test_every_onset_is_heard_where_the_window_says(plain, without):
    """Detuned or not, pedalled or not: the audio and the rows are on one time and one pitch.

    Half of the pieces without a pedal are given one, so both ways through the mixer are tried.
    """
    maker = WindowMaker(replace(plain, without=(without,)))
    found = [rises(maker.window(5, number)) for number in range(16)]
    assert sum(map(len, found)) > 60
    assert all(rise > 4 for each in found for rise in each)


def test_every_onset_is_heard_after_all_changes(plain):
    """Transposed, stretched, strewn with other notes, coloured: most onsets rise at their row, and not beside it."""
    maker = WindowMaker(replace(plain, transpose=6, stretch=1.25, extra_share=0.5, augmentation=0.5))
    changed = [maker.window(6, number) for number in range(16)]
    late = [replace(window, notes=window.notes + np.array([0.2, 0.2, 0, 0])) for window in changed]
    right, wrong = (np.concatenate([rises(window) for window in each]) for each in (changed, late))
    assert np.mean(right > 2) > 0.8
    assert np.mean(wrong > 2) < 0.2


def test_the_roll_has_its_onsets_there_too(plain):
    maker = WindowMaker(plain)
    made = [maker.window(1, number) for number in range(4)]
    batch = batch_of(made, GEOMETRY, plain.seconds)
    for window, onset in zip(made, batch["onset"], strict=True):
        for time, _, pitch, _ in window.notes:
            if 0 <= time < plain.seconds:
                assert onset[int(pitch) - LOW_PITCH, GEOMETRY.frame(time)] == 1


def test_the_nth_window_of_a_seed_is_always_the_same(folders):
    material = replace(folders.material, seconds=1.0)
    first, second = WindowMaker(material), WindowMaker(material)
    numbers = range(12)
    forward = [first.window(3, number) for number in numbers]
    backward = [second.window(3, number) for number in reversed(numbers)][::-1]
    for one, other in zip(forward, backward, strict=True):
        assert np.array_equal(one.samples, other.samples)
        assert np.array_equal(one.notes, other.notes)
        assert one.edge == other.edge
    assert not np.array_equal(forward[0].samples, first.window(4, 0).samples)


@pytest.mark.slow
def test_windows_of_every_kind_are_good_audio(folders):
    maker = WindowMaker(replace(folders.material, seconds=1.0, empty_share=0.3))
    for number in range(60):
        window = maker.window(9, number)
        assert window.samples.shape == (SAMPLE_RATE,)
        assert window.samples.dtype == np.float32
        assert np.isfinite(window.samples).all()
        assert np.abs(window.samples).max() <= 1


def test_nothing_is_heard_after_the_edge(plain):
    maker, whole = WindowMaker(replace(plain, edge_share=1.0)), WindowMaker(plain)
    for number in range(10):
        cut, full = maker.window(2, number), whole.window(2, number)
        at = int(cut.edge * SAMPLE_RATE)
        assert 0.3 * plain.seconds <= cut.edge <= plain.seconds
        assert not cut.samples[at:].any()
        assert np.array_equal(cut.samples[:at], full.samples[:at])
        assert np.array_equal(cut.notes, full.notes), "what is not heard is still to be told"


@pytest.mark.slow
def test_empty_windows_have_no_notes(plain):
    maker = WindowMaker(replace(plain, empty_share=1.0))
    empty = [maker.window(0, number) for number in range(40)]
    assert not any(len(window.notes) for window in empty)
    assert any(not window.samples.any() for window in empty)
    assert any(window.samples.any() for window in empty)


def test_the_split_and_the_collections_are_kept_apart(plain):
    """Every piece has pitches of its own, by their remainder."""
    remainders = {"train": {0, 2}, "valid": {1}}
    for split, expected in remainders.items():
        maker = WindowMaker(replace(plain, split=split))
        found = [maker.window(0, number).notes for number in range(10)]
        assert {int(pitch) % 3 for rows in found for pitch in rows[:, 2]} == expected
    assert WindowMaker(plain).by_collection.keys() == {"plain", "pedalled"}
    assert WindowMaker(replace(plain, without=("pedalled",))).by_collection.keys() == {"plain"}


def test_the_unheard_piano_is_not_heard(plain, monkeypatch):
    played = []
    voices_of = windows.voices_of
    monkeypatch.setattr(
        windows,
        "voices_of",
        lambda bank, notes, touch, rng: (played.append(touch.piano), voices_of(bank, notes, touch, rng))[1],
    )
    for material in (plain, replace(plain, unheard=""), replace(plain, pianos=(UNHEARD,))):
        maker = WindowMaker(material)
        for number in range(12):
            maker.window(0, number)
    assert set(played[:12]) == {HEARD}
    assert set(played[12:24]) == {HEARD, UNHEARD}
    assert set(played[24:]) == {UNHEARD}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pianos": ("organ",)}, "no piano 'organ'.*spinet, upright"),
        ({"unheard": "organ"}, "no piano 'organ'"),
        ({"without": ("jazz",)}, "no collection 'jazz'.*pedalled, plain"),
        ({"without": ("plain", "pedalled")}, "leave fewer out"),
        ({"split": "valid", "without": ("plain",)}, "No piece .* 'valid'"),
    ],
)
def test_material_that_does_not_exist(plain, change, sentence):
    with pytest.raises(RequestError, match=sentence):
        WindowMaker(replace(plain, **change))


def test_material_that_was_not_prepared(plain, tmp_path):
    for change in ({"bank": tmp_path / "bank"}, {"corpus": tmp_path / "corpus"}):
        with pytest.raises(FileMissing, match="diffroll-live prepare"):
            WindowMaker(replace(plain, **change))


def rows() -> st.SearchStrategy[NoteArray]:
    times, lengths = st.floats(0, 3), st.floats(0.01, 2)
    row = st.tuples(times, lengths, st.integers(60, 62)).map(lambda r: (r[0], r[0] + r[1], r[2], 80.0))
    return st.lists(row, max_size=30).map(lambda each: np.array(each, np.float64).reshape(-1, 4))


@settings(max_examples=100)
@given(rows())
def test_a_pitch_sounds_once_at_a_time(notes):
    out = one_at_a_time(notes.copy())
    assert (np.diff(out[:, 0]) >= 0).all()
    assert (out[:, 1] - out[:, 0] >= 0.04 - 1e-9).all()
    for pitch in (60, 61, 62):
        own = out[out[:, 2] == pitch]
        assert (own[1:, 0] >= own[:-1, 1]).all()
    assert {tuple(row) for row in out[:, [0, 2]]} <= {tuple(row) for row in notes[:, [0, 2]]}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:This DataLoader will create:UserWarning")
def test_batches_come_in_one_order_from_any_number_of_processes(plain):
    material = replace(plain, seconds=0.512)

    def first(workers: int, start: int = 0) -> list[dict[str, torch.Tensor]]:
        return list(islice(loader(material, GEOMETRY, batch=2, seed=1, first=start, workers=workers), 4))

    alone = first(0)
    assert alone[0].keys() == {"samples", "edge", "pedal", "trust", *ROLLS}
    assert alone[0]["samples"].shape == (2, 8192)
    assert alone[0]["onset"].shape == (2, 88, 32)
    for others in (first(2), [*alone[:1], *first(0, start=1)]):
        for one, other in zip(alone, others, strict=False):
            assert all(torch.equal(one[name], other[name]) for name in one)
