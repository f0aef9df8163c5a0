"""A daemon in a process of its own on a real JACK server: a note that another program hears begin is heard to end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.jack import DummyJack, Listener
from support.osc_client import UdpClient
from support.running import DaemonProcess
from support.waiting import wait_until

NOTE = (60, 90)  # pitch, velocity
STARTS, ENDS = (0x90, *NOTE), (0x80, NOTE[0], 0)
STEPS = 100  # of the fake engine, which gives the note out after one second and works for another


@pytest.fixture
def daemon(jack: DummyJack, tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path, "--jack") as process:
        yield process


def strike(client: UdpClient, listener: Listener) -> None:
    """Run a job with a note of ten minutes until the note sounds; a busy machine may be too late for it."""
    for _ in range(5):
        client.send("/diffroll/job/new", "long", "generate", "")
        client.send("/diffroll/job/set", "long", "seconds", 2.0)
        client.send("/diffroll/job/region", "long", 1.0, 2.0)
        client.send("/diffroll/job/set", "long", "steps", STEPS)
        client.send("/diffroll/job/note", "long", NOTE[0], 0.0, 600.0, NOTE[1])
        client.send("/diffroll/job/run", "long")
        client.expect("/diffroll/note")
        deadline = time.monotonic() + 0.7
        while time.monotonic() < deadline:
            if STARTS in listener.receive():
                return
            time.sleep(0.005)
    pytest.fail("five times over, the note was late by more than 50 ms")


def kill_the_engine(daemon: DaemonProcess, client: UdpClient) -> None:
    os.kill(daemon.children[0], signal.SIGKILL)
    assert client.collect("long").end.args[:2] == ("long", "internal")


ENDINGS: dict[str, Callable[[DaemonProcess, UdpClient], object]] = {
    "cancel": lambda daemon, client: client.ask("/diffroll/job/cancel", "long", answer="/diffroll/job/cancelled"),
    "panic": lambda daemon, client: client.ask("/diffroll/panic", answer="/diffroll/panicked"),
    "a newer run": lambda daemon, client: client.send("/diffroll/job/run", "long"),
    "a crash of the engine": kill_the_engine,
    "SIGTERM": lambda daemon, client: daemon.end(signal.SIGTERM),
    "SIGINT": lambda daemon, client: daemon.end(signal.SIGINT),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_note_that_sounds_is_ended(daemon: DaemonProcess, listen: Callable[[str], Listener], ending: str) -> None:
    listener = listen("daemon:notes")
    with UdpClient(daemon.port) as client:
        strike(client, listener)
        assert ENDS not in listener.receive()
        ENDINGS[ending](daemon, client)
        wait_until(lambda: ENDS in listener.receive(), "the end of the note")
        if not ending.startswith("SIG"):
            client.ping()
