"""The branches for other systems, taken here: ports, locks, signals, folders. No proof that they work there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import soundfile
from support.fake_engine import make_engine
from support.running import RunningDaemon
from support.systems import pose_as

from diffroll_live.bench import machine
from diffroll_live.cli import diagnostics, surroundings
from diffroll_live.config import ServerConfig
from diffroll_live.errors import FileError
from diffroll_live.files import audio_file
from diffroll_live.integrations.install import hosts
from diffroll_live.midi import scheduler
from diffroll_live.panel import service as panel
from diffroll_live.server import clients
from diffroll_live.server.endpoints import sockets, spool_folder
from diffroll_live.web import server as web
from diffroll_live.worker import priority


def os_like(name: str, without: tuple[str, ...] = ()) -> Any:
    """A stand-in for the module os of one of our modules: another name, and functions that are missing there."""
    there = {key: value for key, value in vars(os).items() if key not in without}
    return SimpleNamespace(**there | {"name": name})


def reuses(bound: socket.socket) -> bool:
    return bool(bound.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))


@pytest.mark.parametrize(("name", "reused"), [("posix", True), ("nt", False)])
def test_a_port_is_never_shared_where_reuse_means_sharing(name, reused, monkeypatch):
    monkeypatch.setattr(sockets, "os", os_like(name))
    monkeypatch.setattr(web, "os", os_like(name))
    datagram, stream = sockets.bind(ServerConfig(port=0))
    page = panel.bind("127.0.0.1", 0)
    assert [reuses(stream), reuses(page), reuses(datagram)] == [reused, reused, False]
    monkeypatch.setattr(diagnostics, "os", os_like(name))
    port = stream.getsockname()[1]
    for bound in (stream, datagram, page):
        bound.close()
    assert [found.state for found in diagnostics.check_port(port)] == ["good"]


def test_a_spool_is_locked_with_what_windows_has(tmp_path, monkeypatch):
    locked: list[int] = []

    def lock(handle: int, mode: int, count: int) -> None:
        if locked:
            raise PermissionError(13, "locked")
        locked.append(handle)

    windows = ModuleType("msvcrt")
    windows.__dict__.update(locking=lock, LK_NBLCK=2)
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(spool_folder, "os", os_like("nt", ("geteuid",)))
    folder = tmp_path / "spool"
    first = spool_folder.SpoolFolder.open(folder)
    assert spool_folder.is_taken(folder)
    with pytest.raises(FileError, match="Another daemon has the spool"):
        spool_folder.SpoolFolder.open(folder)
    first.close()


def test_windows_limits_no_clients_by_its_open_files(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)  # which Windows lacks
    assert clients._affordable_clients() == clients._UNLIMITED


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["SIGHUP", "pthread_sigmask"])
def test_a_daemon_runs_where_a_signal_is_missing(missing, tmp_path, monkeypatch):
    code = f"import signal; del signal.{missing}; import diffroll_live.server.daemon as daemon; print(*daemon._SIGNALS)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == (2 if missing == "SIGHUP" else 3)
    monkeypatch.delattr(f"signal.{missing}")
    with RunningDaemon(tmp_path, make_engine) as daemon, daemon.udp() as client:
        client.ping()


def test_jobs_go_below_others_by_each_systems_own_call(monkeypatch):
    called: list[tuple[str, Any]] = []
    kernel = SimpleNamespace(
        GetCurrentThread=lambda: -2, SetThreadPriority=lambda thread, level: called.append(("win32", level))
    )
    mac = SimpleNamespace(pthread_set_qos_class_self_np=lambda kind, offset: called.append(("darwin", kind)))
    monkeypatch.setattr(priority.ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(priority.ctypes, "CDLL", lambda name: mac)
    for system in ("win32", "darwin", "freebsd14"):
        monkeypatch.setattr(sys, "platform", system)
        priority.let_others_go_first()
    assert called == [("win32", priority._BELOW_NORMAL), ("darwin", priority._UTILITY)]


def test_only_linux_is_asked_for_a_real_time_thread(monkeypatch):
    monkeypatch.setattr(scheduler, "os", os_like("posix", ("sched_setscheduler", "SCHED_RR", "sched_param")))
    for system in ("darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        scheduler._ask_for_priority()


@pytest.mark.parametrize(
    ("system", "listed", "program"),
    [
        ("darwin", "/Applications/REAPER.app/Contents/MacOS/REAPER\n/sbin/launchd\n", "REAPER"),
        (
            "win32",
            '"reaper.exe","4321","Console","1","95,000 K"\r\n"System","4","Services","0","1 K"\r\n',
            "reaper.exe",
        ),
    ],
)
def test_running_programs_are_listed_by_each_system(system, listed, program, monkeypatch):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(hosts.Path, "is_file", lambda path: False)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, listed, ""))
    assert program in hosts._processes()


def test_the_doctor_advises_what_each_system_can_do(monkeypatch):
    monkeypatch.setattr(diagnostics, "GOOD_RECEIVE_BUFFER", 1 << 40)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "setsockopt", lambda *_: None)
        (network,) = diagnostics.check_network()
    assert network.fix == "Send audio over TCP."
    assert list(diagnostics.check_jack()) == []


def test_recordings_are_opened_by_name_on_windows(tmp_path, monkeypatch):
    path = tmp_path / "tone.wav"
    soundfile.write(path, [0.1] * 4000, 8000)
    monkeypatch.setattr(audio_file, "os", os_like("nt", ("fsencode",)))
    assert audio_file.read_audio(path).seconds == 0.5


def test_a_machine_is_described_on_every_system(monkeypatch):
    named = subprocess.CompletedProcess([], 0, "Apple M4\n", "")
    monkeypatch.setattr(machine.subprocess, "run", lambda *_, **__: named)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert machine._cpu() == "Apple M4"
    monkeypatch.setattr(sys, "platform", "win32")
    assert machine._cpu()
    monkeypatch.setattr(machine, "os", os_like("nt", ("sysconf", "sched_getaffinity")))
    assert machine._memory_bytes() == 0
    assert machine.usable_cores() == os.cpu_count()


def test_a_private_folder_is_made_where_users_have_no_number(tmp_path, monkeypatch):
    monkeypatch.setattr(surroundings, "os", os_like("nt", ("getuid",)))
    monkeypatch.setattr(surroundings.tempfile, "gettempdir", lambda: str(tmp_path))
    assert surroundings._private_folder() == tmp_path / "diffroll-live-0"


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_every_system_says_where_its_folders_are(system, tmp_path, monkeypatch):
    pose_as(system, monkeypatch, str(tmp_path))
    found = hosts.system_folders()
    assert found.system == system
    assert found.settings.is_relative_to(tmp_path)
    assert found.data.is_relative_to(tmp_path)
