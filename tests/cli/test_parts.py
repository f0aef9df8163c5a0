"""Long recordings and parts of them, a configuration as editors save it, and paths that cannot be."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.fake_engine import FakeEngine

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.cli.inputs import MAX_SECONDS
from diffroll_live.config import load_config
from diffroll_live.errors import FileError
from diffroll_live.types import Answer, RequestPlan

RATE = 8000


class Recorder(FakeEngine):
    """The fake engine, remembering its plans."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: list[RequestPlan] = []

    def answer(self, plan: RequestPlan, control) -> Answer:
        self.plans.append(plan)
        return super().answer(plan, control)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    fake = Recorder()
    room = types.ModuleType("diffroll_live.engine.loading")
    room.load_engine = lambda model, device, threads=None, warm=True: fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "diffroll_live.engine.loading", room)
    return fake


def silence(path: Path, seconds: float) -> Path:
    """Write eight bits of silence, which libsndfile does not have to be asked for."""
    soundfile.write(path, np.zeros(round(seconds * RATE), np.float32), RATE, subtype="PCM_U8")
    return path


@pytest.mark.slow
def test_more_than_an_hour_is_read(engine, tmp_path):
    source = silence(tmp_path / "long.wav", 3660)
    assert run(["transcribe", str(source), "-o", str(tmp_path / "out.mid")]) == exit_codes.OK
    assert engine.plans[0].audio.seconds == 3660


def test_a_part_is_read(engine, tmp_path):
    ramp = np.repeat(np.arange(1, 6) / 10, RATE)
    soundfile.write(tmp_path / "a.wav", ramp, RATE, subtype="FLOAT")
    for command in (["transcribe"], ["inpaint", "--region", "0-0.5"], ["continue"]):
        words = [
            *command,
            str(tmp_path / "a.wav"),
            "-o",
            str(tmp_path / "out.mid"),
            "--start",
            "2",
            "--duration",
            "1.5",
        ]
        assert run(words) == exit_codes.OK
        audio = engine.plans[-1].audio
        assert audio.seconds == 1.5
        np.testing.assert_allclose(audio.samples, ramp[2 * RATE : 7 * RATE // 2], atol=1e-6)


def test_a_part_that_is_not_there_is_refused(engine, tmp_path, capsys):
    source = silence(tmp_path / "a.wav", 1)
    assert run(["transcribe", str(source), "-o", str(tmp_path / "o.mid"), "--start", "5"]) == exit_codes.FILE
    assert "nothing from 5 s on" in capsys.readouterr().err


def test_what_is_too_long_names_the_options_that_there_are(engine, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("diffroll_live.cli.inputs.MAX_SECONDS", 2.0)
    source = silence(tmp_path / "a.wav", 3)
    assert run(["transcribe", str(source), "-o", str(tmp_path / "o.mid")]) == exit_codes.FILE
    assert "a start and a duration" in capsys.readouterr().err
    for command in ("transcribe", "send transcribe"):
        assert run([*command.split(), "--help"]) == exit_codes.OK
        printed = capsys.readouterr().out
        assert "--start" in printed
        assert "--duration" in printed
    assert MAX_SECONDS > 3600


def test_a_configuration_that_begins_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbf[server]\nport = 0\n")
    assert load_config(tmp_path / "c.toml").server.port == 0


@pytest.mark.parametrize("name", ["circle", "a" * 300, "folder", "folder/../" + "b" * 300])
def test_paths_that_cannot_be_are_told_as_files(engine, tmp_path, capsys, name):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "folder").mkdir()
    clip, odd, out = str(silence(tmp_path / "clip.wav", 1)), str(tmp_path / name), str(tmp_path / "out.mid")
    inside = f"{odd}/x/y.mid"
    commands = [
        ["transcribe", odd, "-o", out],
        ["transcribe", clip, "-o", out, "--sonify", inside],
        ["inpaint", clip, "--region", "0-1", "-o", out, "--notes", odd],
        ["import-checkpoint", odd, "-o", str(tmp_path / "model")],
    ]
    if name != "folder":
        commands.append(["transcribe", clip, "-o", odd])
        commands.append(["transcribe", clip, "-o", f"{odd}/"])
    for words in commands:
        assert run(words) == exit_codes.FILE, words
        assert capsys.readouterr().err.startswith("Error: ")
    with pytest.raises(FileError):
        load_config(Path(odd))
