"""A daemon whose work is done by two replicas on two nodes: the protocol and the notes of any daemon, whatever dies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.clusters import LocalCluster, command, deploy, generate
from support.fake_engine import make_engine
from support.osc_client import OscClient
from support.recorder import RecordingScheduler
from support.running import RunningDaemon
from support.stalling import StallingNetwork
from support.uploads import upload_tone
from support.waiting import wait_until

from diffroll_live import __version__
from diffroll_live.cli import exit_codes
from diffroll_live.cluster.daemon_process import main
from diffroll_live.cluster.link import ClusterEngine
from diffroll_live.errors import ChecksumMismatch, EngineLost
from diffroll_live.model.checkpoints.folder import find_model
from diffroll_live.notation.addresses import split_cluster

pytestmark = [pytest.mark.realtime, pytest.mark.timeout(400)]

STALLING = 400  # steps, in which a network has the time to stall
WAIT = 120.0  # s; replicas that have died need their time to come back
ENDS = ("/diffroll/job/done", "/diffroll/job/cancelled", "/diffroll/error")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def daemon(cluster: LocalCluster, folder: Path) -> Iterator[RunningDaemon]:
    """A daemon that computes on the cluster."""
    deploy(cluster.address, folder, replicas=2)
    engine = ClusterEngine(cluster.address, find_model("compact").sha256, make_engine)
    with RunningDaemon(folder, engine, RecordingScheduler(), entry=main) as running:
        yield running


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """One that computes here, for comparison."""
    with RunningDaemon(tmp_path_factory.mktemp("local"), scheduler=RecordingScheduler()) as running:
        yield running


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[OscClient]:
    with daemon.tcp() as one:
        yield one


def test_what_serves_is_shown(daemon: RunningDaemon, cluster: LocalCluster) -> None:
    done = command("cluster", "status", "--engine", cluster.address, "--json")
    overview = json.loads(done.stdout)
    assert [(node["address"], node["cores"]) for node in overview["nodes"]] == [("127.0.0.1", 1.0)] * 2
    assert sorted(node["is_head"] for node in overview["nodes"]) == [False, True]
    served = overview["served"]
    assert (served["replicas"], served["model"], served["state"]) == (2, "fake", "RUNNING")
    assert daemon.worker.info.device == f"cpu at {cluster.address}"


def test_the_notes_are_those_of_a_daemon_that_computes_itself(daemon: RunningDaemon, local: RunningDaemon) -> None:
    found = []
    for each in (daemon, local):
        with each.tcp() as client:
            upload_tone(client, seconds=3.0)
            client.send("/diffroll/job/new", "fill", "inpaint", "b")
            client.send("/diffroll/job/region", "fill", 1.0, 2.0, 48, 72)
            client.send("/diffroll/job/note", "fill", 60, 0.25, 0.5, 99)
            for key, value in (("steps", 6), ("seed", 11), ("variations", 2)):
                client.send("/diffroll/job/set", "fill", key, value)
            client.send("/diffroll/job/run", "fill")
            job = client.collect("fill", timeout=WAIT)
            replies = [reply.address for reply in job.before if reply.address != "/diffroll/note"]
            client.send("/diffroll/job/redecode", "fill", 0.02, 0.1)
            again = client.collect("fill", timeout=WAIT)
            found.append((job.notes, replies, job.end.args[:3], again.notes, again.end.args[:3]))
    assert found[0] == found[1]
    assert found[0][0]


def test_whichever_replica_decodes_again_gives_the_same_notes(client: OscClient) -> None:
    generate(client, "again")
    client.collect("again", timeout=WAIT)
    found = []
    for _ in range(8):  # one of two replicas each time
        client.send("/diffroll/job/redecode", "again", 0.02, 0.1)
        found.append(client.collect("again", timeout=WAIT).notes)
    assert found == [found[0]] * 8
    assert found[0]


def test_a_job_is_cancelled_in_the_replica(client: OscClient) -> None:
    for number in range(4):  # more than the replicas could have running if they went on
        generate(client, f"long {number}", steps=1000)
        client.expect("/diffroll/job/progress", timeout=WAIT)
        client.send("/diffroll/job/cancel", f"long {number}")
        assert client.collect(f"long {number}", timeout=WAIT).end.address == "/diffroll/job/cancelled"
    generate(client, "next")
    assert client.collect("next", timeout=WAIT).end.address == "/diffroll/job/done"


def test_a_job_whose_replica_is_killed_ends_with_the_same_notes(client: OscClient) -> None:
    generate(client, "whole")
    whole = client.collect("whole", timeout=WAIT)
    generate(client, "dies-once")
    job = client.collect("dies-once", timeout=WAIT)
    assert job.end.address == "/diffroll/job/done"
    assert {note[1]: note[2:] for note in job.notes} == {note[1]: note[2:] for note in whole.notes}


def test_a_job_that_kills_every_replica_is_told(client: OscClient) -> None:
    generate(client, "dies-half-way")
    end = client.collect("dies-half-way", timeout=WAIT).end
    assert end.args[:2] == ("dies-half-way", "engine-lost")
    generate(client, "next")
    assert client.collect("next", timeout=WAIT).end.address == "/diffroll/job/done"


def test_a_job_that_a_replica_has_too_little_memory_for_is_refused(client: OscClient) -> None:
    generate(client, "memory")
    end = client.collect("memory", timeout=WAIT).end
    assert end.args[:2] == ("memory", "out-of-memory")
    assert "use shorter audio" in end.args[2]
    generate(client, "next")
    assert client.collect("next", timeout=WAIT).end.address == "/diffroll/job/done"


def test_a_network_that_stalls_costs_no_job(client: OscClient, cluster: LocalCluster, tmp_path: Path) -> None:
    generate(client, "whole", steps=STALLING)
    whole = client.collect("whole", timeout=WAIT)
    with StallingNetwork(split_cluster(cluster.address)[1]) as network:
        engine = ClusterEngine(
            f"ray://127.0.0.1:{network.port}", find_model("compact").sha256, make_engine, patience=10.0
        )
        with RunningDaemon(tmp_path, engine, RecordingScheduler(), entry=main) as far, far.tcp() as one:
            generate(one, "stalled", steps=STALLING)
            one.expect("/diffroll/job/progress", timeout=WAIT)
            network.stall()
            wait_until(lambda: not far.worker.is_ready, "the daemon gives the cluster up", WAIT)
            network.go_on()
            job = one.collect("stalled", timeout=WAIT)
    assert job.end.address == "/diffroll/job/done"
    assert {note[1]: note[2:] for note in job.notes} == {note[1]: note[2:] for note in whole.notes}


def test_a_network_that_stalls_from_the_beginning_is_said(cluster: LocalCluster, tmp_path: Path) -> None:
    with StallingNetwork(split_cluster(cluster.address)[1]) as network:
        network.stall()
        engine = ClusterEngine(f"ray://127.0.0.1:{network.port}", "", make_engine, connecting=4.0)
        with (
            pytest.raises(EngineLost, match="has not answered for 4 s; look at the network"),
            RunningDaemon(tmp_path, engine, entry=main),
        ):
            pass


def test_another_version_on_the_cluster_is_refused(cluster: LocalCluster) -> None:
    done = command(cluster.address, program="support.other_version")
    assert done.returncode == exit_codes.DAEMON
    assert f"has version {__version__} of diffroll-live, this is 0.0.1; install the same on both." in done.stderr


def test_many_clients_are_served_at_a_time(daemon: RunningDaemon) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(daemon.tcp()) for _ in range(32)]
        for number, one in enumerate(clients):
            generate(one, "mine", seed=number, steps=2)
        for number, one in enumerate(clients):
            job = one.collect("mine", timeout=WAIT)
            assert job.end.args[:3] == ("mine", 8, number)


def test_another_model_than_the_daemons_is_refused(
    daemon: RunningDaemon, cluster: LocalCluster, tmp_path: Path
) -> None:
    engine = ClusterEngine(cluster.address, "0" * 64, make_engine)
    with pytest.raises(ChecksumMismatch, match="other weights"), RunningDaemon(tmp_path, engine, entry=main):
        pass


def test_a_daemon_without_a_cluster_says_so(tmp_path: Path) -> None:
    engine = ClusterEngine("ray://127.0.0.1:1", "", make_engine)
    with pytest.raises(EngineLost, match="There is no cluster at"), RunningDaemon(tmp_path, engine, entry=main):
        pass


def test_a_removed_node_costs_no_job(client: OscClient, cluster: LocalCluster) -> None:
    names = [f"job {number}" for number in range(4)]
    generate(client, "long", steps=400)
    client.expect("/diffroll/job/progress", timeout=WAIT)
    cluster.tell("remove")
    assert client.collect("long", timeout=WAIT).end.address == "/diffroll/job/done"
    for name in names:
        generate(client, name)
        assert client.collect(name, timeout=WAIT).end.address == "/diffroll/job/done"
