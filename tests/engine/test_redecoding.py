"""Decoding a result again with other thresholds, and how many results are kept for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from support.asking import ask, changed
from support.engines import float32_engine
from support.requests import KEPT, KNOWN, REQUESTS, TRANSCRIPTION
from support.tiny import write_tiny_model

from diffroll_live.engine import engine as engine_module
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.errors import UnknownJob

pytest_plugins = ["support.engine_fixtures"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    yield from float32_engine(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path)


@pytest.mark.slow
def test_decoding_again_samples_nothing(engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None]) -> None:
    request = replace(changed(REQUESTS["inpaint around known notes"], variations=2), id="again")
    first = ask(engine, request).variations
    sizes: list[int] = []
    denoiser(sizes.append)
    threshold = engine.defaults.onset_threshold
    assert engine.redecode("again", threshold, 0.03).variations == first
    more, fewer = engine.redecode("again", 0.02, 0.03).variations, engine.redecode("again", 0.9, 0.03).variations
    assert [len(a) >= len(b) >= len(c) for a, b, c in zip(more, first, fewer, strict=True)] == [True, True]
    assert len(more[0]) > len(fewer[0])
    for notes in (*more, *fewer, *engine.redecode("again", threshold, 5.0).variations):
        assert set(KEPT) - {KNOWN[1]} <= set(notes)
    assert sizes == []


@pytest.mark.slow
def test_decoding_long_audio_again_gives_the_very_same_notes(engine: TorchEngine) -> None:
    result = ask(engine, replace(TRANSCRIPTION, id="long"))
    assert engine.redecode("long", engine.defaults.onset_threshold, 0.03).variations == result.variations


@pytest.mark.slow
def test_only_so_much_is_remembered(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(engine_module.REMEMBERED + 1):
        ask(engine, replace(changed(REQUESTS["transcribe"], quality="draft"), id=f"job-{number}"))
    with pytest.raises(UnknownJob, match="run it again"):
        engine.redecode("job-0", 0.5, 0.03)
    engine.redecode("job-1", 0.5, 0.03)
    monkeypatch.setattr(engine_module, "REMEMBERED_BYTES", 0)
    ask(engine, replace(REQUESTS["transcribe"], id="large"))
    engine.redecode("large", 0.5, 0.03)
    with pytest.raises(UnknownJob):
        engine.redecode(f"job-{engine_module.REMEMBERED}", 0.5, 0.03)
