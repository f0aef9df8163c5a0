"""A device that is short of memory: smaller batches, and an error only where not even one window fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from support.asking import Listener, ask, assert_near, changed
from support.engines import float32_engine
from support.requests import REQUESTS, TRANSCRIPTION
from support.tiny import write_tiny_model

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.out_of_memory import is_shortage
from diffroll_live.errors import DeviceMemory

pytest_plugins = ["support.engine_fixtures"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    for loaded in float32_engine(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path):
        yield TorchEngine(loaded.adapter, loaded.info, loaded.defaults, loaded.composer, abreast=3)


SHORTAGES = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("MPS backend out of memory"),
    MemoryError(),
)


@pytest.mark.slow
@pytest.mark.parametrize("shortage", SHORTAGES)
def test_where_memory_is_short_fewer_windows_go_at_once(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None], shortage: Exception
) -> None:
    request = changed(TRANSCRIPTION, variations=2)
    wanted = ask(engine, request)
    sizes: list[int] = []

    def refuse(batch: int) -> None:
        sizes.append(batch)
        if batch > 1:
            raise shortage

    denoiser(refuse)
    listener = Listener()
    assert_near(ask(engine, request, listener), wanted)
    assert max(sizes) > 1
    assert listener.reports[-1][0] == listener.reports[-1][1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["transcribe long audio", "inpaint"])
def test_where_not_even_one_fits_it_is_said_and_the_engine_goes_on(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None], name: str
) -> None:
    full = True

    def refuse(batch: int) -> None:
        if full:
            raise SHORTAGES[0]

    denoiser(refuse)
    with pytest.raises(DeviceMemory, match="too little free memory"):
        ask(engine, REQUESTS[name])
    full = False
    assert ask(engine, REQUESTS[name]).variations[0]


def test_other_faults_are_not_taken_for_a_shortage(
    engine: TorchEngine, denoiser: Callable[[Callable[[int], None]], None]
) -> None:
    def fail(batch: int) -> None:
        raise RuntimeError("shapes do not match")

    denoiser(fail)
    with pytest.raises(RuntimeError, match="shapes"):
        ask(engine, REQUESTS["transcribe"])
    assert all(is_shortage(shortage) for shortage in SHORTAGES)
    assert not is_shortage(ValueError("out of memory"))
