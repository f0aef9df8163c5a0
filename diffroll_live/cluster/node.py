"""A machine as a node of a cluster: ``ray start`` in the background, known by a lock that ends with it."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from diffroll_live.cluster.ray_library import require_ray
from diffroll_live.errors import EngineLost, FileError, PortError, RequestError
from diffroll_live.files.atomic import make_folder, write_atomic
from diffroll_live.files.lock import take_lock

START_SECONDS = 120.0
STOP_SECONDS = 30.0
TRIES = 3  # where Ray gives itself up
_LOOK = 0.1  # s between looks
_TAIL = 2000  # bytes of the log that are looked at for a reason
#: gRPC leaves forks alone: otherwise what Ray's proxy starts for a client now and then ends at once.
FORKS = {"GRPC_ENABLE_FORK_SUPPORT": "0"}
AGENTS = (
    "--dashboard-agent-listen-port",
    "--dashboard-agent-grpc-port",
    "--metrics-export-port",
    "--runtime-env-agent-port",
)
#: Ray stays with its command, and leaves out what is of no use here: the dashboard, collected logs, rented machines.
PLAIN = ("--block", "--disable-usage-stats", "--include-dashboard=false", "--include-log-monitor=false", "--no-monitor")
_ALREADY = "This machine is a node already; 'diffroll-live cluster stop' ends that."
_STARTED = "Ray runtime started"  # in the log of ``ray start``
_BUSY = "timed out during startup"  # there as well, where a part of Ray was not there within 15 s


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How this machine takes part. None leaves a number to Ray."""

    host: str = "127.0.0.1"  # this machine's address, on which it listens
    port: int = 6379  # of the head, to which other nodes come
    client_port: int = 10_001  # of the head, to which daemons come
    join: str = ""  # HOST:PORT of the head; empty: be the head
    cores: int | None = None
    gpus: int | None = None
    store: int | None = None  # MiB of memory for audio on its way

    @property
    def is_local(self) -> bool:
        """Whether nobody else can reach it."""
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback

    def command(self) -> list[str]:
        """The command line that starts Ray; it ends when it is told to, and everything that it started with it.

        Its agents get ports that are free. Ray would have them choose, and end the node where that takes 15 s.
        """
        numbers = {
            "--num-cpus": self.cores,
            "--num-gpus": self.gpus,
            "--object-store-memory": self.store and self.store << 20,
        }
        place = (
            ["--address", self.join]
            if self.join
            else ["--head", "--port", str(self.port), "--ray-client-server-port", str(self.client_port)]
        )
        given = [word for flag, number in numbers.items() if number is not None for word in (flag, str(number))]
        agents = [f"{flag}={port}" for flag, port in zip(AGENTS, free_ports(self.host, len(AGENTS)), strict=True)]
        here = ["--node-ip-address", self.host]
        return [sys.executable, "-m", "ray.scripts.scripts", "start", *place, *here, *PLAIN, *agents, *given]


class Node:
    """The node of this machine, whose state is in a folder of the user's."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or platformdirs.user_state_path("diffroll-live", appauthor=False) / "cluster"

    @property
    def log(self) -> Path:
        """What Ray says."""
        return self._folder / "node.log"

    @property
    def runs(self) -> bool:
        """Whether there is a node of ours on this machine."""
        return self._folder.is_dir() and self._lock() is None

    def start(self, settings: NodeSettings) -> None:
        """Start the node and wait until it serves.

        Raises RequestError where a node runs or the system has no such nodes, PortError and EngineLost where it cannot
        start.
        """
        require_ray()
        try:
            ipaddress.ip_address(settings.host.replace("localhost", "127.0.0.1"))
        except ValueError as error:
            raise RequestError(
                f"{settings.host!r} is no IP address; give this machine's, such as 192.0.2.7."
            ) from error
        if os.name != "posix":
            raise RequestError("A node needs Linux or macOS; this machine can use a cluster, but not be part of one.")
        if self.runs:
            raise RequestError(_ALREADY)
        _check_free(settings)
        make_folder(self._folder)
        for _ in range(TRIES):
            if self._try(settings):
                return
        raise EngineLost(f"Ray did not start ({self._reason()}); {self.log} has the rest.")

    def _try(self, settings: NodeSettings) -> bool:
        """Start Ray; False where it has ended because this machine is busy. Raises RequestError, EngineLost."""
        lock = self._lock()
        if lock is None:
            raise RequestError(_ALREADY)
        try:
            process = self._spawn(settings, lock)
        finally:
            os.close(lock)  # the process has it from now on
        write_atomic(self._folder / "node.json", json.dumps({"pid": process.pid}).encode())
        try:
            _await(lambda: process.poll() is not None or self._serves(settings), START_SECONDS)
            if process.poll() is None and self._serves(settings):
                return True
            if process.poll() is None:
                raise EngineLost(f"Ray did not start within {START_SECONDS:.0f} s; {self.log} may say why.")
            if _BUSY not in self.log.read_text(errors="replace"):
                raise EngineLost(f"Ray did not start ({self._reason()}); {self.log} has the rest.")
        except BaseException:
            self.stop()
            raise
        self.stop()  # whatever it has left behind
        return False

    def stop(self) -> bool:
        """End the node with all that runs on it; False where there is none. Raises EngineLost when it does not end."""
        if not self.runs:
            return False
        try:
            pid = int(json.loads((self._folder / "node.json").read_text())["pid"])
        except (OSError, ValueError, KeyError) as error:
            raise FileError(
                f"{self._folder / 'node.json'} cannot be read ({error}); end Ray with 'ray stop'."
            ) from error
        for send, number in ((os.kill, signal.SIGTERM), (os.killpg, signal.SIGKILL)):  # it leads a group of its own
            with contextlib.suppress(ProcessLookupError):
                send(pid, number)
            if _await(lambda: not self.runs, STOP_SECONDS):
                return True
        raise EngineLost(f"The node (process {pid}) does not end; try 'ray stop --force'.")

    def _spawn(self, settings: NodeSettings, lock: int) -> subprocess.Popen[bytes]:
        # With 0, Ray stays on 127.0.0.1, in place of the machine's address in its network; with 1, it goes by ``host``.
        reach = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0" if settings.is_local else "1"}
        environment = {**os.environ, **FORKS, **reach}
        with self.log.open("wb") as log:
            return subprocess.Popen(
                settings.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=(lock,),
                start_new_session=True,
            )

    def _lock(self) -> int | None:
        try:
            return take_lock(self._folder / "node.lock")
        except OSError as error:
            raise FileError(
                f"{self._folder} cannot be used ({error.strerror}); make it yours, or remove it."
            ) from error

    def _serves(self, settings: NodeSettings) -> bool:
        started = _STARTED in self.log.read_text(errors="replace")
        return started and (bool(settings.join) or is_open(settings.host, settings.client_port))

    def _reason(self) -> str:
        lines = [line.strip() for line in self.log.read_text(errors="replace")[-_TAIL:].splitlines() if line.strip()]
        return lines[-1].rstrip(".") if lines else "it says nothing"


def _check_free(settings: NodeSettings) -> None:
    """Raise PortError for a port that is taken, or an address of elsewhere, which Ray would only say after a minute."""
    for port in (0,) if settings.join else (settings.port, settings.client_port):
        try:
            with socket.create_server((settings.host, port)):
                pass
        except OSError as error:
            place = f"Port {port} of {settings.host}" if port else settings.host
            text = f"{place} cannot be used ({error.strerror}); choose another port, or an address of this machine."
            raise PortError(text) from error


def is_open(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def free_ports(host: str, count: int) -> list[int]:
    """Some ports that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server((host, 0))) for _ in range(count)]
        return [int(server.getsockname()[1]) for server in servers]


def _await(holds: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK)
    return True
