"""Bends in MIDI files: what is written is MPE, and comes back as it was, also from files of others."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest

from diffroll_live.files.midi_file import read_score, write_smf
from diffroll_live.files.midi_song import read_song
from diffroll_live.music.mpe import RANGE, parameter
from diffroll_live.types import Bend, NoteEvent, PedalSpan, Region

NOTES = tuple(NoteEvent(0.2 * at, 0.2 * at + 1.5, 50 + at, 80) for at in range(10))
CURVE = ((0.0, 0.0), (0.5, 0.0), (1.0, 1.5), (1.4, -0.3))
BENDS = (Bend(NOTES[0], ((0.0, 0.5),)), Bend(NOTES[3], CURVE))
PEDAL = (PedalSpan(0.5, 1.0),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "bent.mid"
    write_smf(written, NOTES, pedal=PEDAL, bends=BENDS)
    return written


def controls(track: mido.MidiTrack, channel: int) -> list[tuple[int, int]]:
    """The controllers at tick 0 of a channel."""
    rows = []
    for message in track:
        if message.time:
            break
        if message.type == "control_change" and message.channel == channel:
            rows.append((message.control, message.value))
    return rows


def curve(bend: Bend, at: np.ndarray) -> np.ndarray:
    return np.interp(at, *np.array(bend.points).T)


def test_it_is_mpe(path: Path) -> None:
    _, track = mido.MidiFile(path).tracks
    assert controls(track, 0) == parameter((0, 6), 15)
    assert controls(track, 1) == parameter((0, 0), RANGE, 0)
    sounding: set[int] = set()
    for message in track:
        if message.type == "note_on":
            assert message.channel not in {0, *sounding}
            sounding.add(message.channel)
        elif message.type == "note_off":
            sounding.discard(message.channel)


def test_each_note_is_bent_before_it_begins(path: Path) -> None:
    _, track = mido.MidiFile(path).tracks
    bent: dict[int, int] = {}
    for message in track:
        if message.type == "pitchwheel":
            bent[message.channel] = message.pitch
        elif message.type == "note_on":
            assert bent[message.channel] == (round(0.5 / RANGE * 8192) if message.note == 50 else 0)


def test_notes_bends_and_pedal_come_back_as_one_part(path: Path) -> None:
    score = read_score(path)
    assert [(note.pitch, note.channel) for note in score.notes] == [(note.pitch, 0) for note in NOTES]
    assert [bend.note.pitch for bend in score.bends] == [50, 53]
    assert {bend.note for bend in score.bends} <= set(score.notes)
    at = np.arange(0.0, 1.4, 0.005)
    np.testing.assert_allclose(curve(score.bends[1], at), curve(BENDS[1], at), atol=0.06)
    assert [(s.down, s.up, s.channel) for s in score.pedal] == [(pytest.approx(0.5), pytest.approx(1.0), 0)]


def test_what_was_read_is_written_the_same_again(path: Path, tmp_path: Path) -> None:
    score = read_score(path)
    again = tmp_path / "again.mid"
    write_smf(again, score.notes, pedal=score.pedal, bends=score.bends)
    second = read_score(again)
    assert second.notes == score.notes
    at = np.arange(0.0, 1.4, 0.005)
    for first, other in zip(score.bends, second.bends, strict=True):
        np.testing.assert_allclose(curve(first, at), curve(other, at), atol=0.06)


def test_without_bends_the_file_is_as_it_always_was(tmp_path: Path) -> None:
    plain, other = tmp_path / "plain.mid", tmp_path / "other.mid"
    write_smf(plain, NOTES, pedal=PEDAL)
    write_smf(other, NOTES, pedal=PEDAL, bends=[Bend(NoteEvent(9.0, 9.5, 60, 80), CURVE)])
    assert plain.read_bytes() == other.read_bytes()
    assert {note.channel for note in read_score(plain).notes} == {0}


def test_a_song_has_one_part_and_keeps_its_bends_when_it_is_filled(path: Path, tmp_path: Path) -> None:
    song = read_song(path)
    assert [len(part.notes) for part in song.parts if part.notes] == [10]
    part = next(part for part in song.parts if part.notes)
    filled = tmp_path / "filled.mid"
    new = NoteEvent(1.4, 1.7, 90, 80)
    filled.write_bytes(song.with_notes(part, [Region(1.3, 9.0)], [new]))
    score = read_score(filled)
    kept = [note.pitch for note in NOTES if note.onset < 1.3]
    assert sorted(note.pitch for note in score.notes) == [*kept, 90]
    assert [bend.note.pitch for bend in score.bends] == [50, 53]


def test_the_upper_zone_and_other_ranges_are_read(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    rows = [(15, pair) for pair in parameter((0, 6), 5)] + [(14, pair) for pair in parameter((0, 0), 2, 0)]
    track += [mido.Message("control_change", channel=c, control=k, value=v) for c, (k, v) in rows]
    track.append(mido.Message("pitchwheel", channel=14, pitch=4096))
    track.append(mido.Message("note_on", channel=14, note=60, velocity=80))
    track.append(mido.Message("note_off", channel=14, note=60, time=480))
    path = tmp_path / "upper.mid"
    file.save(path)
    score = read_score(path)
    assert [note.channel for note in score.notes] == [15]
    assert score.bends[0].points == ((0.0, 1.0),)


def test_bends_outside_a_zone_make_no_notes_of_their_own(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.Message("pitchwheel", channel=3, pitch=4096))
    track.append(mido.Message("note_on", channel=3, note=60, velocity=80))
    track.append(mido.Message("note_off", channel=3, note=60, time=480))
    path = tmp_path / "plain.mid"
    file.save(path)
    score = read_score(path)
    assert [note.channel for note in score.notes] == [3]
    assert not score.bends
