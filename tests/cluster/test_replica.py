"""A replica without a cluster: work of several daemons on one desk, decoded again by whoever remembers it or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support.asking import planned
from support.cluster_engine import ReplicaEngine
from support.fake_engine import INFO, make_engine, notes_of

from diffroll_live import __version__
from diffroll_live.cluster.replica import Parcel, Replica
from diffroll_live.errors import ChecksumMismatch
from diffroll_live.types import Options, Request
from diffroll_live.worker.messages import Failed, Finished, Noted, Progressed, Redecode, Run, WorkEvent


def run(serial: int, name: str = "job", **options: Any) -> Run:
    request = Request(name, "generate", None, options=Options(**{"seconds": 3.0, "steps": 2} | options))
    return Run(serial, planned(request), client="daemon/client")


async def events(replica: Replica, parcel: Parcel) -> list[WorkEvent]:
    return [event async for together in replica.answer(parcel) for event in together]


def notes(found: list[WorkEvent]) -> list[Any]:
    return sorted(item.note for event in found if isinstance(event, Noted) for item in event.notes)


def test_work_is_answered_under_its_own_number() -> None:
    async def scene() -> None:
        replica = Replica(make_engine, INFO.sha256)
        both = await asyncio.gather(*(events(replica, Parcel(run(7, name))) for name in ("a", "b")))
        for found in both:
            assert {event.serial for event in found} == {7}
            assert isinstance(found[-1], Finished)
            assert notes(found) == sorted(notes_of(run(7).plan, 0))
        assert (await replica.welcome()).version == __version__
        await replica.check_health()

    asyncio.run(scene())


def test_other_weights_than_the_deployed_ones_are_refused() -> None:
    with pytest.raises(ChecksumMismatch):
        Replica(make_engine, "1" * 64)


@pytest.mark.parametrize("remembers", [True, False])
def test_a_request_is_decoded_again_whether_it_was_answered_here_or_not(remembers: bool) -> None:
    first = Parcel(run(1))
    again = Parcel(Redecode(2, "job", 0.02, 0.1, "daemon/client"), before=first)

    async def scene() -> list[WorkEvent]:
        replica = Replica(make_engine, INFO.sha256)
        if remembers:
            await events(replica, first)
        return await events(replica, again)

    found = asyncio.run(scene())
    assert {event.serial for event in found} == {2}
    assert isinstance(end := found[-1], Finished)
    assert end.result.variations[0] == tuple(n for n in notes_of(run(1).plan, 0) if n.velocity > 2)
    assert end.result.variations[0]


def test_a_request_that_nobody_remembers_is_told() -> None:
    found = asyncio.run(events(Replica(make_engine, INFO.sha256), Parcel(Redecode(2, "job", 0.5, 0.1))))
    assert isinstance(end := found[-1], Failed)
    assert end.error.code == "unknown-job"


def test_work_ends_when_nobody_listens_any_more() -> None:
    async def scene() -> None:
        replica = Replica(make_engine, INFO.sha256)
        stream = replica.answer(Parcel(run(1, steps=1000)))
        async for together in stream:
            if any(isinstance(event, Progressed) for event in together):
                break
        await stream.aclose()
        assert isinstance((await events(replica, Parcel(run(2))))[-1], Finished)

    asyncio.run(scene())


def test_an_engine_that_fails_fails_one_piece_of_work(tmp_path: Any) -> None:
    engine: Callable[[], ReplicaEngine] = lambda: ReplicaEngine(tmp_path, INFO.sha256)  # noqa: E731

    async def scene() -> None:
        replica = Replica(engine, INFO.sha256)
        assert (await events(replica, Parcel(run(1, "raise"))))[-1].error.code == "internal"
        assert (await events(replica, Parcel(run(1, "daemon/memory"))))[-1].error.code == "out-of-memory"
        assert isinstance((await events(replica, Parcel(run(2))))[-1], Finished)

    asyncio.run(scene())
