"""A machine becomes a node and is one no longer, by the commands; nothing of it can be reached from elsewhere."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest
from support.clusters import command, session_of
from support.running import alive

from diffroll_live.cli import exit_codes
from diffroll_live.cluster.node import free_ports

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.timeout(400),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes and sockets as Linux shows them"),
]

LISTENING = "0A"
LOCAL = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}  # as /proc/net/tcp says


def listening(pids: set[int]) -> dict[str, str]:
    """The sockets on which processes listen: addresses by inode."""
    sockets = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING:
                sockets[f"socket:[{fields[9]}]"] = fields[1].partition(":")[0]
    held = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                held.add(str(descriptor.readlink()))
            except OSError:
                continue
    return {inode: address for inode, address in sockets.items() if inode in held}


def test_a_machine_becomes_a_node_and_is_one_no_longer(tmp_path: Path) -> None:
    port, client_port = free_ports("127.0.0.1", 2)
    home = {"XDG_STATE_HOME": str(tmp_path)}
    place = ("--port", str(port), "--client-port", str(client_port), "--cores", "1", "--store", "80")
    started = command("cluster", "start", *place, **home)
    try:
        assert started.returncode == exit_codes.OK, started.stderr
        address = f"ray://127.0.0.1:{client_port}"
        assert address in started.stdout
        (state,) = tmp_path.rglob("node.json")
        pids = session_of(json.loads(state.read_text())["pid"])
        assert len(pids) > 3
        assert set(listening(pids).values()) <= LOCAL
        again = command("cluster", "start", *place, **home)
        assert again.returncode != exit_codes.OK
        shown = command("cluster", "status", "--engine", address)
        assert "Nothing is deployed" in shown.stdout, shown.stderr
    finally:
        stopped = command("cluster", "stop", **home)
    assert stopped.returncode == exit_codes.OK, stopped.stderr
    assert "no longer part of a cluster" in stopped.stdout
    assert not [pid for pid in pids if alive(pid)]
    assert "is not part of a cluster" in command("cluster", "stop", **home).stdout


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = command("cluster", "start", "--port", port, XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == exit_codes.PORT
    assert f"Port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert not list(tmp_path.iterdir())
