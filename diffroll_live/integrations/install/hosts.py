"""The hosts of the bridges: where each keeps its scripts, and whether it is running. Touches no file."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class SystemFolders:
    """The folders of one system from which the hosts' folders are derived."""

    system: str  # sys.platform
    home: Path
    settings: Path  # where programs keep a user's settings
    data: Path  # where programs keep a user's data

    @property
    def documents(self) -> Path:
        """The user's documents."""
        return self.home / "Documents"


@dataclass(frozen=True, slots=True)
class BridgeFile:
    """A file or folder of a bridge: ``source`` under bridge/, and its ``target`` under the host's root."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Host:
    """A program that a bridge is installed into.

    roots: candidates for the host's folder, likeliest first; programs: names of its processes, which must not run
    while files are replaced; makes_root: whether a missing folder may be created; after: what the user does next.
    """

    title: str
    parts: tuple[BridgeFile, ...]
    roots: Callable[[SystemFolders], tuple[Path, ...]]
    programs: tuple[str, ...]
    makes_root: bool
    after: str


def system_folders() -> SystemFolders:
    """Find the folders of this system."""
    home = Path.home()
    if sys.platform == "darwin":  # platformdirs would follow the XDG variables, which no host uses there
        return SystemFolders("darwin", home, home / "Library" / "Preferences", home / "Library" / "Application Support")
    system = "win32" if sys.platform == "win32" else "linux"
    return SystemFolders(system, home, platformdirs.user_config_path(roaming=True), platformdirs.user_data_path())


def is_running(host: Host) -> bool:
    """Whether one of the host's programs is running; a version may follow its name."""
    if not host.programs:
        return False
    ours = re.compile(rf"({'|'.join(map(re.escape, host.programs))})([- \d].*)?(\.exe)?")
    return any(ours.fullmatch(process) for process in _processes())


def _reaper(where: SystemFolders) -> tuple[Path, ...]:
    """REAPER's resource path (Options > Show REAPER resource path)."""
    base = {"win32": where.settings, "darwin": where.data}.get(where.system, where.settings)
    return (base / "REAPER",)


def _ableton(where: SystemFolders) -> tuple[Path, ...]:
    """Live's User Library at its default place. There is no Live for Linux."""
    base = where.home / "Music" if where.system == "darwin" else where.documents
    return (base / "Ableton" / "User Library",) if where.system != "linux" else ()


def _ardour(where: SystemFolders) -> tuple[Path, ...]:
    """Ardour's settings, one folder per major version, the newest first."""
    base = where.data if where.system == "win32" else where.settings
    name = "ardour" if where.system == "linux" else "Ardour"
    return tuple(base / f"{name}{version}" for version in (9, 8, 7, 6))


def _puredata(where: SystemFolders) -> tuple[Path, ...]:
    """Where Pd looks for externals."""
    if where.system == "linux":
        return where.home / ".local" / "lib" / "pd" / "extra", where.documents / "Pd" / "externals"
    return (where.documents / "Pd" / "externals",)


def _supercollider(where: SystemFolders) -> tuple[Path, ...]:
    """SuperCollider's Extensions folder (Platform.userExtensionDir)."""
    return (where.data / "SuperCollider" / "Extensions",)


def _open_stage_control(where: SystemFolders) -> tuple[Path, ...]:
    """No fixed place: the user chooses the file when loading it."""
    return (where.documents / "diffroll-live",)


HOSTS = {
    "reaper": Host(
        "REAPER",
        (
            BridgeFile("reaper", "Scripts/diffroll-live"),
            BridgeFile("reaper/diffroll-live.ReaperOSC", "OSC/diffroll-live.ReaperOSC"),
        ),
        _reaper,
        ("reaper", "REAPER"),
        makes_root=False,
        after="Start REAPER; in Actions > Show action list > New action > Load ReaScript choose the six scripts "
        "diffroll-live_... in Scripts/diffroll-live, and give them keys.",
    ),
    "ableton": Host(
        "Ableton Live",
        (BridgeFile("ableton/DiffRollLive", "Remote Scripts/DiffRollLive"),),
        _ableton,
        ("Live", "Ableton Live"),
        makes_root=False,
        after="Start Live; in its settings, Link, Tempo & MIDI, choose DiffRollLive as a control surface. Then select "
        "a clip, and run: diffroll-live ableton transcribe (or bind that to a key).",
    ),
    "ardour": Host(
        "Ardour",
        (BridgeFile("ardour", "scripts"),),
        _ardour,
        ("ardour", "Ardour", "hardour"),
        makes_root=False,
        after="Start Ardour; in Edit > Lua Scripts > Script Manager > Action Scripts choose a free slot, Add/Set, and "
        "diffroll-live: Transcribe. The slot has a button, and can be given a key.",
    ),
    "puredata": Host(
        "Pure Data",
        (BridgeFile("puredata", ""),),
        _puredata,
        (),
        makes_root=True,
        after="Create an object diffroll-live 7770 in a patch; its help patch shows every task.",
    ),
    "supercollider": Host(
        "SuperCollider",
        (BridgeFile("supercollider", "DiffRollLive"),),
        _supercollider,
        (),
        makes_root=True,
        after="Recompile the class library (Language > Recompile Class Library), then: "
        'd = DiffRollLive("127.0.0.1", 7770)',
    ),
    "open-stage-control": Host(
        "Open Stage Control",
        (BridgeFile("open-stage-control", ""),),
        _open_stage_control,
        (),
        makes_root=True,
        after="Start it with: open-stage-control --load diffroll-live.json --send 127.0.0.1:7770",
    ),
}


def _processes() -> set[str]:
    """The names of the running programs, as far as this system reports them."""
    if Path("/proc/self/comm").is_file():  # Linux, where small systems have no ps
        return set(filter(None, map(_name_of, Path("/proc").glob("[0-9]*/comm"))))
    windows = ["tasklist", "/fo", "csv", "/nh"]
    command = windows if sys.platform == "win32" else ["ps", "-axo", "comm="]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return set()
    if sys.platform == "win32":
        return {line.split('","')[0].strip('"') for line in listed.splitlines()}
    return {Path(line.strip()).name for line in listed.splitlines()}


def _name_of(process: Path) -> str:
    """Read a process' name from /proc; empty for one that has just ended."""
    try:
        return process.read_text(errors="replace").strip()
    except OSError:
        return ""
