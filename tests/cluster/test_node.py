"""A machine becomes the head and is it no longer, by the commands; nothing of it can be reached from elsewhere."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from support.clusters import Head, command, deploy, generate
from support.fake_engine import make_engine
from support.recorder import RecordingScheduler
from support.running import RunningDaemon, alive
from support.waiting import wait_until

from diffroll_live.cli import exit_codes
from diffroll_live.cluster.daemon_process import main
from diffroll_live.cluster.link import ClusterEngine
from diffroll_live.model.checkpoints.folder import find_model

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.timeout(400),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes and sockets as Linux shows them"),
]

WAIT = 150.0  # s, that a cluster may need to be given up or found
LONG = 4  # jobs
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


def test_a_machine_is_a_head_that_is_lost_and_found_again(tmp_path: Path) -> None:
    """One scene: to start Ray takes its time."""
    with Head(tmp_path) as head:
        begin(head)
        assert len(head.pids) > 3
        assert set(listening(head.pids).values()) <= LOCAL
        assert "This machine is a node already" in head.start().stderr
        deploy(head.address, tmp_path, replicas=1)
        engine = ClusterEngine(head.address, find_model("compact").sha256, make_engine)
        with RunningDaemon(tmp_path, engine, RecordingScheduler(), entry=main) as daemon, daemon.tcp() as client:
            for number in range(LONG):  # 20 s each, one after another; to end Ray takes its time as well
                generate(client, f"long {number}", steps=1000)
            client.expect("/diffroll/job/progress", timeout=WAIT)
            end(head)
            last = f"long {LONG - 1}"
            assert client.collect(last, timeout=WAIT).end.args[:2] == (last, "engine-lost")
            begin(head)
            deploy(head.address, tmp_path, replicas=1)
            wait_until(lambda: daemon.worker.is_ready, "the daemon has found the cluster", WAIT)
            generate(client, "again")
            assert client.collect("again", timeout=WAIT).end.address == "/diffroll/job/done"
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
