"""Bars and beats on the command line: to the engine, into MIDI files and the JSON document."""

from __future__ import annotations

import json

import pytest

from diffroll_live.cli.app import run
from diffroll_live.files.midi_file import read_score, write_smf
from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.types import NoteEvent


def test_bars_and_beats_of_the_command_line_reach_the_engine_and_the_file(engine, clip, tmp_path, capsys):
    out = tmp_path / "o.mid"
    words = ["--tempo", "90", "--meter", "6/8", "--beat-at", "0.5", "-o", str(out), "--json"]
    assert run(["inpaint", str(clip), "--region", "0.5-1", *words]) == 0
    (plan,) = engine.plans
    assert plan.meter == steady_meter(90.0, (6, 8), 0.5)
    grid = {"source": "given", "confidence": 1.0, "bpm": 90.0, "meter": "6/8", "first_bar": 0.5}
    assert json.loads(capsys.readouterr().out)["results"][0]["grid"] == grid
    written = read_score(out).meter
    assert written is not None
    assert [bar.numerator for bar in written.bars(0.0, 3.0)] == [6, 6, 6]
    assert written.first_bar(0.0) == pytest.approx(0.5, abs=0.001)


def test_the_bars_of_a_file_of_notes_are_those_of_the_request(engine, clip, tmp_path):
    known, out = tmp_path / "known.mid", tmp_path / "o.mid"
    write_smf(known, [NoteEvent(0.0, 0.4, 60, 70)], steady_meter(100.0, (3, 4)))
    words = ["inpaint", str(clip), "--region", "0.5-1", "--notes", str(known), "-o", str(out)]
    assert run(words) == 0
    assert run([*words, "--tempo", "50"]) == 0  # what is said counts
    assert [(plan.meter.source, plan.meter.tempo.tempo_at(0.0)) for plan in engine.plans] == [
        ("file", pytest.approx(100.0)),
        ("given", 50.0),
    ]
    assert read_score(out).meter == steady_meter(50.0, source="file")
