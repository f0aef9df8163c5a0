"""The sustain pedal in MIDI files: written, read, and read as others write it."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.errors import FileError
from diffroll_live.files.midi_file import read_score, smf_bytes, write_smf
from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.music.pedal import apart
from diffroll_live.types import NoteEvent, PedalSpan

NOTES = (NoteEvent(0.5, 1.0, 60, 90), NoteEvent(0.7, 2.0, 60, 91), NoteEvent(1.0, 3.0, 64, 1, channel=9))
PEDAL = (PedalSpan(0.25, 1.0), PedalSpan(1.0625, 2.5), PedalSpan(0.5, 1.5, 9))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_smf(tmp_path / "a.mid", NOTES, steady_meter(120.0, (4, 4), 0.0), PEDAL)
    score = read_score(tmp_path / "a.mid")
    assert score.pedal == tuple(sorted(PEDAL))
    assert [(n.pitch, n.channel) for n in score.notes] == [(60, 0), (60, 0), (64, 9)]


spans = st.lists(st.tuples(st.floats(0, 60), st.floats(0.05, 5)), max_size=8).map(
    lambda rows: apart(PedalSpan(down, down + held) for down, held in rows)
)


@given(spans, st.floats(30.0, 300.0))
def test_any_pedal_comes_back_within_half_a_tick(tmp_path_factory: pytest.TempPathFactory, pedal, tempo: float) -> None:
    path = tmp_path_factory.mktemp("pedal") / "a.mid"
    write_smf(path, NOTES[:1], steady_meter(tempo, (4, 4), 0.0), pedal)
    tick = 60 / tempo / 960
    again = read_score(path).pedal
    wanted = apart(PedalSpan(span.down - tick / 2, span.up + tick / 2) for span in pedal)
    assert len(again) <= len(pedal)
    assert len(again) >= len(wanted)
    if len(again) == len(pedal):
        for one, other in zip(again, pedal, strict=True):
            assert (one.down, one.up) == pytest.approx((other.down, other.up), abs=tick)


def test_every_track_of_its_channel_has_the_pedal() -> None:
    """Two notes that overlap on a pitch lie on two tracks, which a DAW may put onto two instruments."""
    import io

    tracks = mido.MidiFile(file=io.BytesIO(smf_bytes(NOTES[:2], pedal=PEDAL[:2]))).tracks[1:]
    assert len(tracks) == 2
    for track in tracks:
        assert [m.value for m in track if m.type == "control_change" and m.control == 64] == [127, 0, 127, 0]


def test_a_pedal_without_notes_is_a_track(tmp_path: Path) -> None:
    write_smf(tmp_path / "a.mid", (), pedal=PEDAL[:1])
    assert read_score(tmp_path / "a.mid").pedal == PEDAL[:1]


def test_half_pedals_and_pedals_without_an_end_are_read(tmp_path: Path) -> None:
    def control(value: int, time: int, number: int = 64) -> mido.Message:
        return mido.Message("control_change", control=number, value=value, time=time)

    track = mido.MidiTrack([control(63, 0), control(64, 480), control(100, 240), control(5, 240), control(90, 480)])
    track += [control(127, 0, 66), mido.Message("note_on", note=60, velocity=9, time=480)]
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(tmp_path / "a.mid")
    assert [(s.down, s.up) for s in read_score(tmp_path / "a.mid").pedal] == [(0.5, 1.0), (1.5, 2.0)]


@pytest.mark.parametrize("span", [PedalSpan(-1.0, 1.0), PedalSpan(2.0, 1.0), PedalSpan(0.0, 1e9), PedalSpan(0, 1, 16)])
def test_what_fits_no_file_is_refused(span: PedalSpan) -> None:
    with pytest.raises(FileError, match="does not fit a MIDI file"):
        smf_bytes(NOTES, pedal=(span,))
