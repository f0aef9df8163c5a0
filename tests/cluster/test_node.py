"""A machine becomes the head and is it no longer, by the commands; nothing of it can be reached from elsewhere."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from support.clusters import Head, command
from support.running import alive

from diffroll_live.cli import exit_codes

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


def test_a_machine_is_a_head_until_it_is_told_to_be_none(tmp_path: Path) -> None:
    """One scene: to start Ray takes its time."""
    with Head(tmp_path) as head:
        begin(head)
        assert len(head.pids) > 3
        assert set(listening(head.pids).values()) <= LOCAL
        assert "This machine is a node already" in head.start().stderr
        end(head)
        assert "is not part of a cluster" in head.stop().stdout


def begin(head: Head) -> None:
    started = head.start()
    assert started.returncode == exit_codes.OK, started.stderr
    assert head.address in started.stdout


def end(head: Head) -> None:
    stopped = head.stop()
    assert stopped.returncode == exit_codes.OK, stopped.stderr
    assert "no longer part of a cluster" in stopped.stdout
    assert not [pid for pid in head.pids if alive(pid)]


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = command("cluster", "start", "--port", port, XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == exit_codes.PORT
    assert f"Port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert not list(tmp_path.iterdir())
