"""This machine posing as one of another system, for code that asks where its folders are."""

from __future__ import annotations

import sys

import platformdirs
import pytest
from platformdirs import macos, unix, windows

SYSTEMS = {"linux": unix.Unix, "darwin": macos.MacOS, "win32": windows.Windows}
VARIABLES = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "APPDATA", "LOCALAPPDATA")


def pose_as(system: str, monkeypatch: pytest.MonkeyPatch, home: str, **variables: str) -> None:
    """Make this a ``system`` (of sys.platform) whose user lives at ``home`` and has set ``variables``."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platformdirs, "PlatformDirs", SYSTEMS[system])
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if system == "win32":  # where these are always set, and the shell, which we lack, says the same
        monkeypatch.setattr(windows, "_RESOLVE_WIN_FOLDER", windows.get_win_folder_from_env_vars)
        variables = {"APPDATA": f"{home}/AppData/Roaming", "LOCALAPPDATA": f"{home}/AppData/Local", **variables}
    for name, value in {"HOME": home, **variables}.items():
        monkeypatch.setenv(name, value)
