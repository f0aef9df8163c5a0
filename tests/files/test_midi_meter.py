"""What MIDI files say of their tempo: known, estimated, or only a placeholder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest

from diffroll_live.files.midi_file import read_score, write_smf
from diffroll_live.files.midi_meter import PLACEHOLDER
from diffroll_live.meter.meter_map import MeterMap, steady_meter
from diffroll_live.music.beats import estimate_meter
from diffroll_live.types import NoteEvent


def performed(seconds: float = 0.37) -> list[NoteEvent]:
    """Notes that keep to a beat, but not to 120."""
    return [NoteEvent(at * seconds, at * seconds + 0.2, 60 + at % 5, 80) for at in range(40)]


@pytest.mark.parametrize(
    ("events", "meter"),
    [
        ([], None),
        ([mido.MetaMessage("time_signature", numerator=3, denominator=4)], None),
        ([mido.MetaMessage("set_tempo", tempo=500_000)], steady_meter(120.0, source="file")),
        ([mido.MetaMessage("set_tempo", tempo=500_000), mido.MetaMessage("text", text=PLACEHOLDER)], None),
        ([mido.MetaMessage("set_tempo", tempo=600_000), mido.MetaMessage("text", text=PLACEHOLDER)],
         steady_meter(100.0, source="file")),
    ],
)  # fmt: skip
def test_a_tempo_that_nobody_has_said_is_not_known(tmp_path: Path, events: list, meter: MeterMap | None) -> None:
    mido.MidiFile(tracks=[mido.MidiTrack(events)]).save(tmp_path / "in.mid")
    assert read_score(tmp_path / "in.mid").meter == meter


def test_120_is_a_placeholder_where_the_notes_keep_to_no_such_beat(tmp_path: Path) -> None:
    for seconds, known in ((0.5, True), (0.125, True), (0.37, False)):
        write_smf(tmp_path / "in.mid", performed(seconds), steady_meter(120.0))
        assert (read_score(tmp_path / "in.mid").meter is not None) == known
    write_smf(tmp_path / "in.mid", performed(), steady_meter(150.0))
    assert read_score(tmp_path / "in.mid").meter == steady_meter(150.0, source="file")


def test_a_file_says_where_its_tempo_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "out.mid"
    estimated = estimate_meter(to_rows(performed()))
    assert estimated.source == "estimated"
    write_smf(path, performed(), estimated)
    back = read_score(path).meter
    assert back is not None
    assert (back.source, back.confidence) == ("estimated", pytest.approx(estimated.confidence, abs=0.005))
    lines = [[m.tempo.position_at(bar.beat) for bar in m.bars(1.0, 14.0)] for m in (back, estimated)]
    assert lines[0] == pytest.approx(lines[1], abs=0.002)
    write_smf(path, performed(), replace(steady_meter(300.0), source="none"))
    assert read_score(path).meter is None
    assert [m.tempo for m in mido.MidiFile(path).tracks[0] if m.type == "set_tempo"] == [500_000]


def to_rows(notes: list[NoteEvent]) -> np.ndarray:
    return np.array([(note.onset, note.offset, note.pitch, note.velocity) for note in notes])
