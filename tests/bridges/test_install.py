"""Bridges go into their hosts' folders and come out again, and nothing else does."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.paths import BRIDGE
from support.systems import pose_as
from support.waiting import wait_until

from diffroll_live.cli.commands.bridges import install_bridge, uninstall_bridge
from diffroll_live.errors import FileError, FileMissing, RequestError
from diffroll_live.integrations.install import steps as bridges
from diffroll_live.integrations.install.hosts import HOSTS, SystemFolders, is_running, system_folders
from diffroll_live.integrations.install.steps import (
    carry_out,
    find_host,
    find_root,
    plan_install,
    plan_uninstall,
    state,
)

NEXT = {
    "reaper": ("Actions > Show action list > New action > Load ReaScript", "six scripts", "Scripts/diffroll-live"),
    "ableton": ("Link, Tempo & MIDI", "DiffRollLive", "control surface", "diffroll-live ableton"),
    "ardour": ("Edit > Lua Scripts > Script Manager", "Action Scripts", "Add/Set", "diffroll-live: Transcribe"),
    "puredata": ("diffroll-live 7770",),
    "supercollider": ("ecompile the class library", 'd = DiffRollLive("127.0.0.1", 7770)'),
    "open-stage-control": ("open-stage-control --load diffroll-live.json --send 127.0.0.1:7770",),
}


def linux(home: Path) -> SystemFolders:
    return SystemFolders("linux", home, home / ".config", home / ".local" / "share")


def windows(home: Path) -> SystemFolders:
    return SystemFolders("win32", home, home / "AppData" / "Roaming", home / "AppData" / "Local")


def mac(home: Path) -> SystemFolders:
    return SystemFolders("darwin", home, home / "Library" / "Preferences", home / "Library" / "Application Support")


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def verbs(steps) -> set[str]:
    return {step.verb for step in steps}


@pytest.mark.parametrize("name", HOSTS)
def test_a_bridge_goes_in_and_comes_out_without_a_trace(name, tmp_path):
    (tmp_path / "theirs.ini").write_text("as it was")
    before = contents(tmp_path)
    steps = plan_install(name, tmp_path)
    assert verbs(steps) == {"add", "record"}
    assert contents(tmp_path) == before, "a plan changes nothing"
    carry_out(steps)
    assert len(contents(tmp_path)) > len(before) + 1
    assert plan_install(name, tmp_path) == ()
    carry_out(plan_uninstall(name, tmp_path))
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.ini"], "no empty folder stays"


def test_what_is_replaced_is_kept_and_comes_back(tmp_path):
    mine = tmp_path / "diffroll-live.pd"
    mine.write_text("my own patch")
    steps = plan_install("puredata", tmp_path)
    assert "back up" in verbs(steps)
    carry_out(steps)
    assert mine.read_text() != "my own patch"
    carry_out(plan_uninstall("puredata", tmp_path))
    assert contents(tmp_path) == {"diffroll-live.pd": b"my own patch"}


def test_what_the_user_and_live_have_put_beside_the_script(tmp_path):
    """Settings stay, updates included; what Live's Python has compiled of ours goes with it."""
    carry_out(plan_install("ableton", tmp_path))
    script = tmp_path / "Remote Scripts" / "DiffRollLive"
    mine = script / "settings.json"
    mine.write_text('{"seconds": 4}')
    (script / "__pycache__").mkdir()
    (script / "__pycache__" / "bridge.cpython-37.pyc").write_bytes(b"of Live's Python")
    assert plan_install("ableton", tmp_path) == ()
    carry_out(plan_uninstall("ableton", tmp_path))
    assert contents(tmp_path) == {"Remote Scripts/DiffRollLive/settings.json": b'{"seconds": 4}'}
    assert list(script.iterdir()) == [mine]


def test_a_folder_made_for_the_bridge_goes_with_it(tmp_path):
    root = tmp_path / "pd" / "extra"
    carry_out(plan_install("puredata", root))
    carry_out(plan_uninstall("puredata", root))
    assert not root.exists()


def test_two_backups_do_not_overwrite_each_other(tmp_path):
    for text in ("first", "second"):
        (tmp_path / "diffroll-live.pd").write_text(text)
        carry_out(plan_install("puredata", tmp_path))
    kept = {data for path, data in contents(tmp_path).items() if "before" in path}
    assert kept == {b"first", b"second"}


def test_what_the_user_changed_stays(tmp_path):
    carry_out(plan_install("puredata", tmp_path))
    (tmp_path / "diffroll-live.pd").write_text("with my changes")
    steps = plan_uninstall("puredata", tmp_path)
    assert [step.path.name for step in steps if step.verb == "leave"] == ["diffroll-live.pd"]
    carry_out(steps)
    assert contents(tmp_path) == {"diffroll-live.pd": b"with my changes"}


def test_a_newer_version_replaces_and_takes_away_its_own_files(tmp_path, monkeypatch):
    old = {"old.pd": b"old", "diffroll-live.pd": b"older"}
    with monkeypatch.context() as patched:
        patched.setattr(bridges, "_wanted", lambda host: old)
        carry_out(plan_install("puredata", tmp_path))
    steps = plan_install("puredata", tmp_path)
    assert verbs(steps) == {"record", "add", "update", "remove"}
    carry_out(steps)
    assert "old.pd" not in contents(tmp_path)
    assert not [path for path in contents(tmp_path) if "before" in path], "our own older file needs no backup"


def test_an_installation_that_broke_off_can_be_undone(tmp_path):
    steps = plan_install("puredata", tmp_path)
    carry_out(steps[: len(steps) // 2 + 1])
    assert len(contents(tmp_path)) >= 2
    carry_out(plan_uninstall("puredata", tmp_path))
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("system", [linux, windows, mac])
def test_the_folders_of_hosts_are_found_where_each_system_has_them(system, tmp_path):
    for host in HOSTS.values():
        for root in host.roots(system(tmp_path)):
            root.mkdir(parents=True, exist_ok=True)
            assert find_root(host, system(tmp_path)).is_relative_to(tmp_path)


def test_known_folders(tmp_path):
    def of(name, system):
        return str(HOSTS[name].roots(system(tmp_path))[0].relative_to(tmp_path).as_posix())

    assert of("reaper", linux) == ".config/REAPER"
    assert of("reaper", windows) == "AppData/Roaming/REAPER"
    assert of("reaper", mac) == "Library/Application Support/REAPER"
    assert of("ableton", windows) == "Documents/Ableton/User Library"
    assert of("ableton", mac) == "Music/Ableton/User Library"
    assert "Library/Preferences/Ardour7" in [
        p.relative_to(tmp_path).as_posix() for p in HOSTS["ardour"].roots(mac(tmp_path))
    ]


@pytest.mark.parametrize(
    ("system", "settings", "data"),
    [
        ("linux", ".config", ".local/share"),
        ("win32", "AppData/Roaming", "AppData/Local"),
        ("darwin", "Library/Preferences", "Library/Application Support"),
    ],
)
def test_places_are_this_systems(system, settings, data, monkeypatch):
    home = Path("/home/é")
    pose_as(system, monkeypatch, str(home))
    assert system_folders() == SystemFolders(system, home, home / settings, home / data)


@pytest.mark.parametrize(
    ("system", "variables", "settings", "data"),
    [
        ("linux", {"XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"}, "/c", "/d"),
        ("win32", {"APPDATA": "/c", "LOCALAPPDATA": "/d"}, "/c", "/d"),
        (
            "darwin",
            {"XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"},
            "/home/é/Library/Preferences",
            "/home/é/Library/Application Support",
        ),
    ],
)
def test_places_follow_the_environment_where_hosts_do(system, variables, settings, data, monkeypatch):
    pose_as(system, monkeypatch, "/home/é", **variables)
    assert system_folders() == SystemFolders(system, Path("/home/é"), Path(settings), Path(data))


def test_a_host_that_is_not_here_is_told_with_the_folders_looked_in(tmp_path):
    with pytest.raises(FileMissing, match=r"REAPER's folder was not found .*--to"):
        find_root(find_host("reaper"), linux(tmp_path))
    with pytest.raises(FileMissing, match="does not exist for this system"):
        find_root(find_host("ableton"), linux(tmp_path))
    with pytest.raises(FileMissing, match="--to"):
        find_root(find_host("reaper"), linux(tmp_path), tmp_path / "none")
    with pytest.raises(RequestError, match="reaper"):
        find_host("logic")


def test_a_bridge_that_is_not_installed_cannot_be_taken_out(tmp_path):
    with pytest.raises(RequestError, match="not installed"):
        plan_uninstall("puredata", tmp_path)


@pytest.mark.parametrize(
    "record",
    [
        "no json",
        "[]",
        '{"files": {"../outside": "0"}, "backups": {}, "folders": []}',
        '{"files": {"/etc/passwd": "0"}, "backups": {}, "folders": []}',
    ],
)
def test_a_damaged_or_evil_record_is_refused(record, tmp_path):
    (tmp_path / ".diffroll-live-puredata.json").write_text(record)
    with pytest.raises(FileError):
        plan_uninstall("puredata", tmp_path)


def test_states(tmp_path):
    where = linux(tmp_path)
    root = HOSTS["reaper"].roots(where)[0]
    assert state("reaper", where) == "no host"
    root.mkdir(parents=True)
    assert state("reaper", where) == "not installed"
    carry_out(plan_install("reaper", root))
    assert state("reaper", where) == "installed"
    script = next((root / "Scripts" / "diffroll-live").glob("*.lua"))
    script.write_text("-- mine")
    assert state("reaper", where) == "altered"


@pytest.mark.parametrize(
    ("name", "runs", "does_not"),
    [
        ("reaper", ("reaper", "REAPER", "reaper.exe"), ("reaper_host_x86_64", "reapers")),
        ("ableton", ("Live", "Ableton Live 12 Suite.exe"), ("Live.app", "livecheck", "diffroll-live")),
        ("ardour", ("ardour-7.3.0~ds", "Ardour8", "hardour-7.3.0~d", "Ardour.exe"), ("ardour_lua",)),
    ],
)
def test_a_host_is_known_by_its_programs(name, runs, does_not, monkeypatch):
    for process in (*runs, *does_not):
        monkeypatch.setattr(
            "diffroll_live.integrations.install.hosts._processes", lambda process=process: {process, "bash"}
        )
        assert is_running(HOSTS[name]) == (process in runs), process


@pytest.mark.parametrize("name", HOSTS)
def test_what_is_said_next_is_in_the_readme(name):
    """Names of menus, files and objects are the same in both."""
    readme = " ".join((BRIDGE / name / "README.md").read_text().replace("*", "").replace("`", "").split())
    for word in NEXT[name]:
        assert word in HOSTS[name].after
        assert word in readme


def test_nothing_is_changed_while_the_host_runs(tmp_path, monkeypatch):
    program = tmp_path / "host-1.2"
    shutil.copy("/bin/sleep", program)
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setitem(HOSTS, "puredata", replace(HOSTS["puredata"], title="The host", programs=("host",)))
    with subprocess.Popen([program, "60"]) as process:
        try:
            wait_until(lambda: is_running(HOSTS["puredata"]), "the name of a process that has just begun")
            done = CliRunner().invoke(install_bridge, ["puredata", "--to", str(root)])
        finally:
            process.kill()
    assert "The host is running" in str(done.exception)
    assert contents(root) == {}
    assert CliRunner().invoke(install_bridge, ["puredata", "--to", str(root)]).exception is None


def test_the_commands_show_and_do(tmp_path):
    shown = CliRunner().invoke(install_bridge, ["puredata", "--to", str(tmp_path), "--dry-run"])
    assert "diffroll-live.pd" in shown.output
    assert "Would change" in shown.output
    assert contents(tmp_path) == {}
    done = json.loads(CliRunner().invoke(install_bridge, ["puredata", "--to", str(tmp_path), "--json"]).output)
    assert done["root"] == str(tmp_path)
    assert {step["verb"] for step in done["steps"]} == {"record", "add"}
    assert "diffroll-live.pd" in contents(tmp_path)
    assert "Nothing to do" in CliRunner().invoke(install_bridge, ["puredata", "--to", str(tmp_path)]).output
    CliRunner().invoke(uninstall_bridge, ["puredata", "--to", str(tmp_path)])
    assert contents(tmp_path) == {}
