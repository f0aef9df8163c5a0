"""`make demo` as a newcomer runs it: the shipped clip and weights, real ports, three files to open."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import soundfile
from PIL import Image
from support.paths import ROOT

from diffroll_live.files.midi_file import read_smf


@pytest.mark.realtime
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_hears_over_midi_what_came_over_osc(tmp_path):
    # nothing that a developer has set leads it to another model, or to another JACK server
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("DIFFROLL", "JACK"))}
    demo = [sys.executable, str(ROOT / "examples" / "demo.py"), str(tmp_path)]
    done = subprocess.run(demo, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("none hanging") == 2
    assert "stopped, exit code 0" in done.stdout
    notes = read_smf(tmp_path / "out.mid")
    assert len(notes) > 5
    assert any(4.0 <= note.onset < 6.0 for note in notes)  # the fill
    assert soundfile.info(tmp_path / "out.wav").duration > 5
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.width > 1000
