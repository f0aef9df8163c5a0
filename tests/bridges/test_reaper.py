"""REAPER's scripts under the Lua of REAPER 6 and 7, in a fake REAPER that keeps real state; see support/reaper."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.paths import ROOT
from support.reaper_scenes import BRIDGE, INTERPRETERS, STAGE, play

from diffroll_live import __version__
from diffroll_live.osc.messages import CLIENT_MESSAGES

SCENES = [
    (path.stem, name)
    for path in sorted(STAGE.glob("scenes_*.lua"))
    if path.stem != "scenes_daemon"  # test_reaper_daemon.py's
    for name in re.findall(r'^(?:scenes|  )\["([^/].+)"\] = function', path.read_text(), re.MULTILINE)
]
GLOBALS = """_VERSION assert debug io ipairs math os package pairs pcall reaper require select setmetatable string table
tonumber tostring type utf8 xpcall"""
ACTIONS = ("Cancel", "Continue", "Fill region", "Generate", "Settings", "Transcribe selection")


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A folder with a spool in it, as a daemon leaves it."""
    for box in ("in", "out", "audio"):
        (tmp_path / "spool" / box).mkdir(parents=True)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(("scenes", "name"), SCENES, ids=[name for _, name in SCENES])
@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_scene(interpreter, scenes, name, spool):
    play(interpreter, scenes, name, spool)


def echo(interpreter: str, lines: list[str]) -> list[str]:
    """Let the scripts read lines and write what they understood."""
    command = [interpreter, str(STAGE / "echo.lua"), str(BRIDGE)]
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode().split("\n")[: len(lines)]


ARGUMENTS = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
FEW = settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@given(st.lists(st.lists(ARGUMENTS, min_size=1, max_size=8), min_size=1, max_size=60), st.booleans())
@FEW
def test_lines_are_read_and_written_exactly(interpreter, messages, escaped):
    lines = [json.dumps(message, ensure_ascii=escaped) for message in messages]
    assert [json.loads(line) for line in echo(interpreter, lines)] == messages


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@given(st.lists(st.text(st.sampled_from('[]{}",:\\ud8nul0123456789.eE+-tfalse /')), min_size=1, max_size=200))
@FEW
def test_any_text_is_a_flat_message_or_none(interpreter, lines):
    for line, answer in zip(lines, echo(interpreter, lines), strict=True):
        if answer != "nil":
            assert isinstance(json.loads(answer), list), line


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_what_is_no_message_is_none(interpreter):
    lines = [
        "",
        "[]",
        "[[1]]",
        '{"a": 1}',
        "[1",
        "[1,]",
        "[1] 2",
        '["a]',
        r'["\x"]',
        r'["\ud800"]',
        r'["\u12"]',
        "[nil]",
        "[null]",
    ]
    assert echo(interpreter, lines) == ["nil"] * len(lines)


def test_every_action_has_its_file_and_the_package_provides_them_all():
    assert {path.name for path in BRIDGE.glob("diffroll-live_*.lua")} == {
        f"diffroll-live_{name}.lua" for name in ACTIONS
    }
    header = (BRIDGE / "diffroll-live.lua").read_text()
    assert f"-- @version {__version__}\n" in header
    provided = re.findall(r"^--   \[(main(?:=[\w,]+)?|nomain)\] (.+)$", header, re.MULTILINE)
    names = {path.name for kind, pattern in provided for path in BRIDGE.glob(pattern) if kind.startswith("main")}
    assert names == {f"diffroll-live_{name}.lua" for name in ACTIONS}
    library = {path for kind, pattern in provided for path in BRIDGE.glob(pattern) if kind == "nomain"}
    assert library == {*(BRIDGE / "diffroll_live").glob("*.lua"), BRIDGE / "diffroll-live.ReaperOSC"}
    for path in BRIDGE.rglob("*.lua"):
        assert path.read_text().startswith("-- @noindex\n") == (path.name != "diffroll-live.lua"), path


@pytest.mark.slow
def test_the_package_is_the_only_one_that_an_index_of_the_repository_has():
    """reapack-index takes any file of these endings, in a folder, for a package; most want a version and have none."""
    endings = {".lua", ".eel", ".py", ".jsfx", ".data", ".txt", ".www", ".ext", ".theme", ".rpp"}
    config = (ROOT / ".reapack-index.conf").read_text().split()
    ignored = {path for word, path in pairwise(config) if word == "--ignore"}
    untracked = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in untracked | {".git"}]
    files = [p.relative_to(ROOT) for folder in folders for p in folder.rglob("*") if p.suffix in endings]
    left = {path for path in files if not any(str(path).startswith(start) for start in ignored)}
    assert left
    assert {path.parts[:2] for path in left} == {("bridge", "reaper")}


def test_nothing_is_evaluated_and_no_socket_is_needed():
    for path in (*BRIDGE.glob("*.lua"), *(BRIDGE / "diffroll_live").glob("*.lua")):
        code = re.sub(r"--.*", "", path.read_text())
        assert not re.search(r"\b(load|loadstring|loadfile|dofile|os\.execute|io\.popen|ExecProcess)\s*\(", code), path
        assert set(re.findall(r'require\("(\w+)"\)', code)) <= {
            p.stem for p in (BRIDGE / "diffroll_live").glob("*.lua")
        }


def test_the_osc_pattern_sends_what_the_daemon_takes():
    lines = [line.split() for line in (BRIDGE / "diffroll-live.ReaperOSC").read_text().splitlines()]
    patterns = [pattern for line in lines if line and not line[0].startswith(("#", "DEVICE_")) for pattern in line[1:]]
    addresses = {pattern[pattern.index("/") :] for pattern in patterns}
    assert addresses == {"/time", "/play", "/stop", "/repeat", "/tempo/raw", "/loop/start/time", "/loop/end/time"}
    assert addresses <= set(CLIENT_MESSAGES)


@pytest.mark.parametrize("compiler", ["luac5.3", "luac5.4"])
def test_scripts_have_no_globals_of_their_own(compiler):
    for path in (*BRIDGE.glob("*.lua"), *(BRIDGE / "diffroll_live").glob("*.lua")):
        done = subprocess.run([compiler, "-l", "-p", str(path)], capture_output=True, text=True, check=True)
        assert not re.search("SETTABUP.*_ENV", done.stdout), path
        assert set(re.findall(r'_ENV "(\w+)"', done.stdout)) <= set(GLOBALS.split()), path
