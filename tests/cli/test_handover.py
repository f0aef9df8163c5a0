"""A one-shot command beside a running daemon: the daemon does the work, the notes are the same, and it may fail."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.asking import planned
from support.fake_engine import INFO, FakeEngine, make_engine
from support.running import RunningDaemon

from diffroll_live.cli import exit_codes
from diffroll_live.cli.handover import open_nearest
from diffroll_live.cli.options import TaskChoices
from diffroll_live.cli.run import Opened, run_task
from diffroll_live.errors import CheckpointError
from diffroll_live.files.midi_file import read_smf
from diffroll_live.types import Options


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with RunningDaemon(tmp_path_factory.mktemp("daemon"), make_engine) as running:
        yield running


class Here:
    """Opens the fake engine in this process, and counts how often."""

    def __init__(self) -> None:
        self.opened = 0

    def __call__(self, wanted: TaskChoices) -> Opened:
        self.opened += 1
        engine = FakeEngine()
        return Opened(INFO.name, INFO.device, lambda request, control: engine.run(planned(request), control), _nothing)


def _nothing() -> None:
    """Close nothing."""


def generate(wanted: TaskChoices, here: Here) -> int:
    return run_task("generate", wanted, lambda choices: open_nearest(choices, here))


def wish(folder: Path, port: int, **choices: object) -> TaskChoices:
    wanted = TaskChoices((), str(folder / "out.mid"), Options(seconds=3.0, seed=5), model=INFO.name, port=port)
    return replace(wanted, **choices)


@pytest.mark.slow
def test_a_daemon_of_the_same_model_does_the_work_and_the_notes_are_the_same(
    daemon: RunningDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, wanted = Here(), wish(tmp_path, daemon.port)
    assert generate(wanted, here) == exit_codes.OK
    assert here.opened == 0
    assert f"The daemon on port {daemon.port} does this" in capsys.readouterr().err
    notes = read_smf(tmp_path / "out.mid")
    assert generate(replace(wanted, local=True), here) == exit_codes.OK
    assert here.opened == 1
    assert read_smf(tmp_path / "out.mid") == notes != ()


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake model, and another one of its name that lies in a folder."""
    weights = {INFO.name: INFO.sha256, "elsewhere/fake": "1" * 64}

    def find(name: str) -> SimpleNamespace:
        if name not in weights:
            raise CheckpointError(f"There is no model {name!r}.")
        return SimpleNamespace(sha256=weights[name])

    monkeypatch.setattr("diffroll_live.cli.handover.find_model", find)


@pytest.mark.parametrize(
    "choices",
    [
        {"local": True},
        {"model": "other"},
        {"model": "elsewhere/fake"},
        {"threads": 1},
        {"device": "cpu"},
        {"plot": "a.png"},
    ],
    ids=str,
)
def test_what_a_daemon_would_do_otherwise_is_done_here(
    daemon: RunningDaemon, tmp_path: Path, choices: dict[str, object]
) -> None:
    here = Here()
    open_nearest(wish(tmp_path, daemon.port, **choices), here)
    assert here.opened == 1


def test_a_daemon_of_another_version_is_left_alone(
    daemon: RunningDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diffroll_live.cli.handover.__version__", "0.0.0")
    here = Here()
    open_nearest(wish(tmp_path, daemon.port), here)
    assert here.opened == 1


@pytest.mark.parametrize("greets", [False, True])
def test_another_program_on_the_port_does_not_hold_up_the_command(greets: bool, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        if not greets:
            other.close()
        here = Here()
        open_nearest(wish(tmp_path, other.getsockname()[1] if greets else 1), here)
        assert here.opened == 1


def test_the_command_goes_on_here_when_the_daemon_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = Here()
    with RunningDaemon(tmp_path, make_engine) as running:
        opened = open_nearest(wish(tmp_path, running.port), here)
    wanted = wish(tmp_path, running.port)
    assert run_task("generate", wanted, lambda _: opened) == exit_codes.OK
    assert here.opened == 1
    assert "it is done here" in capsys.readouterr().err
    assert read_smf(tmp_path / "out.mid")
