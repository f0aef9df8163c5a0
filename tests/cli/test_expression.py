"""The pedal and the bends on the command line: asked for, left out, and read again with --notes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.cli_engine import CliEngine, write_clip
from support.fake_engine import GLIDE

from diffroll_live.cli.app import run
from diffroll_live.files.midi_file import read_score, write_smf
from diffroll_live.types import Bend, NoteEvent, PedalSpan

KNOWN = (NoteEvent(0.0, 0.4, 60, 90), NoteEvent(1.5, 1.9, 62, 90))
PEDAL = (PedalSpan(0.25, 0.5), PedalSpan(1.5, 1.875))
BENDS = (Bend(KNOWN[1], ((0.0, 0.0), (0.25, 1.0))),)


@pytest.fixture
def gliding(tmp_path: Path) -> Path:
    """A recording whose notes the fake engine bends."""
    return write_clip(tmp_path / "bent.wav")


def test_bends_are_written_where_they_are_asked_for(
    engine: CliEngine, gliding: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mid"
    assert run(["transcribe", str(gliding), "-o", str(out), "--bend", "on", "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    bent = [note for note in result["variations"][0] if note["bend"]]
    assert len(bent) == len(result["variations"][0][::2])
    assert [(point["after"], point["semitones"]) for point in bent[0]["bend"]] == list(GLIDE)
    score = read_score(out)
    assert [bend.note.pitch for bend in score.bends] == [note["pitch"] for note in bent]
    assert {note.channel for note in score.notes} == {0}


def test_bends_are_off_unless_asked_for(engine: CliEngine, gliding: Path, tmp_path: Path) -> None:
    assert run(["transcribe", str(gliding), "-o", str(tmp_path / "out.mid")]) == 0
    assert engine.plans[0].options.bend == "off"
    assert not read_score(tmp_path / "out.mid").bends


@pytest.mark.parametrize("option", ["on", "off"])
def test_what_notes_brings_along_comes_back(engine: CliEngine, clip: Path, tmp_path: Path, option: str) -> None:
    """The pedal, and the bends of notes that stay, whether or not more are asked for."""
    known, out = tmp_path / "known.mid", tmp_path / "out.mid"
    write_smf(known, KNOWN, pedal=PEDAL, bends=BENDS)
    words = ["inpaint", str(clip), "--region", "0.5-1", "--notes", str(known), "-o", str(out)]
    assert run([*words, "--bend", option, "--pedal", option]) == 0
    (plan,) = engine.plans
    assert [bend.note for bend in plan.bends] == [note for note in plan.kept if note.pitch == 62]
    score, before = read_score(out), read_score(known)
    assert score.pedal == before.pedal
    assert score.bends == before.bends


def test_a_song_that_is_filled_keeps_both(engine: CliEngine, tmp_path: Path) -> None:
    song, out = tmp_path / "song.mid", tmp_path / "out.mid"
    write_smf(song, KNOWN, pedal=PEDAL, bends=BENDS)
    assert run(["inpaint", str(song), "--region", "0.5-1", "-o", str(out)]) == 0
    before, after = read_score(song), read_score(out)
    assert after.pedal == before.pedal
    assert after.bends == before.bends
    np.testing.assert_allclose([(s.down, s.up) for s in after.pedal], [(s.down, s.up) for s in PEDAL], atol=0.001)
