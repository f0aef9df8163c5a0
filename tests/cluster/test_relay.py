"""The relay without a cluster: replicas that die, that are many too few, that fall silent, and daemons that leave."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.asking import planned
from support.ray_errors import ActorDiedError, BackPressureError

from diffroll_live.cluster import relay as relays
from diffroll_live.cluster.relay import TRIES, Mailbox, Relay
from diffroll_live.cluster.replica import Parcel
from diffroll_live.errors import DeviceMemory, EngineLost
from diffroll_live.types import Options, Request, Result
from diffroll_live.worker.messages import Failed, Finished, Progressed, Run, Started

PARCEL = Parcel(Run(5, planned(Request("job", "generate", None, options=Options(seconds=1.0))), "client"))
DONE = Finished(5, Result("job", ((),), 0))


class Stream:
    """What a call of a replica gives: events, errors in their place, or s of silence before them."""

    def __init__(self, steps: list[Any]) -> None:
        self.steps, self.cancelled = steps, asyncio.Event()

    def cancel(self) -> None:
        self.cancelled.set()

    async def __anext__(self) -> tuple[Any, ...]:
        if not self.steps:
            await asyncio.Event().wait()
        if isinstance(step := self.steps.pop(0), float):
            await asyncio.sleep(step)
            step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return (step,)


class Replicas:
    """Stands for the handle of a deployment: each call takes the next answer."""

    def __init__(self, *answers: list[Any]) -> None:
        self.streams = [Stream(list(steps)) for steps in answers]
        self.calls = 0
        self.answer = self

    def options(self, *, stream: bool) -> Replicas:
        assert stream
        return self

    def remote(self, parcel: Parcel) -> Stream:
        assert parcel is PARCEL
        self.calls += 1
        return self.streams[self.calls - 1]


async def outcome(replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Submit the parcel; give all events."""
    monkeypatch.setattr(Relay, "_handle", replicas)
    relay = Relay("app")
    await relay.submit("daemon", PARCEL)
    found: list[Any] = []
    while not found or not isinstance(found[-1], Finished | Failed):
        found += await relay.events("daemon", len(found))
    return found


def test_events_come_as_they_are(monkeypatch):
    replicas = Replicas([Started(5), Progressed(5, 1, 2), DONE])
    assert asyncio.run(outcome(replicas, monkeypatch)) == [Started(5), Progressed(5, 1, 2), DONE]


def test_a_replica_that_dies_is_replaced(monkeypatch):
    replicas = Replicas([Started(5), ActorDiedError()], [Started(5), DONE])
    assert asyncio.run(outcome(replicas, monkeypatch)) == [Started(5), Started(5), DONE]


def test_work_with_which_every_replica_dies_is_given_up(monkeypatch):
    replicas = Replicas(*[[ActorDiedError()]] * TRIES)
    (end,) = asyncio.run(outcome(replicas, monkeypatch))
    assert end.error.code == "engine-lost"
    assert replicas.calls == TRIES


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BackPressureError(1, 1), "busy"),
        (DeviceMemory("Too little."), "out-of-memory"),
        (RuntimeError("no"), "internal"),
    ],
)
def test_what_is_no_death_is_told_at_once(monkeypatch, error, code):
    replicas = Replicas([error])
    (end,) = asyncio.run(outcome(replicas, monkeypatch))
    assert end.error.code == code


@pytest.mark.parametrize(("served", "code"), [(True, ""), (False, "engine-lost")])
def test_silence_is_waited_out_only_while_a_replica_runs(monkeypatch, served, code):
    monkeypatch.setattr(relays, "SILENCE", 0.01)
    looks: list[str] = []
    monkeypatch.setattr(relays, "is_served", lambda app: looks.append(app) or served)
    (end,) = asyncio.run(outcome(Replicas([0.1, DONE]), monkeypatch))
    assert looks
    assert (end.error.code if code else end) == (code or DONE)


def test_cancelled_work_ends_and_its_replica_hears_of_it(monkeypatch):
    replicas = Replicas([Started(5)])

    async def scene() -> list[Any]:
        monkeypatch.setattr(Relay, "_handle", replicas)
        relay = Relay("app")
        await relay.submit("daemon", PARCEL)
        found = list(await relay.events("daemon", 0))
        await relay.cancel("daemon", 5)
        await relay.cancel("daemon", 6)
        await relay.cancel("nobody", 5)
        return found + list(await relay.events("daemon", 1))

    started, end = asyncio.run(scene())
    assert started == Started(5)
    assert end.error.code == "cancelled"
    assert replicas.streams[0].cancelled.is_set()


def test_a_daemon_that_asks_no_more_is_forgotten_with_its_work(monkeypatch):
    monkeypatch.setattr(relays, "PATIENCE", 0.01)
    monkeypatch.setattr(relays, "LEASE", 0.02)
    replicas = Replicas([Started(5)])

    async def scene() -> None:
        monkeypatch.setattr(Relay, "_handle", replicas)
        relay = Relay("app")
        await relay.submit("daemon", PARCEL)
        await replicas.streams[0].cancelled.wait()
        with pytest.raises(EngineLost, match="started again"):
            await relay.events("daemon", 1)

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_events_are_kept_until_they_are_taken() -> None:
    async def scene() -> None:
        mailbox = Mailbox()
        mailbox.post(Started(1), Started(2))
        assert await mailbox.take(0) == (Started(1), Started(2))
        assert await mailbox.take(0) == (Started(1), Started(2))  # the answer was lost on its way
        mailbox.post(Started(3))
        assert await mailbox.take(2) == (Started(3),)

    asyncio.run(scene())
