"""What is around the daemon: MIDI ports, what the doctor finds; and how the daemon itself is doing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.jack import DummyJack
from support.running import RunningDaemon
from support.waiting import wait_until

from diffroll_live.audio.jack.xruns import XRUNS
from diffroll_live.cli.diagnostics import CHECKS
from diffroll_live.config import MidiConfig
from diffroll_live.errors import InternalError
from diffroll_live.osc.state_messages import DoctorQuery
from diffroll_live.osc.state_replies import DoctorFinding
from diffroll_live.server import surroundings
from diffroll_live.server.vitals import resident_mb


def test_the_ports_of_the_machine_are_listed(jack: DummyJack, client):
    client.send("/diffroll/midi/ports")
    count = client.expect("/diffroll/midi/ports").args[0]
    ports = [client.expect("/diffroll/midi/port").args for _ in range(count)]
    assert {port[0] for port in ports} <= {"in", "out"}


@pytest.mark.slow
def test_the_doctor_finds_what_it_finds_on_the_command_line(client):
    client.send("/diffroll/doctor")
    client.send("/diffroll/doctor")
    assert client.expect("/diffroll/error").args[1] == "busy"
    count = client.expect("/diffroll/doctor", timeout=100.0).args[0]
    found = [client.expect("/diffroll/doctor/finding").args for _ in range(count)]
    topics = {topic for topic, *_ in found}
    assert {"python", "torch", "models", "port"} <= topics <= {*CHECKS, "device", "port"}
    assert {state for _, state, *_ in found} <= {"good", "poor", "bad"}
    port = next(text for topic, _, text, _ in found if topic == "port")
    assert "a daemon runs on port" in port


def test_findings_are_given_again_for_a_while(monkeypatch):
    examinations, now = [], [1000.0]

    async def examine(*_: object) -> dict[str, object]:
        examinations.append(1)
        return {"findings": [{"topic": "midi", "state": "good", "text": f"number {len(examinations)}", "fix": ""}]}

    monkeypatch.setattr(surroundings, "_json_of", examine)
    monkeypatch.setattr(surroundings, "time", SimpleNamespace(monotonic=lambda: now[0]))
    handlers = surroundings.SurroundingsHandlers(MidiConfig(api="none"), lambda: 7770)

    async def asked() -> list[str]:
        client = Listening()
        handlers.handlers[DoctorQuery](client, DoctorQuery())
        await client.told.wait()
        return client.texts

    async def ask_and_ask() -> None:
        assert [await asked() for _ in range(3)] == [["number 1"]] * 3
        now[0] += surroundings.EXAMINED_FOR
        assert await asked() == ["number 2"]

    asyncio.run(ask_and_ask())


def test_an_examination_that_failed_is_not_begun_again_at_once(monkeypatch):
    asked = []

    async def fail(*_: object) -> dict[str, object]:
        asked.append(1)
        return {}

    monkeypatch.setattr(surroundings, "_json_of", fail)
    handlers = surroundings.SurroundingsHandlers(MidiConfig(api="none"), lambda: 7770)

    async def ask_twice() -> None:
        client = Failing()
        handlers.handlers[DoctorQuery](client, DoctorQuery())
        await client.told.wait()
        with pytest.raises(InternalError, match="run it in a terminal"):
            handlers.handlers[DoctorQuery](client, DoctorQuery())
        assert (client.errors, asked) == (["/diffroll/doctor"], [1])

    asyncio.run(ask_twice())


class Failing:
    """A client that keeps what its errors are about."""

    key = "udp:test"

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.told = asyncio.Event()

    def send_error(self, about: str, _: Exception) -> None:
        self.errors.append(about)
        self.told.set()


class Listening:
    """A client that keeps the texts of the findings that it gets."""

    key = "udp:test"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.told = asyncio.Event()

    def send(self, reply: object) -> None:
        if isinstance(reply, DoctorFinding):
            self.texts.append(reply.text)
            self.told.set()

    def send_error(self, about: str, error: Exception) -> None:
        raise AssertionError(about) from error


def test_memory_counts_the_children_too():
    assert resident_mb() > 10
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert resident_mb() >= 0.9 * pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.slow
def test_a_watcher_learns_how_the_daemon_is_doing(tmp_path):
    with RunningDaemon(tmp_path) as daemon, daemon.tcp() as client:
        client.send("/diffroll/watch")
        memory, restarts, losses, midi, playing, jack_xruns = client.expect("/diffroll/watch/daemon").args
        assert memory > 10
        assert (restarts, losses, midi, playing) == (0, 0, "There is no MIDI output.", 0)
        assert jack_xruns == (-1 if XRUNS.count is None else XRUNS.count)
        client.send("/diffroll/generate", "crash", 1.0)
        wait_until(lambda: client.until("/diffroll/watch/daemon")[0].args[1] == 1, "the restart to be counted")
