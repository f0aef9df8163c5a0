"""The service: what each system would read is read as that system reads it, and its commands leave nothing behind."""

from __future__ import annotations

import configparser
import logging
import os
import plistlib
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.systems import pose_as
from support.waiting import wait_until

from diffroll_live.cli import exit_codes, log_file
from diffroll_live.cli.app import run
from diffroll_live.cli.commands.service import _program
from diffroll_live.integrations.install.hosts import SystemFolders, system_folders
from diffroll_live.integrations.service import steps
from diffroll_live.integrations.service.steps import Answer
from diffroll_live.integrations.service.systems import System, system_of
from diffroll_live.integrations.service.texts import Program, launchd_agent, systemd_unit, windows_task

ODD = Program(
    ('/home/Zoë M/100% "$best"/bin/python', "-m", "diffroll_live", "--config", "/home/Zoë M/a\\b 音.toml"),
    Path("/home/Zoë M/50%"),
    "STUDIO\\Zoë",
)
SYSTEMS = ("linux", "darwin", "win32")


def systemd_words(line: str) -> list[str]:
    """Split a command line as systemd.service(5) says, whose words are all quoted here."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
    return [re.sub(r"\\(.)", r"\1", word).replace("%%", "%").replace("$$", "$") for word in words]


def test_systemd_reads_the_words_that_were_written(tmp_path):
    unit = configparser.RawConfigParser()
    unit.optionxform = str
    unit.read_string(systemd_unit(ODD).decode())
    assert systemd_words(unit["Service"]["ExecStart"]) == ["/usr/bin/env", *ODD.command]
    assert unit["Service"]["WorkingDirectory"] == "/home/Zoë M/50%%"
    assert unit["Service"]["Restart"] == "on-failure"
    assert unit["Install"]["WantedBy"] == "default.target"
    file = tmp_path / "diffroll-live.service"
    file.write_bytes(systemd_unit(Program((sys.executable, "-c", "pass"), tmp_path)))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(file)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert str(file) not in checked.stderr, checked.stderr
    assert checked.returncode == 0, checked.stderr


def test_launchd_reads_the_words_that_were_written():
    agent = plistlib.loads(launchd_agent(ODD))
    assert agent["ProgramArguments"] == list(ODD.command)
    assert agent["WorkingDirectory"] == str(ODD.folder)
    assert agent["RunAtLoad"] is True
    assert agent["KeepAlive"] == {"SuccessfulExit": False}


def test_windows_reads_the_words_that_were_written():
    task = ET.fromstring(windows_task(ODD))
    found = {element.tag.rpartition("}")[2]: element.text for element in task.iter()}
    assert found["Command"] == ODD.command[0]
    assert found["Arguments"] == '-m diffroll_live --config "/home/Zoë M/a\\b 音.toml"'
    assert found["UserId"] == "STUDIO\\Zoë"
    assert (found["ExecutionTimeLimit"], found["MultipleInstancesPolicy"]) == ("PT0S", "IgnoreNew")
    assert found["Interval"] == "PT1M"
    assert windows_task(ODD)[:2] in (b"\xff\xfe", b"\xfe\xff")


def system(platform: str, home: Path) -> System:
    return system_of(SystemFolders(platform, home, home / ".config", home / ".local" / "share"), 501)


@pytest.mark.parametrize("platform", SYSTEMS)
def test_it_is_installed_seen_and_undone(platform, tmp_path):
    way, told = system(platform, tmp_path / "Zoë M"), []

    def obey(command):
        told.append(command)
        return Answer(0, f"x\n  {way.running}\n" if command == way.state else "")

    assert steps.state(way, obey) == "not installed"
    assert not steps.uninstall(way, obey)
    assert told == []
    steps.install(way, ODD, obey)
    assert way.file.read_bytes() == way.text(ODD)
    assert told == [*way.start]
    assert steps.state(way, obey) == "running"
    assert steps.state(way, lambda command: Answer(3, "inactive")) == "stopped"
    told.clear()
    steps.install(way, ODD, obey)  # again: the older one makes room
    assert told == [*way.stop, *way.forget, *way.start]
    assert steps.uninstall(way, obey)
    assert not way.file.exists()


@pytest.mark.parametrize("platform", SYSTEMS)
def test_what_the_system_refuses_leaves_nothing_behind(platform, tmp_path):
    way = system(platform, tmp_path)
    for refused in way.start:
        with pytest.raises(steps.Refused, match="not allowed today"):
            steps.install(way, ODD, lambda command, no=refused: Answer(command == no, "not allowed today"))
        assert not way.file.exists()


def test_a_command_that_is_missing_has_failed():
    assert steps.run(("no-such-program-here",)).code != 0
    assert steps.run((sys.executable, "-c", "print('ö'); raise SystemExit(3)")) == Answer(3, "ö")


@pytest.mark.parametrize("platform", SYSTEMS)
def test_every_system_has_its_place_for_it(platform, tmp_path, monkeypatch):
    pose_as(platform, monkeypatch, str(tmp_path))
    way = system_of(system_folders(), 501)
    ends = {"linux": "systemd/user/diffroll-live.service", "darwin": "LaunchAgents/diffroll-live.plist"}
    assert way.file.as_posix().endswith(ends.get(platform, "diffroll-live/service.xml"))
    assert way.file.is_relative_to(tmp_path)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home whose systemd does as it is told, and remembers it."""
    home = tmp_path / "Zoë’s home"  # noqa: RUF001 - as people write it
    (home / "bin").mkdir(parents=True)
    systemctl = home / "bin" / "systemctl"
    systemctl.write_text('#!/bin/sh\necho "$@" >> "$HOME/told"\n[ "$2" != is-active ] || echo active\n')
    systemctl.chmod(0o755)
    pose_as("linux", monkeypatch, str(home), PATH=f"{home / 'bin'}:{os.environ['PATH']}")
    return home


def test_the_commands_of_a_user(home, capsys):
    config = home / "my config.toml"
    assert run(["service", "install", "--config", str(config)]) == exit_codes.FILE
    config.write_text("[server]\nport = 0\n")
    assert run(["service", "install", "--config", str(config)]) == exit_codes.OK
    unit = home / ".config" / "systemd" / "user" / "diffroll-live.service"
    assert systemd_words(unit.read_text())[-3:] == ["serve", "--config", str(config)]
    assert run(["service", "status"]) == exit_codes.OK
    assert "running" in capsys.readouterr().out
    assert run(["service", "logs"]) == exit_codes.OK
    assert "Nothing is logged yet" in capsys.readouterr().err
    log_file.log_path().parent.mkdir(parents=True)
    log_file.log_path().write_text("one\ntwo\nthree\n")
    assert run(["service", "logs", "--lines", "2"]) == exit_codes.OK
    assert capsys.readouterr().out == "two\nthree\n"
    assert run(["service", "uninstall"]) == exit_codes.OK
    assert not unit.exists()
    assert run(["service", "status"]) == exit_codes.DAEMON
    assert run(["service", "uninstall"]) == exit_codes.OK
    assert (home / "told").read_text().splitlines()[:3] == [
        "--user daemon-reload",
        "--user enable diffroll-live.service",
        "--user restart diffroll-live.service",
    ]


def test_a_machine_without_systemd_is_told_what_to_do(home, capsys):
    (home / "bin" / "systemctl").write_text("#!/bin/sh\necho no bus >&2; exit 1\n")
    assert run(["service", "install"]) == exit_codes.DAEMON
    said = capsys.readouterr().err
    assert "no bus" in said
    assert "diffroll-live serve" in said


def logged() -> str:
    return "".join(path.read_text() for path in log_file.log_files())


@pytest.mark.slow
def test_the_service_runs_a_daemon_that_logs_and_ends_cleanly(home):
    config = home / "my config.toml"
    config.write_text('[server]\nport = 0\n[midi]\napi = "none"\n[panel]\nserve = "off"\n')
    program = _program(config)
    daemon = subprocess.Popen(program.command, cwd=program.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: "serving clients on port" in logged(), "the daemon in its log", 60)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(60) == exit_codes.OK
    finally:
        daemon.kill()
        daemon.communicate()


def test_the_log_rotates_and_is_read_from_its_beginning(home, monkeypatch):
    monkeypatch.setattr(log_file, "MAX_BYTES", 400)
    handler = log_file.log_handler(log_file.log_path())
    for number in range(1000):
        handler.handle(logging.makeLogRecord({"msg": f"line {number}"}))
    handler.close()
    files = log_file.log_files()
    assert len(files) == 1 + log_file.KEPT
    assert all(path.stat().st_size <= 400 for path in files)
    assert "".join(path.read_text() for path in files).splitlines()[-1] == "line 999"
