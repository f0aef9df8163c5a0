"""The daemon as a process: signals, crashes, and an end that leaves nothing behind."""

from __future__ import annotations

import os
import signal

import pytest
from support.osc_client import UdpClient
from support.running import DaemonProcess, alive
from support.waiting import wait_until

TIMEOUT = 30.0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("whole_group", [False, True])
def test_a_signal_ends_the_daemon_its_notes_and_its_child(tmp_path, number, whole_group):
    with DaemonProcess(tmp_path) as daemon, UdpClient(daemon.port) as client:
        client.send("/diffroll/job/new", "long", "generate", "")
        client.send("/diffroll/job/set", "long", "steps", 1000)
        client.send("/diffroll/job/run", "long")
        client.expect("/diffroll/job/progress")
        calls = daemon.end(number, whole_group=whole_group)
        assert calls[-1] == ["close", ""]
        assert not any(alive(pid) for pid in daemon.children)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminal hangs up here")
@pytest.mark.parametrize("ignored", [False, True])
def test_the_end_of_the_terminal_ends_the_daemon_unless_nohup_has_it_ignored(tmp_path, ignored):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)  # inherited by the daemon
    try:
        daemon = DaemonProcess(tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    with daemon, UdpClient(daemon.port) as client:
        daemon.process.send_signal(signal.SIGHUP)
        if ignored:
            client.ping()
        daemon.end(signal.SIGTERM if ignored else signal.SIGHUP)


@pytest.mark.slow
def test_further_signals_do_not_keep_the_daemon_from_ending_its_notes(tmp_path):
    with DaemonProcess(tmp_path, "--slow") as daemon:
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.line() == {"close": "begun"}
        daemon.process.send_signal(signal.SIGINT)
        calls = daemon.end(signal.SIGTERM)
        assert [call for call, _ in calls] == ["close"]
        assert not any(alive(pid) for pid in daemon.children)


@pytest.mark.slow
def test_a_killed_daemon_leaves_no_process_behind(tmp_path):
    with DaemonProcess(tmp_path) as daemon, UdpClient(daemon.port) as client:
        client.send("/diffroll/job/new", "long", "generate", "")
        client.send("/diffroll/job/set", "long", "steps", 1000)
        client.send("/diffroll/job/run", "long")
        client.expect("/diffroll/job/progress")
        daemon.process.kill()
        wait_until(lambda: not any(alive(pid) for pid in daemon.children), "the engine to end with its daemon")


@pytest.mark.slow
def test_a_daemon_whose_engine_is_killed_goes_on(tmp_path):
    with DaemonProcess(tmp_path) as daemon, UdpClient(daemon.port) as client:
        client.upload("kept", b"\0" * 64_000, rate=16_000, channels=1)
        client.send("/diffroll/job/new", "long", "generate", "")
        client.send("/diffroll/job/set", "long", "steps", 1000)
        client.send("/diffroll/job/run", "long")
        client.expect("/diffroll/job/progress")
        (child,) = daemon.children
        os.kill(child, signal.SIGKILL)
        assert client.collect("long").end.args[:2] == ("long", "internal")
        client.ping()
        client.send("/diffroll/transcribe", "after", "kept")
        assert client.collect("after").end.address == "/diffroll/job/done"
