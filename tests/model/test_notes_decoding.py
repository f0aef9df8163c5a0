"""Notes to rolls and back: what is drawn is read again, to a thousandth of a frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.model.decoding import Posterior, Thresholds, decode, join
from diffroll_live.model.roll_targets import NoteArray, target_of, to_array, to_notes
from diffroll_live.music.roll import RollGeometry
from diffroll_live.types import NoteEvent

GEOMETRY = RollGeometry(16_000, 256)
RATE = GEOMETRY.frame_rate
ALL = Thresholds(0.5, 0.5, 0.0)
REPEAT_FRAMES = 4.6  # from onset to onset that a roll can keep apart, wherever they lie between frames
FIRST, SHORTEST, SMALLEST_GAP = 1.0, 2.6, 1.6  # frames


@st.composite
def rows(draw: st.DrawFn) -> NoteArray:
    """Notes that a roll can hold: up to six on each of a few pitches, in frames from 1."""
    found = []
    for pitch in draw(st.sets(st.integers(21, 108), min_size=1, max_size=4)):
        at = FIRST
        for _ in range(draw(st.integers(0, 6))):
            at += draw(st.floats(SMALLEST_GAP, 30.0))
            length = draw(st.floats(max(SHORTEST, REPEAT_FRAMES - SMALLEST_GAP), 40.0))
            found.append((at / RATE, (at + length) / RATE, pitch, draw(st.integers(1, 127))))
            at += length
    return np.array(sorted(found, key=lambda row: (row[0], row[2])), np.float64).reshape(-1, 4)


def posterior_of(notes: NoteArray, n_frames: int) -> Posterior:
    target = target_of(notes, GEOMETRY, n_frames)
    parts = (target.onset, target.frame, target.velocity, target.onset_shift, target.offset_shift)
    return Posterior(*(torch.from_numpy(part) for part in parts))


def length_of(notes: NoteArray) -> int:
    return int(notes[:, 1].max(initial=0.0) * RATE) + 8


def assert_same(got: NoteArray, wanted: NoteArray) -> None:
    assert got.shape == wanted.shape
    got, wanted = (rows[np.lexsort((rows[:, 2], rows[:, 0].round(5)))] for rows in (got, wanted))
    if len(got):
        assert np.abs(got[:, :2] - wanted[:, :2]).max() * RATE < 1e-3
    np.testing.assert_array_equal(got[:, 2:], wanted[:, 2:])


@given(rows())
def test_what_is_drawn_is_read_again(notes: NoteArray) -> None:
    assert_same(decode(posterior_of(notes, length_of(notes)), GEOMETRY, ALL), notes)


@given(rows(), st.data())
def test_a_seam_changes_nothing(notes: NoteArray, data: st.DataObject) -> None:
    whole = posterior_of(notes, length_of(notes))
    at = data.draw(st.integers(0, whole.n_frames))
    seamed = join([whole.cut(0, at), whole.cut(at, whole.n_frames)])
    np.testing.assert_array_equal(decode(seamed, GEOMETRY, ALL), decode(whole, GEOMETRY, ALL))


@given(rows(), st.floats(0.0, 0.5))
def test_short_notes_are_dropped_and_no_others(notes: NoteArray, min_note: float) -> None:
    read = decode(posterior_of(notes, length_of(notes)), GEOMETRY, ALL)
    lasting = read[:, 1] - read[:, 0]
    clear = np.abs(lasting - min_note) > 1e-5
    some = decode(posterior_of(notes, length_of(notes)), GEOMETRY, Thresholds(0.5, 0.5, min_note))
    if clear.all():
        np.testing.assert_array_equal(some, read[lasting >= min_note])


@given(st.floats(1.0, 9.0), st.lists(st.floats(5.0, 9.0), min_size=1, max_size=8))
def test_repeats_without_a_gap_stay_apart(first: float, distances: list[float]) -> None:
    onsets = first + np.cumsum([0.0, *distances])
    ends = np.append(onsets[1:], onsets[-1] + 5.0)
    notes = np.column_stack((onsets / RATE, ends / RATE, np.full(len(onsets), 60.0), np.arange(1, len(onsets) + 1)))
    read = decode(posterior_of(notes, length_of(notes)), GEOMETRY, ALL)
    assert len(read) == len(notes)
    assert np.abs(read[:, 0] - notes[:, 0]).max() * RATE < 1e-3
    assert (read[:-1, 1] <= read[1:, 0] + 1e-9).all()
    assert np.abs(read[:, 1] - notes[:, 1]).max() * RATE <= 1.0
    np.testing.assert_array_equal(read[:, 3], notes[:, 3])


def test_notes_that_reach_over_the_edges() -> None:
    notes = np.array([[-0.5, 0.5, 60, 90], [0.2, 9.0, 64, 80], [5.0, 6.0, 67, 70]])
    read = decode(posterior_of(notes, 62), GEOMETRY, ALL)
    assert read[:, 2].tolist() == [64]  # a note that began before has no onset, one that begins after is not there
    assert read[0, 1] * RATE == pytest.approx(62)


def test_a_fast_attack_is_one_note_and_a_threshold_decides() -> None:
    onset, frame = torch.zeros(40, 88), torch.zeros(40, 88)
    onset[9:13, 10] = torch.tensor([0.3, 0.8, 0.7, 0.6])
    onset[20:22, 10] = 0.4
    frame[9:30, 10] = 0.9
    posterior = Posterior(onset, frame, torch.full((40, 88), 0.5), torch.zeros(40, 88), torch.zeros(40, 88))
    (note,) = decode(posterior, GEOMETRY, ALL).tolist()
    assert [round(note[0] * RATE), round(note[1] * RATE), *note[2:]] == [10, 30, 31, 64]
    both = decode(posterior, GEOMETRY, Thresholds(0.35, 0.5, 0.0))
    assert np.rint(both[:, :2] * RATE).tolist() == [[10, 20], [20, 30]]
    assert len(decode(posterior, GEOMETRY, Thresholds(0.85, 0.5, 0.0))) == 0
    assert decode(posterior, GEOMETRY, Thresholds(0.5, 0.95, 0.0))[0, 1] * RATE == pytest.approx(12)


@pytest.mark.slow
def test_times_late_in_a_long_recording_are_as_fine() -> None:
    notes = np.array([[639.0 + 0.3141592 / RATE, 639.5, 60, 64]])
    assert_same(decode(posterior_of(notes, 40_000), GEOMETRY, ALL), notes)


def test_rows_and_notes() -> None:
    notes = (NoteEvent(0.5, 1.0, 60, 100), NoteEvent(0.5, 0.75, 64, 1), NoteEvent(2.0, 2.5, 21, 127))
    assert to_notes(to_array(reversed(notes))) == notes
    assert to_array([]).shape == (0, 4)
    assert to_notes(to_array([])) == ()


def test_a_repeat_is_drawn_with_a_gap_before_it() -> None:
    target = target_of(np.array([[0.16, 0.32, 60, 64], [0.32, 0.64, 60, 127]]), GEOMETRY, 50)
    assert target.frame[:, 39].nonzero()[0].tolist() == [*range(10, 19), *range(20, 40)]
    assert target.onset[:, 39].nonzero()[0].tolist() == [10, 11, 20, 21]
    assert target.velocity[15, 39] == pytest.approx(64 / 127)
    assert target.velocity[25, 39] == 1.0


def sinking(length: int, fall: int) -> torch.Tensor:
    """The chance that a key is down which sinks from 0.9 to 0.6 while it is held, and falls to nothing at ``fall``."""
    frame = torch.zeros(length, 88)
    frame[10:fall, 30] = torch.linspace(0.9, 0.6, fall - 10)
    frame[fall : fall + 4, 30] = torch.tensor([0.2, 0.15, 0.12, 0.11])
    return frame


def test_a_note_ends_where_its_posterior_falls_most_not_where_it_is_unlikelier_than_not() -> None:
    onset, zero = torch.zeros(200, 88), torch.zeros(200, 88)
    onset[10:12, 30] = 0.9
    posterior = Posterior(onset, sinking(200, 150), zero + 0.5, zero, zero)
    (note,) = decode(posterior, GEOMETRY, Thresholds(0.5, 0.1, 0.0))
    assert note[1] * RATE == pytest.approx(150, abs=1)
    (cut,) = decode(posterior, GEOMETRY, Thresholds(0.5, 0.7, 0.0))
    assert cut[1] * RATE < 110


def test_a_repeat_ends_the_note_before_it_even_where_the_posterior_does_not_fall() -> None:
    onset, zero = torch.zeros(100, 88), torch.zeros(100, 88)
    onset[10:12, 30] = onset[50:52, 30] = 0.9
    frame = torch.zeros(100, 88)
    frame[10:80, 30] = 0.8
    rows = decode(Posterior(onset, frame, zero + 0.5, zero, zero), GEOMETRY, Thresholds(0.5, 0.1, 0.0))
    assert np.rint(rows[:, :2] * RATE).tolist() == [[10, 50], [50, 80]]
