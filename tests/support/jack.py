"""A real JACK server for tests, and two clients that listen to what a MIDI port sends."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rtmidi

from diffroll_live.audio.jack.client import jack_answers
from diffroll_live.audio.jack.server import DummyJack
from support.waiting import TIMEOUT, wait_until


@pytest.fixture(scope="session")
def jack_server() -> Iterator[DummyJack]:
    """A JACK server of the test run's own; give `jack_server.environment` to a subprocess that is to find it."""
    with DummyJack(f"diffroll-test-{os.getpid()}") as server:
        yield server


@pytest.fixture
def jack(jack_server: DummyJack, monkeypatch: pytest.MonkeyPatch) -> DummyJack:
    """The same server as this process' default one, alive even after a test that killed it."""
    for name, value in jack_server.environment.items():
        monkeypatch.setenv(name, value)
    if not jack_server.is_running:
        jack_server.start()
    wait_until(lambda: jack_answers(jack_server.name), "the JACK server to answer")
    return jack_server


@pytest.fixture
def no_jack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no JACK server runs."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"diffroll-nobody-{os.getpid()}")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")


class Listener:
    """An rtmidi input of its own, connected to a source port."""

    def __init__(self, source: str) -> None:
        self._in = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="listener", queue_size_limit=50_000)
        wait_until(lambda: source in self._in.get_ports(), f"the port {source}")
        self._in.open_port(self._in.get_ports().index(source))
        self.messages: list[tuple[int, ...]] = []

    def receive(self) -> list[tuple[int, ...]]:
        """Everything so far."""
        while (received := self._in.get_message()) is not None:
            self.messages.append(tuple(received[0]))
        return self.messages

    def close(self) -> None:
        self._in.delete()


class MidiDump:
    """jackd2's own monitor as a subprocess, connected to a source port."""

    def __init__(self, source: str, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._output = tempfile.NamedTemporaryFile(suffix=".txt")  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            ["stdbuf", "-oL", "jack_midi_dump", "-a"],
            stdout=self._output,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        )
        wait_until(lambda: self._connect(source), f"jack_midi_dump to be connected to {source}")

    def _connect(self, source: str) -> bool:
        assert self._process.poll() is None, "jack_midi_dump ended"
        command = ["jack_connect", source, "midi-monitor:input"]
        return subprocess.run(command, env=self._environment, capture_output=True, timeout=60).returncode == 0

    def receive(self) -> list[tuple[int, ...]]:
        """Everything so far, read from lines such as `  55296: 90 3c 40 note on ...`."""
        lines = Path(self._output.name).read_text().splitlines(keepends=True)
        return [
            tuple(int(part, 16) for part in line.split(":")[1].split()[:3]) for line in lines if line.endswith("\n")
        ]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(TIMEOUT)
        self._output.close()


@pytest.fixture
def listen(jack: DummyJack) -> Iterator[Callable[[str], Listener]]:
    """Connect an rtmidi input to a port."""
    opened: list[Listener] = []

    def open_listener(source: str) -> Listener:
        opened.append(Listener(source))
        return opened[-1]

    yield open_listener
    for listener in opened:
        listener.close()


@pytest.fixture
def midi_dump(jack: DummyJack) -> Iterator[Callable[[str], MidiDump]]:
    """Connect jack_midi_dump to a port."""
    opened: list[MidiDump] = []

    def open_dump(source: str) -> MidiDump:
        opened.append(MidiDump(source, jack.environment))
        return opened[-1]

    yield open_dump
    for dump in opened:
        dump.close()
