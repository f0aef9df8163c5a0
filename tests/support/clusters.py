"""Real clusters for tests, and the commands that use them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from diffroll_live.cli import exit_codes
from diffroll_live.cluster.node import free_ports
from support.osc_client import OscClient
from support.paths import ROOT, TESTS

#: What every process of a cluster finds of ours. Nothing computes with more than a core, and Ray, which is large and
#: starts dozens of processes, is compiled once.
ENVIRONMENT = {
    "PYTHONPATH": f"{ROOT}{os.pathsep}{TESTS}",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "",
}

END_SECONDS = 30.0
STARTS = 3  # tries; Ray gives up a node that is not there within 30 s, as on a busy machine


def session_of(leader: int) -> set[int]:
    """The processes of a session, whoever their parents are by now; empty where Linux does not show them."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) == leader and state != "Z":
            found.add(int(entry.name))
    return found


class LocalCluster:
    """Two nodes of a core each, until the block ends."""

    def __enter__(self) -> Self:
        for left in reversed(range(STARTS)):
            self._start()
            try:
                self.address: str = self._line()["address"]
            except AssertionError:
                self._end()
                if not left:
                    raise
            else:
                break
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _start(self) -> None:
        command = [sys.executable, "-m", "support.cluster_process"]
        self.process = subprocess.Popen(
            command,
            cwd=TESTS,
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _end(self) -> None:
        try:
            self.process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        for pid in session_of(self.process.pid):  # whatever it has left behind
            os.kill(pid, signal.SIGKILL)

    def tell(self, command: str) -> None:
        """Have the cluster change, and wait until it has."""
        assert self.process.stdin is not None
        print(command, file=self.process.stdin, flush=True)
        assert self._line() == {"done": command}

    def _line(self) -> dict[str, str]:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            if line.startswith("{"):
                return dict(json.loads(line))
        raise AssertionError("the cluster has ended")


class Head:
    """This machine as the head of a cluster of one core, by the commands, until the block ends."""

    def __init__(self, folder: Path) -> None:
        self._home = {"XDG_STATE_HOME": str(folder)}
        port, client_port = free_ports("127.0.0.1", 2)
        self._place = ("--port", str(port), "--client-port", str(client_port), "--cores", "1", "--store", "80")
        self.address = f"ray://127.0.0.1:{client_port}"
        self.folder = folder
        self.pids: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> subprocess.CompletedProcess[str]:
        """Become the head; ``pids`` are its processes then."""
        done = command("cluster", "start", *self._place, **self._home)
        if done.returncode == exit_codes.OK:
            (state,) = self.folder.rglob("node.json")
            self.pids = session_of(json.loads(state.read_text())["pid"])
        return done

    def stop(self) -> subprocess.CompletedProcess[str]:
        """Be the head no longer."""
        return command("cluster", "stop", **self._home)


def started(*words: str | Path, program: str = "diffroll_live", **environment: str) -> subprocess.Popen[str]:
    """Start a command of ours."""
    return subprocess.Popen(
        [sys.executable, "-m", program, *map(str, words)],
        cwd=TESTS,
        env={**os.environ, **ENVIRONMENT, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def command(*words: str | Path, program: str = "diffroll_live", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    process = started(*words, program=program, **environment)
    try:
        out, said = process.communicate(timeout=300)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, said)


def deploy(address: str, folder: Path, replicas: int) -> None:
    """Deploy the fake engine; ``folder`` remembers what has died once."""
    done = command(folder, address, str(replicas), program="support.cluster_engine")
    assert done.returncode == exit_codes.OK, done.stderr


def generate(client: OscClient, name: str, seconds: float = 4.0, **options: float) -> None:
    """Ask a daemon for music."""
    client.send("/diffroll/job/new", name, "generate", "")
    for key, value in {"seconds": seconds, **options}.items():
        client.send("/diffroll/job/set", name, key, value)
    client.send("/diffroll/job/run", name)
