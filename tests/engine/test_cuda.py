"""The engine on a CUDA device: bf16, the same notes for a seed and as the CPU's, no waiting, and little memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from support.asking import ask, changed, planned
from support.requests import REQUESTS
from support.tiny import write_tiny_model
from torch import Tensor

from diffroll_live.bench.material import piece
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.loading import load_engine
from diffroll_live.errors import DeviceMemory
from diffroll_live.evaluation.scores import score
from diffroll_live.model.networks.compact import Denoiser
from diffroll_live.model.roll_targets import to_array
from diffroll_live.model.samplers import SAMPLERS, seeded_noise
from diffroll_live.types import Request
from diffroll_live.worker.desk import Desk
from diffroll_live.worker.messages import Finished, Run

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
    assert engine.adapter.device.type == "cuda"
    assert engine.info.device == f"{torch.cuda.get_device_name()} bfloat16"
    assert {parameter.dtype for parameter in engine.adapter.network.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_seed_decides_whatever_ran_before(engine: TorchEngine, name: str) -> None:
    first = ask(engine, REQUESTS[name])
    ask(engine, REQUESTS["transcribe long audio"])
    assert ask(engine, REQUESTS[name]).variations == first.variations


@pytest.mark.parametrize("name", REQUESTS)
def test_only_notes_are_copied_back(engine: TorchEngine, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    to_host = Tensor.cpu

    def watched(tensor: Tensor) -> Tensor:
        copied.append(tensor.numel())
        return to_host(tensor)

    monkeypatch.setattr(Tensor, "cpu", watched)
    ask(engine, REQUESTS[name])
    frames = engine.adapter.window_frames * engine.adapter.channels * 88
    assert max(copied, default=0) < frames / 4  # a few numbers a note; a roll of one window would be all of it
    assert all(
        part.is_cuda
        for kept in engine._answered.values()
        for span in kept.spans
        for posterior in span.posteriors
        for part in posterior.parts()
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_sampling_never_waits_for_the_device(engine: TorchEngine, sampler: str) -> None:
    adapter = engine.adapter
    x_t = torch.randn(2, adapter.channels, adapter.window_frames, 88, device=adapter.device)
    mask = torch.ones(2, 1, adapter.window_frames, device=adapter.device)
    windows = torch.zeros(2, adapter.n_features, adapter.window_frames, device=adapter.device)
    heard, unheard = adapter.encode(windows, mask), adapter.encode(windows, 0 * mask)
    noise, timesteps = seeded_noise((1, 2), adapter.device), adapter.schedule.timesteps(8)
    denoise = adapter.guided(adapter.condition(heard), adapter.condition(unheard), 1.0)
    denoise(x_t, 0.5)  # what is only worked out once
    torch.cuda.set_sync_debug_mode("error")
    try:
        list(SAMPLERS[sampler](denoise, x_t, timesteps, adapter.schedule, noise=noise))
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_it_hears_what_the_cpu_hears() -> None:
    clip = replace(piece(20.0), sample_rate=16_000)  # a bare machine can neither read a file nor resample it
    request = Request("clip", "transcribe", clip)
    cuda, cpu = (
        to_array(ask(load_engine("compact", device, warm=False), request).variations[0]) for device in ("cuda", "cpu")
    )
    assert score([cuda], [cpu]).onset >= 0.95


@pytest.mark.parametrize("fits", [1, 0])
def test_where_the_device_is_full_fewer_windows_go_at_once(
    engine: TorchEngine, monkeypatch: pytest.MonkeyPatch, fits: int
) -> None:
    request = REQUESTS["transcribe long audio"]
    wanted = ask(engine, request).variations
    forward, sizes = Denoiser.forward, list[int]()

    def crowded(network: Denoiser, x_t: Tensor, *rest: object) -> Tensor:
        sizes.append(len(x_t))
        if len(x_t) > fits:
            torch.empty(2**50, dtype=torch.uint8, device=x_t.device)  # more than there is anywhere
        return forward(network, x_t, *rest)

    monkeypatch.setattr(Denoiser, "forward", crowded)
    if fits:
        (notes,) = ask(engine, request).variations
        assert score([to_array(notes)], [to_array(wanted[0])]).onset >= 0.95
        assert max(sizes) > fits
    else:
        with pytest.raises(DeviceMemory):
            ask(engine, request)


def test_batches_that_come_again_are_replayed_and_give_the_same_notes(engine: TorchEngine) -> None:
    request = REQUESTS["transcribe long audio"]
    launched = TorchEngine(engine.adapter, engine.info, engine.defaults, engine.composer, abreast=engine.abreast)
    wanted = ask(launched, request).variations
    for _ in range(3):
        engine.forget()
        assert ask(engine, request).variations == wanted
    assert engine._programs is not None
    assert engine._programs._programs


def test_company_changes_no_bit(engine: TorchEngine) -> None:
    requests = [changed(REQUESTS["transcribe long audio"], seed=seed) for seed in range(4)]
    wanted = [ask(engine, request).variations for request in requests]
    events: list[Finished] = []
    desk = Desk(engine, lambda event: events.append(event) if isinstance(event, Finished) else None)
    for serial, request in enumerate(requests):
        desk.put(Run(serial, planned(request, engine.info.max_seconds), str(serial)))
    while not desk.is_empty:
        desk.turn(desk.next())
    assert [event.result.variations for event in sorted(events, key=lambda event: event.serial)] == wanted


def test_the_composer_is_captured_where_it_writes_in_a_few_evaluations(engine: TorchEngine) -> None:
    request = changed(REQUESTS["inpaint"], sampler="thinning", steps=4)
    written = [ask(engine, request).variations for _ in range(3)]
    assert written[0] == written[1] == written[2]
    assert engine.composer is not None
    assert engine.composer.replayed is not None  # it would be gone if that had failed
