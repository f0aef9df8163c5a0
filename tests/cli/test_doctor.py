"""The doctor's findings on this machine, and on machines where something is wrong."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from threading import Thread

import pytest

from diffroll_live import __version__
from diffroll_live.cli import diagnostics as doctor
from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.cli.diagnostics import Finding
from diffroll_live.errors import FileError
from diffroll_live.integrations.ableton import script
from diffroll_live.integrations.install.hosts import SystemFolders
from diffroll_live.integrations.install.steps import carry_out, plan_install
from diffroll_live.server.endpoints.spool_folder import SpoolFolder


def states(findings) -> list[str]:
    return [finding.state for finding in findings]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_every_topic_is_looked_at_and_every_fault_has_a_mend(free_port):
    findings = tuple(doctor.examine(free_port))
    assert {finding.topic for finding in findings} >= set(doctor.CHECKS) - {"jack", "live"} | {"device", "port"}
    for finding in findings:
        assert finding.text
        assert bool(finding.fix) == (finding.state != "good")


@pytest.mark.slow
def test_torch_is_told_from_a_child_process():
    findings = tuple(doctor.check_torch())
    assert states(findings) == ["good", "good"]
    assert findings[0].text.startswith("torch 2.")


def test_a_broken_torch_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor, "TORCH_PROBE", "import no_such_module")
    (finding,) = doctor.check_torch()
    assert finding.state == "bad"
    assert "make install" in finding.fix


def test_a_port_that_is_taken_names_the_option_that_helps(free_port):
    assert states(doctor.check_port(free_port)) == ["good"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", free_port))
        (finding,) = doctor.check_port(free_port)
    assert finding.state == "bad"
    assert "--port" in finding.fix


def test_an_altered_model_is_bad(tmp_path, monkeypatch):
    from support.model_folders import make_model

    model = make_model(tmp_path / "models" / "small")
    monkeypatch.setenv("DIFFROLL_LIVE_MODELS", str(tmp_path / "models"))
    assert "good" in [finding.state for finding in doctor.check_models() if "small" in finding.text]
    weights = next(model.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes() + b"x")
    assert "bad" in [finding.state for finding in doctor.check_models() if "small" in finding.text]
    (model / "config.json").write_text("{")
    assert "bad" in [finding.state for finding in doctor.check_models() if "small" in finding.text]


def test_the_bridges_of_hosts_that_are_here_are_told(tmp_path, monkeypatch):
    (tmp_path / ".config" / "REAPER").mkdir(parents=True)
    monkeypatch.setattr("diffroll_live.integrations.install.hosts.system_folders", lambda: linux(tmp_path))
    assert "not installed: reaper" in next(iter(doctor.check_bridges())).text
    root = tmp_path / ".config" / "REAPER"
    carry_out(plan_install("reaper", root))
    assert next((f.state, f.text) for f in doctor.check_bridges()) == ("good", "REAPER: installed")
    next((root / "Scripts" / "diffroll-live").glob("*.lua")).write_text("-- mine")
    assert next(iter(doctor.check_bridges())).state == "poor"
    (root / ".diffroll-live-reaper.json").write_text("{")
    damaged, others = doctor.check_bridges()
    assert (damaged.state, others.state) == ("bad", "good")
    assert "remove it" in damaged.text


def test_a_remote_script_that_runs_says_what_live_lacks(daemon, monkeypatch):
    from support.live_world import World, free_port

    monkeypatch.setattr(script.RemoteScript.__init__, "__defaults__", (free_port(),))
    assert list(doctor.check_remote_script()) == []
    with World(daemon.folder, daemon.port) as world:
        monkeypatch.setattr(script.RemoteScript.__init__, "__defaults__", (world.command_port,))
        assert [state for state, _ in ask_script(world)] == ["good"]
        world.surface._diffroll._findings = "Live 10 with Python 3.7 lacks Clip.warp_markers (warped clips)"
        ((state, text),) = ask_script(world)
    assert state == "poor"
    assert "warped clips" in text


def ask_script(world) -> list[tuple[str, str]]:
    """Let the doctor ask, while Live's timer goes on."""
    found: list[tuple[str, str]] = []
    asking = Thread(target=lambda: found.extend((f.state, f.text) for f in doctor.check_remote_script()))
    asking.start()
    world.until(lambda: not asking.is_alive())
    return found


def test_inputs_are_told_and_their_lack_is_poor(monkeypatch):
    devices = [{"name": "Scarlett", "max_input_channels": 2}, {"name": "Speakers", "max_input_channels": 0}]
    monkeypatch.setattr("sounddevice.query_devices", lambda: devices)
    assert [finding.text for finding in doctor.check_audio()][1] == "input devices: Scarlett"
    devices.clear()
    assert states(doctor.check_audio()) == ["good", "poor"]


def test_the_spool_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    folder = tmp_path / ".diffroll-live" / "spool"

    def text() -> str:
        (finding,) = doctor.check_spool()
        return finding.text

    assert "does not exist yet" in text()
    spool = SpoolFolder.open(folder)
    assert "in use by a daemon" in text()
    spool.close()
    assert "no daemon uses it" in text()
    folder.chmod(0o755)
    with pytest.raises(FileError, match="chmod 700"):
        text()


def linux(home: Path) -> SystemFolders:
    return SystemFolders("linux", home, home / ".config", home / ".local" / "share")


def test_a_machine_without_fluidsynth_is_poor(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (finding,) = doctor.check_sound_font()
    assert finding.state == "poor"
    assert "apt-get install" in finding.fix


def test_a_quick_look_leaves_out_the_slow_checks(free_port):
    topics = {finding.topic for finding in doctor.examine(free_port, quick=True)}
    assert not topics & doctor.SLOW
    assert {"python", "models", "network", "port"} <= topics


def test_a_check_that_fails_is_a_finding(monkeypatch, free_port):
    def broken():
        raise OSError("the disk is on fire")
        yield

    monkeypatch.setattr(doctor, "CHECKS", {"disk": broken})
    assert next(iter(doctor.examine(free_port))).text == "the disk is on fire"


@pytest.mark.parametrize(
    ("state", "code"), [("good", exit_codes.OK), ("poor", exit_codes.OK), ("bad", exit_codes.UNWELL)]
)
def test_the_command_prints_findings_and_exits_by_them(monkeypatch, capsys, state, code):
    finding = Finding("disk", state, "[text]", "" if state == "good" else "fix it")
    monkeypatch.setattr("diffroll_live.cli.commands.doctor.examine", lambda port, quick: iter([finding]))
    assert run(["doctor"]) == code
    assert "[text]" in capsys.readouterr().out
    assert run(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["findings"][0]["state"] == state


def test_one_line_says_it_all_and_nothing_of_the_person(monkeypatch, capsys):
    findings = [
        Finding("disk", "bad", "/home/ada is full", "x"),
        Finding("midi", "poor", "a", "b"),
        Finding("spool", "good", "/home/ada"),
    ]
    monkeypatch.setattr("diffroll_live.cli.commands.doctor.examine", lambda port, quick: iter(findings))
    assert run(["doctor", "--line"]) == exit_codes.UNWELL
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"diffroll-live {__version__}; Python 3.1")
    assert line.endswith("; bad: disk; poor: midi")
    assert "torch 2." in line
    assert "ada" not in line
