"""MIDI files whose notes are filled: every other event stays as it is, byte for byte."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import mido
import pytest
from support.songs import BAR, PPQ, SYSEX, conductor, drums, events_of, note, piano, strings, write_song

from diffroll_live.errors import FileError, RequestError
from diffroll_live.files.midi_song import Song, read_song
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.types import NoteEvent, PedalSpan, Region

FIRST_BARS = 2 * 4 * 60 / 100  # s, of two bars of four quarters at 100 a minute
HOLE = Region(FIRST_BARS, FIRST_BARS + 3 * 60 / 100)  # the third bar, of three quarters


@pytest.fixture
def song(tmp_path: Path) -> Song:
    return read_song(write_song(tmp_path / "song.mid"))


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_song_has_its_parts_and_its_bars(song: Song) -> None:
    there = [(part.track, part.channel, part.name, len(part.notes)) for part in song.parts]
    assert there == [
        (1, 0, "Sonata", 0),
        (2, 0, "Piano", 64),
        (3, 2, "Strings", 4),
        (3, 3, "Strings", 4),
        (4, 9, "Drums", 128),
    ]
    assert isinstance(song.meter, MeterMap)
    assert (song.meter.source, song.meter.confidence) == ("file", 1.0)
    assert [bar.numerator for bar in song.meter.bars(0.0, 8.0)] == [4, 4, 3, 3]
    assert song.meter.tempo.tempo_at(0.0) == pytest.approx(100.0)
    assert [note.channel for note in song.others(song.parts[1])] == [2, 3, 2, 3, 2, 3, 2, 3]


@pytest.mark.parametrize("kind", [0, 1])
def test_new_notes_take_the_place_of_those_in_the_region_and_nothing_else_changes(tmp_path: Path, kind: int) -> None:
    path = write_song(tmp_path / "song.mid", kind=kind)
    song = read_song(path)
    part = song.part("1:1" if kind == 0 else "Piano", [])
    new = (NoteEvent(HOLE.onset, HOLE.onset + 0.3, 70, 81), NoteEvent(HOLE.onset + 0.6, HOLE.offset, 71, 82))
    out = write(tmp_path / "out.mid", song.with_notes(part, [HOLE], new))
    before, after = ([Counter(track) for track in events_of(file)] for file in (path, out))
    at = part.track - 1
    gone, added = before[at] - after[at], after[at] - before[at]
    replaced = [note for note in part.notes if HOLE.onset <= note.onset < HOLE.offset]
    assert gone.total() == 2 * len(replaced) == 12
    assert all(2 * BAR <= tick <= 2 * BAR + 3 * PPQ for tick, _ in gone)
    assert sorted(added) == sorted([
        (2 * BAR, "note_on channel=0 note=70 velocity=81 time=0"),
        (2 * BAR + PPQ // 2, "note_off channel=0 note=70 velocity=64 time=0"),
        (2 * BAR + PPQ, "note_on channel=0 note=71 velocity=82 time=0"),
        (2 * BAR + 3 * PPQ, "note_off channel=0 note=71 velocity=64 time=0"),
    ])  # fmt: skip
    assert [track for n, track in enumerate(before) if n != at] == [track for n, track in enumerate(after) if n != at]
    assert read_song(out).meter == song.meter


def test_more_pedal_goes_to_the_channel_of_the_part_and_what_is_there_stays(song: Song, tmp_path: Path) -> None:
    new = (PedalSpan(0.6, 1.2, 2), PedalSpan(0.6, 1.2, 5))
    out = write(tmp_path / "out.mid", song.with_notes(song.part("Strings:3", []), [], [], new))
    before, after = events_of(tmp_path / "song.mid"), events_of(out)
    assert [track for at, track in enumerate(after) if at != 2] == [track for at, track in enumerate(before) if at != 2]
    assert not Counter(before[2]) - Counter(after[2])
    assert [span for span in read_song(out).pedal if span.channel in (2, 5)] == [
        PedalSpan(pytest.approx(0.6), pytest.approx(1.2), 2)
    ]


def test_the_bytes_of_the_other_tracks_are_those_that_were_there(tmp_path: Path) -> None:
    path = write_song(tmp_path / "song.mid")
    data = path.read_bytes()
    alien = b"XFIH" + (3).to_bytes(4, "big") + b"abc"
    cut = data.index(b"MTrk")
    path.write_bytes(data[:cut] + alien + data[cut:])
    song = read_song(path)
    changed = song.with_notes(song.part("Piano", []), [HOLE], [NoteEvent(5.0, 5.3, 70, 81)])
    tracks = data.split(b"MTrk")
    assert changed.split(b"MTrk")[1::2] == tracks[1::2]
    assert changed.split(b"MTrk")[4] == tracks[4]
    assert alien in changed
    assert bytes(SYSEX.bin()[1:]) in changed


def test_without_a_change_the_events_are_the_same(song: Song, tmp_path: Path) -> None:
    out = write(tmp_path / "out.mid", song.with_notes(song.part("Piano", []), [], []))
    assert events_of(out) == events_of(write_song(tmp_path / "again.mid"))


def test_events_at_one_tick_come_in_an_order_that_leaves_no_note_hanging(tmp_path: Path) -> None:
    path = write_song(tmp_path / "song.mid", conductor(), [*note(0, PPQ, 60), *note(2 * PPQ, PPQ, 60)])
    song = read_song(path)
    part = song.part(None, [])
    beat = 60 / 100
    out = write(tmp_path / "out.mid", song.with_notes(part, [], [NoteEvent(beat, 2 * beat, 60, 99)]))
    assert [(n.onset, n.offset, n.velocity) for n in read_song(out).parts[1].notes] == [
        (pytest.approx(0.0), pytest.approx(beat), 80),
        (pytest.approx(beat), pytest.approx(2 * beat), 99),
        (pytest.approx(2 * beat), pytest.approx(3 * beat), 80),
    ]


def test_a_continuation_moves_the_end_of_the_track(song: Song, tmp_path: Path) -> None:
    part = song.part("Piano", [])
    end = part.notes[-1].offset
    longer = read_song(write(tmp_path / "out.mid", song.with_notes(part, [], [NoteEvent(end, end + 4.0, 60, 80)])))
    assert longer.parts[1].notes[-1].offset == pytest.approx(end + 4.0, abs=1e-3)
    assert len(longer.parts[1].notes) == 65


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, (2, 0)),
        ("2", (2, 0)),
        ("piano", (2, 0)),
        ("Strings", (3, 2)),
        ("Strings:4", (3, 3)),
        ("3:4", (3, 3)),
        ("Sonata", (1, 0)),  # a track without notes takes some
        ("Sonata:5", (1, 4)),
    ],
)
def test_the_part_that_new_notes_go_to(song: Song, wanted: str | None, found: tuple[int, int]) -> None:
    part = song.part(wanted, [(3.0, 5.0)])
    assert (part.track, part.channel) == found


def test_the_part_is_the_one_with_most_notes_around_the_region(tmp_path: Path) -> None:
    early, late = piano(4), [(tick + 40 * BAR, message) for tick, message in strings(12)]
    song = read_song(write_song(tmp_path / "song.mid", conductor(), early, late))
    last = song.others(song.parts[1])[-1].onset
    assert song.part(None, [(1.0, 2.0)]).name == "Piano"
    assert song.part(None, [(last - 4.0, last)]).name == "Strings"


def test_the_fullest_part_wins_where_there_is_nothing_around(song: Song) -> None:
    assert song.part(None, [(900.0, 902.0)]).name == "Piano"


@pytest.mark.parametrize("wanted", ["Drums", "4", "5", "Flute", "2:17", ""])
def test_a_track_that_is_not_there_or_has_drums_is_refused_with_those_that_are(song: Song, wanted: str) -> None:
    with pytest.raises(RequestError, match=r"no pitched track .* track 2 'Piano', channel 1 \(64 notes\); track 3"):
        song.part(wanted, [])


def test_a_song_of_drums_has_nothing_to_go_by(tmp_path: Path) -> None:
    song = read_song(write_song(tmp_path / "song.mid", conductor(), drums()))
    with pytest.raises(RequestError, match=r"song.mid has no notes to go by but drums"):
        song.part(None, [])


def test_names_of_tracks_are_shown_without_control_characters(tmp_path: Path) -> None:
    path = write_song(tmp_path / "song.mid", conductor(), piano())
    path.write_bytes(path.read_bytes().replace(b"Piano", b"\x1b[1m\xff"))
    assert read_song(path).parts[1].name == "[1m\N{REPLACEMENT CHARACTER}"


def test_a_damaged_track_is_written_whole(tmp_path: Path) -> None:
    path = write_song(tmp_path / "song.mid", conductor(), piano(), strings())
    path.write_bytes(path.read_bytes()[:-9])
    song = read_song(path)
    out = write(tmp_path / "out.mid", song.with_notes(song.part("Piano", []), [HOLE], []))
    assert len(mido.MidiFile(out).tracks) == 3
    assert [len(part.notes) for part in read_song(out).parts] == [0, 58, 4, 4]


def test_a_channel_that_plays_on_two_tracks_is_two_parts(tmp_path: Path) -> None:
    song = read_song(write_song(tmp_path / "song.mid", conductor(), piano(), piano(4)))
    assert [(part.track, len(part.notes)) for part in song.parts] == [(1, 0), (2, 64), (3, 32)]
    out = write(tmp_path / "out.mid", song.with_notes(song.part("3", []), [replace(HOLE, onset=0.0)], []))
    assert [(part.track, len(part.notes)) for part in read_song(out).parts] == [(1, 0), (2, 64), (3, 10)]


def test_files_without_beats_are_refused(tmp_path: Path) -> None:
    mido.MidiFile(type=2, tracks=[mido.MidiTrack()]).save(tmp_path / "in.mid")
    with pytest.raises(FileError, match="format 2"):
        read_song(tmp_path / "in.mid")
