"""A head that ends under a daemon, and one that is started again in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.clusters import command, deploy, generate
from support.fake_engine import make_engine
from support.recorder import RecordingScheduler
from support.running import RunningDaemon

from diffroll_live.cli import exit_codes
from diffroll_live.cluster.daemon_process import main
from diffroll_live.cluster.link import ClusterEngine
from diffroll_live.cluster.node import free_ports
from diffroll_live.model.checkpoints.folder import find_model

pytestmark = [pytest.mark.realtime, pytest.mark.timeout(400)]

WAIT = 120.0  # s, that a cluster may need to be given up or found


def test_a_lost_head_is_told_and_a_new_one_is_used(tmp_path: Path) -> None:
    port, client_port = free_ports("127.0.0.1", 2)
    home, address = {"XDG_STATE_HOME": str(tmp_path)}, f"ray://127.0.0.1:{client_port}"
    ports = ("--port", str(port), "--client-port", str(client_port))

    def start() -> None:
        started = command("cluster", "start", *ports, "--cores", "1", "--store", "80", **home)
        assert started.returncode == exit_codes.OK, started.stderr
        deploy(address, tmp_path, replicas=1)

    try:
        start()
        engine = ClusterEngine(address, find_model("compact").sha256, make_engine)
        with RunningDaemon(tmp_path, engine, RecordingScheduler(), entry=main) as daemon, daemon.tcp() as client:
            generate(client, "long", steps=1000)
            client.expect("/diffroll/job/progress", timeout=WAIT)
            assert command("cluster", "stop", **home).returncode == exit_codes.OK
            assert client.collect("long", timeout=WAIT).end.args[:2] == ("long", "engine-lost")
            start()
            found, tries = "", 0
            while found != "/diffroll/job/done":  # until the daemon has found it
                tries += 1
                generate(client, f"again {tries}")
                found = client.collect(f"again {tries}", timeout=WAIT).end.address
    finally:
        command("cluster", "stop", **home)
