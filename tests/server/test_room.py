"""Who makes room when there are more clients than the daemon admits, or than the system gives it files for."""

from __future__ import annotations

import signal
from contextlib import ExitStack

import pytest
from support.osc_client import TcpClient, UdpClient
from support.running import DaemonProcess, RunningDaemon
from support.uploads import upload_tone


def visit(daemon: RunningDaemon, times: int) -> None:
    """Say one word from many ports, as a shell loop around oscsend does."""
    for _ in range(times):
        with daemon.udp() as visitor:
            visitor.ping()


def test_visitors_that_own_nothing_leave_before_a_client_with_a_buffer(tmp_path):
    with RunningDaemon(tmp_path, max_clients=4) as daemon, daemon.udp() as owner:
        upload_tone(owner)
        visit(daemon, 10)
        owner.send("/diffroll/transcribe", "j", "b")
        assert owner.collect("j").end.address == "/diffroll/job/done"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("message", "request_", "answer"),
    [
        (("/diffroll/jam/start", "jam", "osc"), ("/diffroll/jam/stop", "jam"), "/diffroll/jam/state"),
        (("/diffroll/job/new", "j", "generate", ""), ("/diffroll/job/cancel", "j"), "/diffroll/job/cancelled"),
    ],
)
def test_a_client_with_a_jam_or_a_job_stays(tmp_path, kind, message, request_, answer):
    with RunningDaemon(tmp_path, max_clients=2) as daemon, getattr(daemon, kind)() as client:
        client.send(*message)
        client.ping()
        visit(daemon, 5)
        client.ask(*request_, answer=answer)


def test_a_client_that_watches_the_others_stays(tmp_path):
    with RunningDaemon(tmp_path, max_clients=2) as daemon, daemon.tcp() as watcher:
        watcher.send("/diffroll/watch", 1)
        watcher.ping()
        visit(daemon, 5)
        watcher.expect("/diffroll/watch/client")


def test_idle_connections_make_room_and_are_told(tmp_path):
    with RunningDaemon(tmp_path, max_clients=3) as daemon, ExitStack() as stack:
        idle = [stack.enter_context(daemon.tcp()) for _ in range(3)]
        for connection in reversed(idle):
            connection.ping()  # the last one is silent longest
        with daemon.udp() as late, daemon.tcp() as later:
            late.ping()
            later.ping()
        for connection in idle[1:]:
            assert connection.next().args[:2] == ("client", "busy")
            assert connection.socket.recv(1) == b""
        idle[0].ping()


@pytest.mark.slow
def test_when_all_own_something_the_one_silent_longest_makes_room_unless_it_is_connected(tmp_path):
    with RunningDaemon(tmp_path, max_clients=3) as daemon, ExitStack() as stack:
        connected, first, second = (stack.enter_context(kind()) for kind in (daemon.tcp, daemon.udp, daemon.udp))
        for client in (connected, first, second):
            upload_tone(client)
        visit(daemon, 1)
        for client, kept in ((connected, True), (second, True), (first, False)):
            client.send("/diffroll/transcribe", "j", "b")
            assert (client.collect("j").end.address == "/diffroll/job/done") is kept


@pytest.mark.slow
def test_a_crowd_that_comes_at_once_leaves_the_daemon_files_to_work_with(tmp_path):
    pytest.importorskip("resource")
    with DaemonProcess(tmp_path, "--few-files") as daemon, ExitStack() as stack:
        daemon.process.send_signal(signal.SIGSTOP)  # so that all of them wait when it goes on
        for _ in range(100):
            stack.enter_context(TcpClient(daemon.port))
        daemon.process.send_signal(signal.SIGCONT)
        with UdpClient(daemon.port) as owner:
            upload_tone(owner)
        daemon.process.terminate()
        _, log = daemon.process.communicate()
        assert "system resource" not in log


@pytest.mark.slow
def test_a_crowd_of_connections_leaves_the_daemon_files_to_work_with(tmp_path):
    pytest.importorskip("resource")
    with DaemonProcess(tmp_path, "--few-files") as daemon, ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(TcpClient(daemon.port))
        with UdpClient(daemon.port) as owner, TcpClient(daemon.port) as other:
            upload_tone(owner)
            other.ping()
        daemon.process.terminate()
        _, log = daemon.process.communicate()
        assert "system resource" not in log
