"""Which channel each note is on where notes bend, and how a bend becomes values."""

from __future__ import annotations

import numpy as np
import pytest

from diffroll_live.music.mpe import CENTRE, HIGHEST, MANAGER, RANGE, express, semitones_of
from diffroll_live.types import Bend, NoteEvent, PedalSpan

CURVE = ((0.0, 0.0), (0.5, 1.0))


def chord(size: int, onset: float = 0.0) -> list[NoteEvent]:
    return [NoteEvent(onset, onset + 1.0, 40 + at, 80) for at in range(size)]


def test_notes_that_sound_at_once_have_a_channel_each() -> None:
    notes = [*chord(15), *chord(15, 0.99 + 0.01)]
    placed = express(notes, [Bend(notes[3], CURVE)])
    for onset in (0.0, 1.0):
        assert sorted(note.channel for note in placed.notes if note.onset == onset) == list(range(1, 16))
    assert [(note.onset, note.pitch) for note in placed.notes] == [(note.onset, note.pitch) for note in notes]


def test_a_channel_rests_as_long_as_it_can() -> None:
    notes = [NoteEvent(at, at + 0.5, 60, 80) for at in range(15)]
    placed = express(notes, [Bend(notes[0], CURVE)])
    assert len({note.channel for note in placed.notes}) == 15


def test_of_more_notes_than_channels_those_that_do_not_bend_share_the_managers() -> None:
    notes = chord(30)
    bent = notes[-10:]
    placed = express(notes, [Bend(note, CURVE) for note in bent])
    pitches = {note.pitch for note in placed.notes if note.channel == MANAGER}
    assert len(pitches) == 15
    assert not pitches & {note.pitch for note in bent}


def test_a_bend_that_finds_no_channel_is_said(caplog: pytest.LogCaptureFixture) -> None:
    notes = chord(16)
    placed = express(notes, [Bend(note, CURVE) for note in notes])
    assert sum(note.channel == MANAGER for note in placed.notes) == 1
    assert "1 notes are not bent" in caplog.text


def test_where_nothing_bends_notes_stay_where_they_are() -> None:
    placed = express(chord(3), [Bend(NoteEvent(9.0, 10.0, 60, 80), CURVE)])
    assert placed.notes == tuple(chord(3))
    assert placed.members == 0
    assert placed.pedal([PedalSpan(0.0, 1.0)]) == (PedalSpan(0.0, 1.0),)


def test_notes_on_other_channels_end_the_zone() -> None:
    other = NoteEvent(0.0, 1.0, 30, 80, 5)
    notes = chord(2)
    placed = express([*notes, other], [Bend(notes[0], CURVE)])
    assert placed.members == 4
    assert other in placed.notes
    assert {note.channel for note in placed.notes if note.pitch >= 40} <= {1, 2, 3, 4}


def test_a_bend_becomes_values_from_the_onset_on() -> None:
    note = NoteEvent(2.0, 3.0, 60, 80)
    ((first, *rest),) = express([note], [Bend(note, CURVE)]).values
    assert (first.at, first.value) == (2.0, CENTRE)
    times = np.array([each.at for each in rest]) - 2.0
    semitones = np.array([semitones_of(each.value) for each in rest])
    np.testing.assert_allclose(semitones, 2 * times, atol=RANGE / CENTRE)
    assert times.max() == pytest.approx(0.5, abs=0.011)


def test_a_note_that_does_not_bend_is_straight_from_its_onset_on() -> None:
    notes = chord(2)
    values = express(notes, [Bend(notes[0], CURVE)]).values
    assert [(each.at, each.value) for each in values[1]] == [(0.0, CENTRE)]


def test_no_value_is_out_of_range() -> None:
    note = NoteEvent(0.0, 1.0, 60, 80)
    ((values,),) = [express([note], [Bend(note, ((0.0, -100.0), (1.0, 100.0)))]).values]
    assert min(each.value for each in values) == 1
    assert max(each.value for each in values) == HIGHEST


def test_the_pedal_is_on_every_channel_of_the_zone() -> None:
    notes = chord(2)
    spans = express(notes, [Bend(notes[0], CURVE)]).pedal([PedalSpan(0.0, 1.0), PedalSpan(0.0, 1.0, 12)])
    assert {span.channel for span in spans} == {0, 1, 2, 12}
