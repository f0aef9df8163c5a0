"""What fails for one client is logged and told to that client; the loops that serve the others go on."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest
from support.osc_client import TIMEOUT
from support.running import RunningDaemon
from support.script_client import Script, put

from diffroll_live.audio.capture.messages import Block, Opened
from diffroll_live.errors import DiffrollError, FileError, InternalError, NoSuchDevice
from diffroll_live.osc.codec import decode_message
from diffroll_live.osc.replies import Error
from diffroll_live.osc.server_codec import write_reply
from diffroll_live.server.audio import capture
from diffroll_live.server.audio.handlers import AudioHandlers
from diffroll_live.server.endpoints import spool, spool_folder
from diffroll_live.server.event_router import EventRouter
from diffroll_live.server.jobs.delivery import NoteDelivery
from diffroll_live.server.surviving import surviving
from diffroll_live.worker.messages import Ready, Started


class Fault(Exception):
    """What no code expects."""


def fail(*_: object, **__: object) -> None:
    raise Fault("as planned")


@pytest.fixture
def daemon(tmp_path) -> Iterator[RunningDaemon]:
    with RunningDaemon(tmp_path, spool=tmp_path / "spool") as running:
        yield running


def test_a_failure_is_logged_told_and_over(caplog):
    told: list[DiffrollError] = []
    with surviving("it", told.append):
        fail()
    with surviving("it", told.append):
        raise FileError("No.")
    with surviving("it", fail):
        fail()
    assert [(error.code, "as planned" in error.text) for error in told] == [("internal", True), ("file-refused", False)]
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [
        "it failed",
        "it failed",
        "it failed, and nobody could be told",
    ]


def test_an_error_whose_text_is_no_utf8_is_told_all_the_same():
    (packet,) = write_reply(Error("take", "file-refused", "caf\udce9 " * 400), 1024)
    assert decode_message(packet).arguments[2].startswith("caf? caf?")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_an_endpoint_outlives_a_failure(daemon, monkeypatch, kind):
    with getattr(daemon, kind)() as client, monkeypatch.context() as patch:
        patch.setattr("diffroll_live.server.dispatch.decode", fail)
        client.send("/diffroll/ping", 1)
        assert client.expect("/diffroll/error").args[1] == "internal"
    with getattr(daemon, kind)() as client:
        client.ping()


@pytest.mark.slow
def test_the_spool_outlives_a_failure(daemon, monkeypatch):
    script = Script(daemon.spool)
    with monkeypatch.context() as patch:
        patch.setattr(spool, "read_line", fail)
        script.send(["/diffroll/ping", 1])
        assert script.next()[:3] == ["/diffroll/error", "packet", "internal"]
    with monkeypatch.context() as patch:
        broken = threading.Event()
        patch.setattr(spool_folder, "_read", lambda _: broken.set() or fail())
        put(daemon.spool, f"{script.name}.000002.jsonl", b'["/diffroll/ping", 2]\n')
        assert broken.wait(TIMEOUT)
    assert script.next() == ["/diffroll/pong", 2]


@pytest.mark.slow
def test_the_daemon_outlives_its_chores(daemon, monkeypatch):
    failed = threading.Event()
    monkeypatch.setattr(AudioHandlers, "sweep", lambda *_: failed.set() or fail())
    assert failed.wait(TIMEOUT)
    with daemon.udp() as client:
        client.ping()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["send", "save"])
def test_a_job_whose_notes_cannot_be_delivered_ends_in_an_error_and_the_next_is_run(daemon, monkeypatch, part):
    with daemon.udp() as client:
        with monkeypatch.context() as patch:
            patch.setattr(NoteDelivery, part, fail)
            client.send("/diffroll/generate", "j", 1.0)
            assert client.collect("j").end.args[:2] == ("j", "internal")
        client.send("/diffroll/generate", "j", 1.0)
        assert client.collect("j").end.address == "/diffroll/job/done"


def test_events_reach_the_others_after_one_has_failed():
    events, got = EventRouter(), list[object]()
    events.follow(1, fail)
    events.follow(2, got.append)
    for listener in (fail, got.append):
        events.follow_process(listener)
    for event in (Started(1), Started(2), Ready(None)):
        events.route(event)
    assert got == [Started(2), Ready(None)]


class Subscriber:
    """Keeps what it is told."""

    closed = False

    def __init__(self) -> None:
        self.told: list[object] = []

    def opened(self, sample_rate: int) -> None:
        self.told.append(sample_rate)

    def captured(self, block: Block, channels: int) -> None:
        self.told.append(channels)

    def vanished(self, error: NoSuchDevice) -> None:
        self.told.append(error)

    def refused(self, error: DiffrollError) -> None:
        self.told.append(error)


def test_a_device_is_captured_for_the_others_after_one_has_failed():
    async def capture_for(*subscribers: Subscriber) -> None:
        shared = capture._Capture("piano")
        for each in subscribers:
            shared.add(each)
        shared._pass_on(Opened("piano", 48_000, 2))
        shared._pass_on(Block(0.0, False, 0, b""))
        await shared.close()

    bad, good = Subscriber(), Subscriber()
    bad.captured = fail
    asyncio.run(capture_for(bad, good))
    assert good.told == [48_000, 2]
    assert isinstance(bad.told[1], InternalError)
