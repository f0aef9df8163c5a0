"""A daemon's link without a cluster: what serves is checked, audio goes there once, and silence is the end."""

from __future__ import annotations

import gc
import queue
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.asking import planned
from support.fake_engine import INFO

from diffroll_live import __version__
from diffroll_live.cluster import link as links
from diffroll_live.cluster.link import Link, Uploads
from diffroll_live.cluster.replica import Parcel, Welcome
from diffroll_live.cluster.session import Session
from diffroll_live.errors import ChecksumMismatch, DiffrollError, EngineLost
from diffroll_live.types import AudioBuffer, Options, Request, Result
from diffroll_live.worker.messages import Computed, Finished, Redecode, Run, Started

ADDRESS = "ray://192.0.2.7:10001"
DONE = Finished(5, Result("job", ((),), 0))


class Remote:
    """A method of an actor: what it is asked for is computed when somebody waits for it."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def remote(self, *words: Any) -> Callable[[], Any]:
        return lambda: self._method(*words)


class Relay:
    """Stands for the relay, and for Ray: keeps what it gets, and answers with events until it is silent."""

    def __init__(self) -> None:
        self.replies: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.parcels: queue.SimpleQueue[Parcel] = queue.SimpleQueue()
        self.puts: list[Any] = []
        self.served = Welcome(__version__, INFO)
        self.welcome = Remote(lambda: self.served)
        self.submit = Remote(lambda _, parcel: self.parcels.put(parcel))
        self.events = Remote(lambda *_: self.replies.get())

    def get_actor(self, name: str) -> Relay:
        return self

    def get(self, ask: Callable[[], Any]) -> Any:
        return ask()

    def wait(self, asked: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return asked, []

    def put(self, samples: Any) -> str:
        self.puts.append(samples)
        return f"reference {len(self.puts)}"


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    made = Relay()
    monkeypatch.setattr(links, "connect", lambda address, patience, connecting: Session(made, address, patience))
    yield made
    made.replies.put(RuntimeError())  # whoever still asks ends


def run(serial: int, audio: AudioBuffer, name: str = "job") -> Run:
    return Run(serial, planned(Request(name, "transcribe", audio, options=Options(steps=2))), "client")


@pytest.fixture
def audio() -> AudioBuffer:
    return AudioBuffer("b", np.ones(44_100, np.float32), 44_100)


@pytest.mark.parametrize(
    ("served", "kind", "words"),
    [
        (Welcome("0.0.1", INFO), EngineLost, "serves version 0.0.1"),
        (Welcome(__version__, replace(INFO, sha256="1" * 64)), ChecksumMismatch, "other weights"),
    ],
)
def test_a_cluster_that_would_give_other_notes_is_refused(
    relay: Relay, served: Welcome, kind: type[DiffrollError], words: str
) -> None:
    relay.served = served
    with pytest.raises(kind, match=words):
        Link(ADDRESS, INFO.sha256)


def test_a_cluster_that_serves_nothing_is_refused(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> Relay:
        raise ValueError(name)

    monkeypatch.setattr(relay, "get_actor", find)
    with pytest.raises(EngineLost, match="Nothing is deployed at"):
        Link(ADDRESS, INFO.sha256)


def test_the_device_says_where_it_is(relay: Relay) -> None:
    assert Link(ADDRESS, INFO.sha256).info.device == f"{INFO.device} at {ADDRESS}"


def test_work_goes_there_and_its_events_come_back(relay: Relay, audio: AudioBuffer) -> None:
    reports: queue.SimpleQueue[Any] = queue.SimpleQueue()
    link = Link(ADDRESS, INFO.sha256)
    link.start(reports.put, reports.put)
    link.put(run(5, audio))
    parcel = relay.parcels.get(timeout=30)
    assert isinstance(parcel.work, Run)
    assert parcel.work.plan.audio is not None
    assert len(parcel.work.plan.audio.samples) == 0
    assert parcel.samples == ("reference 1",)
    relay.replies.put((Started(5), DONE))
    assert reports.get(timeout=30) == Started(5)
    assert reports.get(timeout=30) == Computed((("client", DONE.result.timings.total),))
    assert reports.get(timeout=30) == DONE


def test_what_is_decoded_again_takes_its_request_with_it(relay: Relay, audio: AudioBuffer) -> None:
    link = Link(ADDRESS, INFO.sha256)
    link.start(lambda _: None, lambda _: None)
    link.put(run(5, audio))
    link.put(Redecode(6, "job", 0.5, 0.1, "client"))
    first, again = relay.parcels.get(timeout=30), relay.parcels.get(timeout=30)
    assert again.before == first
    assert isinstance(first.work, Run)
    assert isinstance(again.work, Redecode)
    assert again.work.request_id == first.work.plan.id


def test_two_daemons_have_no_name_in_common(relay: Relay, audio: AudioBuffer) -> None:
    found = set()
    for _ in range(2):
        link = Link(ADDRESS, INFO.sha256)
        link.start(lambda _: None, lambda _: None)
        link.put(run(5, audio))
        work = relay.parcels.get(timeout=30).work
        assert isinstance(work, Run)
        found |= {work.plan.id, work.client}
    assert len(found) == 4


def test_a_silent_cluster_is_lost(relay: Relay) -> None:
    losses: queue.SimpleQueue[Exception] = queue.SimpleQueue()
    Link(ADDRESS, INFO.sha256, patience=0.05).start(lambda _: None, losses.put)
    assert isinstance(error := losses.get(timeout=30), EngineLost)
    assert "silent" in str(error)


def test_a_buffer_goes_there_once_and_is_forgotten_with_its_samples() -> None:
    puts: list[int] = []

    def put(samples: Any) -> int:
        puts.append(len(samples))
        return len(puts)

    uploads = Uploads(put)
    samples, others = np.ones(8, np.float32), np.ones(9, np.float32)
    assert [uploads.reference(each) for each in (samples, samples, others, samples)] == [1, 1, 2, 1]
    del samples
    gc.collect()
    assert puts == [8, 9]
    assert len(uploads._there) == 1
