from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.full_disk import files_limited_to

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.midi_file import MAX_FILE_BYTES, TICKS_PER_BEAT, read_score, read_smf, write_smf
from diffroll_live.meter.meter_map import MeterMap, Signature, steady_meter
from diffroll_live.meter.tempo_map import TempoChange, TempoMap
from diffroll_live.types import NoteEvent

SEQUENCE = NoteEvent(0.5, 1.0, 60, 90), NoteEvent(1.0, 1.25, 60, 91), NoteEvent(1.0, 3.0, 64, 1, channel=9)


@st.composite
def note_events(draw: st.DrawFn) -> NoteEvent:
    onset = draw(st.floats(0.0, 60.0))
    seconds = draw(st.floats(0.07, 20.0))  # over a tick in the slowest tempo below, so that no note is lengthened
    pitch = draw(st.sampled_from([21, 60, 61, 108]))  # few, so that notes overlap
    return NoteEvent(onset, onset + seconds, pitch, draw(st.integers(1, 127)), draw(st.sampled_from([0, 15])))


tempi = st.floats(4.0, 1000.0)


def written(path: Path) -> list[tuple[int, str, dict[str, int]]]:
    """Every message of a file as (absolute tick, type, values), track after track."""
    rows = []
    for track in mido.MidiFile(path).tracks:
        tick = 0
        for message in track:
            tick += message.time
            values = message.dict()
            rows.append((tick, values.pop("type"), {key: values[key] for key in values if key != "time"}))
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("smf")


@given(notes=st.lists(note_events(), max_size=12), tempo=tempi)
def test_notes_come_back_within_half_a_tick(folder: Path, notes: list[NoteEvent], tempo: float) -> None:
    path = folder / "roundtrip.mid"
    write_smf(path, notes, meter=steady_meter(tempo))
    half_tick = 0.5 * 60.0 / tempo / TICKS_PER_BEAT
    back = list(read_smf(path))
    assert len(back) == len(notes)
    for note in notes:
        found = min(
            (other for other in back if _same(note, other)),
            key=lambda other: abs(other.onset - note.onset) + abs(other.offset - note.offset),
        )
        assert found.onset == pytest.approx(note.onset, abs=half_tick * 1.001)
        assert found.offset == pytest.approx(note.offset, abs=half_tick * 1.001)
        back.remove(found)


def _same(note: NoteEvent, other: NoteEvent) -> bool:
    return (note.pitch, note.velocity, note.channel) == (other.pitch, other.velocity, other.channel)


def test_what_a_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "out.mid"
    write_smf(path, SEQUENCE, meter=steady_meter(60.0, (6, 8)))
    rows = written(path)
    assert [(tick, kind) for tick, kind, _ in rows if "note" not in kind] == [
        (0, "time_signature"), (0, "set_tempo"), (0, "end_of_track"), (2880, "end_of_track"),
    ]  # fmt: skip
    assert (rows[0][2]["numerator"], rows[0][2]["denominator"], rows[1][2]["tempo"]) == (6, 8, 1_000_000)
    assert [(tick, kind, v["note"], v["velocity"], v["channel"]) for tick, kind, v in rows if "note" in kind] == [
        (480, "note_on", 60, 90, 0),
        (960, "note_off", 60, 64, 0),  # the earlier note ends before the next begins
        (960, "note_on", 60, 91, 0),
        (960, "note_on", 64, 1, 9),
        (1200, "note_off", 60, 64, 0),
        (2880, "note_off", 64, 64, 9),
    ]


def test_nested_notes_on_one_pitch_come_back_as_they_were(tmp_path: Path) -> None:
    notes = (NoteEvent(0.0, 8.0, 60, 1), NoteEvent(1.0, 2.0, 60, 2), NoteEvent(1.5, 9.0, 60, 3))
    write_smf(tmp_path / "out.mid", notes)
    assert read_smf(tmp_path / "out.mid") == notes
    assert len(mido.MidiFile(tmp_path / "out.mid").tracks) == 1 + 3


def test_no_notes_make_an_empty_file(tmp_path: Path) -> None:
    write_smf(tmp_path / "out.mid", [])
    assert read_smf(tmp_path / "out.mid") == ()


def test_a_note_shorter_than_a_tick_lasts_one(tmp_path: Path) -> None:
    write_smf(tmp_path / "out.mid", [NoteEvent(1.0, 1.00001, 60, 90)], meter=steady_meter(6.25))
    assert read_smf(tmp_path / "out.mid") == (NoteEvent(1.0, 1.01, 60, 90),)


@pytest.mark.parametrize(
    "note",
    [
        NoteEvent(0.0, 1.0, 128, 90),
        NoteEvent(0.0, 1.0, 60, 0),
        NoteEvent(0.0, 1.0, 60, 90, channel=16),
        NoteEvent(-1.0, 1.0, 60, 90),
        NoteEvent(0.0, float("inf"), 60, 90),
        NoteEvent(float("nan"), 1.0, 60, 90),
        NoteEvent(1e9, 1e9 + 1.0, 60, 90),
    ],
)
def test_what_does_not_fit_a_file_is_refused(tmp_path: Path, note: NoteEvent) -> None:
    with pytest.raises(FileError):
        write_smf(tmp_path / "out.mid", [note])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file_and_no_part_of_the_new(tmp_path: Path) -> None:
    path = tmp_path / "out.mid"
    write_smf(path, SEQUENCE)
    before = path.read_bytes()
    with files_limited_to(16), pytest.raises(FileError, match=r"Cannot write .* free some space"):
        write_smf(path, SEQUENCE * 2)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mid"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="no folder"):
        write_smf(tmp_path / "nowhere" / "out.mid", SEQUENCE)
    with pytest.raises(FileError):
        write_smf(tmp_path, SEQUENCE)
    assert list(tmp_path.iterdir()) == []


def test_bars_are_written_where_they_are_and_read_again(tmp_path: Path) -> None:
    tempo = TempoMap((TempoChange(-1.0, 100.0), TempoChange(2.0, 60.0), TempoChange(5.0, 150.0)), beat=30.25)
    meter = MeterMap(tempo, (Signature(29.0, 3, 4), Signature(36.5, 6, 8), Signature(44.0, 4, 4)), "transport")
    write_smf(tmp_path / "out.mid", SEQUENCE, meter)
    back = read_score(tmp_path / "out.mid").meter
    assert back is not None
    assert back.source == "file"
    lines, ours = ([m.tempo.position_at(bar.beat) for bar in m.bars(0.0, 12.0)] for m in (back, meter))
    assert lines == pytest.approx(ours, abs=0.001)
    signs = [[(bar.numerator, bar.denominator) for bar in m.bars(0.0, 12.0)] for m in (back, meter)]
    assert signs[0] == signs[1]
    for t in (0.5, 3.0, 7.0):
        assert back.tempo.tempo_at(t) == pytest.approx(meter.tempo.tempo_at(t), rel=1e-5)


@pytest.mark.parametrize("events", [
    [mido.MetaMessage("set_tempo", tempo=1)],
    [mido.MetaMessage("time_signature", numerator=0, denominator=4)],
    [mido.MetaMessage("set_tempo", tempo=500_000 + at % 2, time=1) for at in range(5000)],
])  # fmt: skip
def test_bars_that_no_music_has_leave_the_notes_readable(tmp_path: Path, events: list[mido.MetaMessage]) -> None:
    note = [mido.Message("note_on", note=60, velocity=9), mido.Message("note_off", note=60, time=100)]
    mido.MidiFile(tracks=[mido.MidiTrack(events), mido.MidiTrack(note)]).save(tmp_path / "in.mid")
    score = read_score(tmp_path / "in.mid")
    assert score.meter is None
    assert [note.pitch for note in score.notes] == [60]


# --- reading --------------------------------------------------------------------------------------------------------

HEADER = "4D 54 68 64  00 00 00 06  00 00  00 01  00 60"  # format 0, one track, 96 ticks a beat


def smf_bytes(track: str, header: str = HEADER) -> bytes:
    body = bytes.fromhex(track)
    return bytes.fromhex(header) + b"MTrk" + len(body).to_bytes(4, "big") + body


def read_bytes(tmp_path: Path, data: bytes) -> tuple[NoteEvent, ...]:
    path = tmp_path / "in.mid"
    path.write_bytes(data)
    return read_smf(path)


def test_running_status_velocity_zero_and_the_pedal(tmp_path: Path) -> None:
    data = smf_bytes(
        "00 B0 40 7F"  # pedal down: not heeded
        "00 90 3C 40"  # note on 60
        "60 3C 00"  # a beat later, running status, velocity 0: it ends
        "00 40 50"  # running status: note on 64
        "30 80 40 00"  # half a beat later it ends
        "00 FF 2F 00"
    )
    assert read_bytes(tmp_path, data) == (NoteEvent(0.0, 0.5, 60, 0x40), NoteEvent(0.5, 0.75, 64, 0x50))


def test_notes_that_are_never_ended_end_with_the_track(tmp_path: Path) -> None:
    data = smf_bytes("00 93 3C 40  60 93 3C 41  60 83 3C 00  60 83 45 00  00 FF 2F 00")
    assert read_bytes(tmp_path, data) == (NoteEvent(0.0, 1.0, 60, 0x40, 3), NoteEvent(0.5, 1.5, 60, 0x41, 3))


def test_tempo_changes_are_written_where_they_are(tmp_path: Path) -> None:
    notes = tuple(NoteEvent(0.4 * at, 0.4 * at + 0.2, 60, 90) for at in range(20))
    tempi = (TempoChange(0.0, 120.0), TempoChange(1.0, 90.0), TempoChange(1.00001, 60.0), TempoChange(3.0, 200.0))
    path = tmp_path / "out.mid"
    write_smf(path, notes, MeterMap(TempoMap(tempi)))
    track = mido.MidiFile(path).tracks[0]
    assert [(m.time, mido.tempo2bpm(m.tempo)) for m in track if m.type == "set_tempo"] == [
        (0, 120.0),
        (1920, 60.0),  # the two of one tick are one
        (1920, pytest.approx(200.0)),
    ]
    for written, note in zip(read_smf(path), notes, strict=True):
        assert written.onset == pytest.approx(note.onset, abs=0.001)


def test_a_tempo_in_any_track_holds_for_all(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=100)
    file.tracks.append(mido.MidiTrack([mido.Message("note_on", note=60, velocity=9, time=200)]))
    file.tracks[0].append(mido.Message("note_off", note=60, time=100))
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000, time=100)]))
    file.save(tmp_path / "in.mid")
    assert read_smf(tmp_path / "in.mid") == (NoteEvent(1.5, 2.5, 60, 9),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF....",
        smf_bytes("00 90 3C 40")[:-2],  # cut off
        smf_bytes("00 90 3C 40", header=HEADER[:-5] + "E7 28"),  # film frames
        smf_bytes("00 90 3C 40", header=HEADER[:-5] + "00 00"),  # no ticks a beat
        smf_bytes("00 90 3C 40", header=HEADER.replace("00 00  00 01", "00 02  00 01")),  # unrelated pieces
        smf_bytes("00 FF 59 02 7F 7F"),  # a key that there is not
        smf_bytes("00 3C 40"),  # running status of nothing
        bytes.fromhex(HEADER) + b"MTrk\xff\xff\xff\xff\x00",  # a track of 4 GB
        b"\x00" * (MAX_FILE_BYTES + 1),
    ],
)
def test_damaged_files_are_refused_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FileError, match=r"in\.mid"):
        read_bytes(tmp_path, data)


@given(data=st.binary(max_size=80))
def test_no_bytes_crash_the_reader(folder: Path, data: bytes) -> None:
    path = folder / "noise.mid"
    path.write_bytes(smf_bytes(data.hex()))
    with contextlib.suppress(FileError):
        read_smf(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        read_smf(tmp_path / "none.mid")
    with pytest.raises(FileError):
        read_smf(tmp_path)


@pytest.mark.slow
def test_a_long_piece_is_written_and_read_whole(tmp_path: Path) -> None:
    notes = [NoteEvent(at * 0.05, at * 0.05 + 0.2, 21 + at % 88, 1 + at % 127) for at in range(5000)]
    write_smf(tmp_path / "long.mid", notes)
    back = read_smf(tmp_path / "long.mid")
    assert Counter((note.pitch, note.velocity) for note in back) == Counter((n.pitch, n.velocity) for n in notes)
