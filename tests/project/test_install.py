"""What `make install` does about missing system packages; nothing is installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import pytest
from support.paths import ROOT

SCRIPT = ROOT / "script" / "install"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, on a Linux machine that has nothing yet."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = spec_from_loader("install", SourceFileLoader("install", str(SCRIPT)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(module.ctypes.util, "find_library", lambda name: None)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(module, "SOUND_FONTS", ())
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    return module


def test_root_installs_without_being_asked_anything(install, monkeypatch):
    calls = []

    def record(command, env, stdin, check):
        calls.append((command[1], env["DEBIAN_FRONTEND"], stdin, set(command[3:])))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", record)
    install.ensure_system_packages(install.missing_system_packages())
    assert [call[:3] for call in calls] == [
        ("update", "noninteractive", subprocess.DEVNULL),
        ("install", "noninteractive", subprocess.DEVNULL),
    ]
    assert {"libportaudio2", "jackd2", "fluidsynth", "fluid-soundfont-gm", "python3-venv", "-y"} <= calls[1][3]


def test_programs_that_only_tests_run_are_asked_for_only_by_tests(install):
    assert set(install.missing_test_packages()) == set(install.TEST_PACKAGES)
    assert not set(install.missing_system_packages()) & set(install.TEST_PACKAGES)


def test_others_are_told_the_command(install, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match=r"sudo apt-get install .*jackd2"):
        install.ensure_system_packages(install.missing_system_packages())


def test_a_system_without_apt_is_told_what_is_missing(install, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="jackd2"):
        install.ensure_system_packages(install.missing_system_packages())


def test_apt_that_fails_is_told(install, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 100))
    with pytest.raises(SystemExit, match="apt-get failed"):
        install.ensure_system_packages(install.missing_system_packages())


def test_other_systems_need_no_system_packages(install, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    install.ensure_system_packages(install.missing_system_packages())


def test_the_fingerprint_follows_what_is_installed(install, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script").mkdir()
    for name in ("requirements.txt", "pyproject.toml", "script/uv.txt"):
        (tmp_path / name).write_text(name)
    before = install.wanted_fingerprint()
    assert install.wanted_fingerprint() == before
    (tmp_path / "requirements.txt").write_text("more")
    assert install.wanted_fingerprint() != before


def test_a_python_can_be_chosen(install, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "run", lambda *command: made.append(command[-2]))
    monkeypatch.setattr(sys, "argv", ["install", "--python", "3.12"])
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.11.7\n")
    install.ensure_venv("uv")
    assert made == ["3.12"]
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.12.1\n")
    install.ensure_venv("uv")
    monkeypatch.setattr(sys, "argv", ["install"])
    install.ensure_venv("uv")
    assert made == ["3.12"]
    (tmp_path / "pyvenv.cfg").unlink()
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    install.ensure_venv("uv")
    assert made == ["3.12", "3.12"]
