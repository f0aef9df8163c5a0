"""Requests in company: whoever else is served, and whatever shares a batch, a seed gives the same notes to the bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from support.asking import ask, changed, planned
from support.engines import float32_engine
from support.requests import REQUESTS, TRANSCRIPTION
from support.tiny import write_tiny_model

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.window_batch import WindowBatch
from diffroll_live.types import Request
from diffroll_live.worker.desk import Desk
from diffroll_live.worker.messages import Failed, Finished, Noted, Run

MIXTURES = 4
KINDS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "in steps": {"steps": 3},
    "guided": {"steps": 2, "guidance": 1.0},
    "another sampler": {"steps": 2, "sampler": "ddpm"},
    "variations": {"variations": 2},
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    yield from float32_engine(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path)


@pytest.fixture(params=[1, 3], ids=["one abreast", "three abreast"])
def engine(request: pytest.FixtureRequest, loaded: TorchEngine) -> TorchEngine:
    return TorchEngine(loaded.adapter, loaded.info, loaded.defaults, loaded.composer, abreast=request.param)


def mixture(seed: int) -> list[Request]:
    """Requests of all kinds, some of them twice, in any order."""
    chance = random.Random(seed)
    names = [chance.choice(list(REQUESTS)) for _ in range(6)] + ["transcribe long audio", "transcribe"]
    chance.shuffle(names)
    kinds = [KINDS[chance.choice(list(KINDS))] for _ in names]
    return [changed(REQUESTS[name], seed=chance.randrange(3), **kind) for name, kind in zip(names, kinds, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(MIXTURES))
def test_company_changes_no_bit(engine: TorchEngine, seed: int) -> None:
    requests, chance = mixture(seed), random.Random(seed)
    events: list[Any] = []
    desk, left = Desk(engine, events.append), list(enumerate(requests, start=1))
    cancelled = chance.randrange(1, len(requests) + 1)
    while left or not desk.is_empty:
        if left and chance.random() < 0.4:
            serial, request = left.pop()
            plan = planned(request, engine.info.max_seconds)
            desk.put(Run(serial, plan, chance.choice("abcd"), urgent=chance.random() < 0.2))
        if not left and chance.random() < 0.1:
            desk.cancel(cancelled)
        if not desk.is_empty:
            desk.turn(desk.next())
    results = {event.serial: event.result for event in events if isinstance(event, Finished)}
    assert results.keys() >= set(range(1, len(requests) + 1)) - {cancelled}
    assert all(event.serial == cancelled for event in events if isinstance(event, Failed))
    for serial, result in results.items():
        assert result.variations == ask(engine, requests[serial - 1]).variations
        streamed = [
            note for event in events if isinstance(event, Noted) and event.serial == serial for note in event.notes
        ]
        assert sorted(note.note for note in streamed if note.variation == 0) == list(result.variations[0])


@pytest.mark.slow
def test_windows_of_several_requests_do_share_batches(loaded: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TorchEngine(loaded.adapter, loaded.info, loaded.defaults, loaded.composer, abreast=3)
    sizes: list[int] = []
    gather = TorchEngine.gather

    def counted(self: TorchEngine, asks: Any) -> WindowBatch:
        batch = gather(self, asks)
        sizes.append(len(batch.asks))
        return batch

    monkeypatch.setattr(TorchEngine, "gather", counted)
    desk = Desk(engine, lambda event: None)
    for serial, client in enumerate("abc", start=1):
        desk.put(Run(serial, planned(changed(TRANSCRIPTION, seed=serial)), client))
    while not desk.is_empty:
        desk.turn(desk.next())
    assert max(sizes) == 3
