"""The engine on a CUDA device: bf16, the same notes for a seed, and nothing copied back but notes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from asking import Listener
from test_engine import REQUESTS
from tiny import write_tiny_model
from torch import Tensor

from diffroll_live.engine import TorchEngine
from diffroll_live.loading import load_engine

pytestmark = [
    pytest.mark.requires_cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    yield load_engine(str(folder.path), "cuda")
    torch.cuda.empty_cache()


def test_it_is_taken_by_itself_and_computes_in_bf16(engine: TorchEngine) -> None:
    assert engine.voice.device.type == "cuda"
    assert engine.info.device == f"{torch.cuda.get_device_name()} bfloat16"
    assert {parameter.dtype for parameter in engine.voice.network.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_seed_decides_whatever_ran_before(engine: TorchEngine, name: str) -> None:
    first = engine.run(REQUESTS[name], Listener())
    engine.run(REQUESTS["transcribe long audio"], Listener())
    assert engine.run(REQUESTS[name], Listener()).variations == first.variations


@pytest.mark.parametrize("name", REQUESTS)
def test_only_notes_are_copied_back(engine: TorchEngine, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    to_host = Tensor.cpu

    def watched(tensor: Tensor) -> Tensor:
        copied.append(tensor.numel())
        return to_host(tensor)

    monkeypatch.setattr(Tensor, "cpu", watched)
    engine.run(REQUESTS[name], Listener())
    frames = engine.voice.window_frames * engine.voice.channels * 88
    assert max(copied, default=0) < frames / 4  # a few numbers a note; a roll of one window would be all of it
    assert all(
        part.is_cuda
        for kept in engine._memory.values()
        for span in kept.spans
        for posterior in span.posteriors
        for part in posterior.parts()
    )
