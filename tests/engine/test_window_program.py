"""Programs that a device can replay: what they compute is what is computed without them, and nothing in them waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.asking import ask, changed
from support.engines import float32_engine
from support.meta_device import META, OnMetaAlone
from support.requests import REQUESTS
from support.tiny import listening_adapter, listening_network, tiny_network, write_tiny_model
from torch import Tensor

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.progress import Progress, SilentControl
from diffroll_live.engine.window_asks import Sampling, WindowAsk, WindowConditions
from diffroll_live.engine.window_batch import WindowBatch
from diffroll_live.engine.window_program import MOST_PROGRAMS, MOST_STEPS, Programs, WindowProgram, draws
from diffroll_live.engine.windows import Window
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.adapters.compact import CompactAdapter
from diffroll_live.model.adapters.diffroll import DiffRollAdapter
from diffroll_live.model.captures import CAPTURES, Replay
from diffroll_live.model.front_end import FrontEnd
from diffroll_live.model.loudness import VelocityScale
from diffroll_live.model.networks.diffroll import DiffRoll, DiffRollConfig
from diffroll_live.model.networks.diffroll_mel import LogMel, MelConfig
from diffroll_live.model.samplers import SAMPLERS
from diffroll_live.model.schedules import LinearSchedule
from diffroll_live.types import Request

KINDS: dict[str, dict[str, Any]] = {
    "one step": {"steps": 1},
    "four steps": {"steps": 4},
    "guided": {"steps": 4, "guidance": 1.5},
    "with noise between": {"steps": 4, "sampler": "ddpm"},
    "of second order": {"steps": 4, "sampler": "dpmpp-2m"},
    "variations": {"steps": 2, "variations": 3},
}


SCALE = VelocityScale(40.0, 0.9, 0.5)


def uncaptured(function: Callable[[], None]) -> Replay:
    """Replay by running the function again."""
    return function


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    yield from float32_engine(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path)


def engine_of(loaded: TorchEngine, programs: Programs | None) -> TorchEngine:
    return TorchEngine(loaded.adapter, loaded.info, loaded.defaults, loaded.composer, abreast=3, programs=programs)


def windows_of(adapter: ModelAdapter, count: int, seed: int = 0, **sampling: Any) -> WindowAsk:
    """An ask for the first windows of noise."""
    features = torch.randn((adapter.n_features, 300), generator=torch.Generator().manual_seed(seed))
    how = Sampling(SAMPLERS[sampling.pop("sampler", "ddim")], sampling.pop("steps", 2), 0.0, seed)
    places = tuple(Window(20 * at, 20 * at + 8, 20 * at + 28) for at in range(count))
    return WindowAsk(features.to(adapter.device), places, WindowConditions(how), Progress(adapter, SilentControl()))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["transcribe long audio", "inpaint around known notes"])
def test_a_program_gives_the_same_notes_to_the_bit(loaded: TorchEngine, kind: str, name: str) -> None:
    request = changed(REQUESTS[name], **KINDS[kind])
    wanted = ask(engine_of(loaded, None), request).variations
    engine = engine_of(loaded, Programs(loaded.adapter, uncaptured))
    for _ in range(3):
        engine.forget()
        assert ask(engine, request).variations == wanted
    assert engine._programs is not None
    assert engine._programs._programs


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_program_is_a_function_of_its_buffers(loaded: TorchEngine, sampler: str) -> None:
    adapter = loaded.adapter
    first, second = (list(windows_of(adapter, 3, seed, sampler=sampler).rows()) for seed in (1, 2))
    with torch.inference_mode():
        program = WindowProgram(adapter, first[0], 3, uncaptured)
        buffers = [buffer.data_ptr() for buffer in (*program._inputs, program._noise, program._found)]

        def run(rows: list[Any]) -> list[Tensor]:
            program.load(rows)
            assert len(list(program.evaluate([row.seed(0) for row in rows]))) == 2
            return [part for posterior in program.posteriors() for part in posterior.parts()]

        wanted, other, again = run(first), run(second), run(first)
        assert all(torch.equal(one, two) for one, two in zip(wanted, again, strict=True))
        assert not all(torch.equal(one, two) for one, two in zip(wanted, other, strict=True))
        noise = program._noise.clone()
        program._found.fill_(torch.nan)
        program.encode()
        program.sample()  # again, from nothing but what lies in the buffers
        assert torch.equal(program._noise, noise)
        found = [part for posterior in program.posteriors() for part in posterior.parts()]
        assert all(torch.equal(one, two) for one, two in zip(wanted, found, strict=True))
        assert [buffer.data_ptr() for buffer in (*program._inputs, program._noise, program._found)] == buffers


@pytest.mark.slow
def test_a_program_hears_the_pedal_and_scales_velocities_too() -> None:
    adapter = replace(listening_adapter(), velocity_scale=SCALE)
    found = []
    for programs in (None, Programs(adapter, uncaptured)):
        for _ in range(3):
            asked = windows_of(adapter, 2)
            batch = WindowBatch(adapter, [asked], 2, programs)
            while not batch.step():
                continue
        assert programs is None or len(programs._programs) == 1
        found.append([part for posterior in asked.posteriors for part in posterior.parts()])
    assert len(found[0]) == 6
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


ADAPTERS: dict[str, Callable[[], ModelAdapter]] = {
    "compact": lambda: CompactAdapter(
        tiny_network().to(META, torch.bfloat16), FrontEnd().to(META), META, torch.bfloat16, 64, 8
    ),
    "compact with a pedal": lambda: CompactAdapter(
        listening_network().to(META, torch.bfloat16), FrontEnd().to(META), META, torch.bfloat16, 64, 8, 88, SCALE
    ),
    "diffroll": lambda: DiffRollAdapter(
        DiffRoll(DiffRollConfig(residual_channels=8, residual_layers=2)).to(META, torch.bfloat16),
        LogMel(MelConfig()).to(META),
        LinearSchedule(),
        META,
        window_frames=80,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("network", ADAPTERS)
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("guidance", [0.0, 1.5])
def test_nothing_in_a_program_waits_for_the_device_or_goes_by_its_values(
    network: str, sampler: str, guidance: float
) -> None:
    adapter = ADAPTERS[network]()
    asked = windows_of(adapter, 1, sampler=sampler, steps=4)
    asked.conditions = WindowConditions(Sampling(asked.conditions.sampling.sampler, 4, guidance, 0))
    (row,) = asked.rows()
    with torch.inference_mode():
        program = WindowProgram(adapter, row, 4, lambda function: function)
        with OnMetaAlone():
            program.encode()
            program.sample()


@pytest.mark.parametrize(
    "wrong", [lambda x: x.sum().item(), lambda x: x.cpu(), lambda x: bool((x > 0).any()), lambda x: torch.nonzero(x)]
)
def test_what_waits_would_be_found(wrong: Callable[[Tensor], Any]) -> None:
    with OnMetaAlone(), pytest.raises((AssertionError, RuntimeError, NotImplementedError)):
        wrong(torch.zeros(3, device="meta"))


@pytest.mark.slow
@pytest.mark.parametrize("used", [1, 2, 3])
def test_spare_rows_change_no_bit(loaded: TorchEngine, used: int) -> None:
    full, alone = windows_of(loaded.adapter, 4), windows_of(loaded.adapter, used)
    for asked in (full, alone):
        batch = WindowBatch(loaded.adapter, [asked], 4)
        while not batch.step():
            continue
    n_frames = alone.posteriors[0].n_frames
    for whole, part in zip(full.posteriors[0].parts(), alone.posteriors[0].parts(), strict=True):
        assert torch.equal(whole[:n_frames], part)


def test_noise_is_counted() -> None:
    adapter = CompactAdapter(tiny_network(), FrontEnd(), torch.device("cpu"), torch.float32, 64, 8)
    counts = {name: draws(adapter, Sampling(sampler, 5, 0.0, 0)) for name, sampler in SAMPLERS.items()}
    assert counts == {"ddim": 1, "ddpm": 5, "dpmpp-2m": 1}


def test_what_comes_once_is_long_or_is_watched_goes_without(loaded: TorchEngine) -> None:
    programs, adapter = Programs(loaded.adapter, uncaptured), loaded.adapter
    rows = list(windows_of(adapter, 2).rows())
    assert programs.find(rows) is None
    assert isinstance(programs.find(rows), WindowProgram)
    assert programs.find(rows) is programs.find(rows)
    for odd in (windows_of(adapter, 2, steps=MOST_STEPS + 1), windows_of(adapter, 2)):
        odd.progress = Progress(adapter, SilentControl())
        if odd.conditions.sampling.steps <= MOST_STEPS:
            odd.progress.follow(odd.features.shape[1], ())
        assert [programs.find(list(odd.rows())) for _ in range(3)] == [None] * 3


@pytest.mark.slow
def test_no_more_programs_are_kept_than_a_few(loaded: TorchEngine) -> None:
    programs = Programs(loaded.adapter, uncaptured)
    for steps in range(1, MOST_PROGRAMS + 4):
        for _ in range(2):
            programs.find(list(windows_of(loaded.adapter, 1, steps=steps).rows()))
    assert len(programs._programs) == MOST_PROGRAMS


@pytest.mark.slow
def test_a_device_that_cannot_capture_goes_without(loaded: TorchEngine, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(function: Callable[[], None]) -> Replay:
        raise RuntimeError("operation not permitted when stream is capturing")

    request: Request = REQUESTS["transcribe"]
    engine = engine_of(loaded, Programs(loaded.adapter, refuse))
    wanted = ask(engine_of(loaded, None), request).variations
    for _ in range(3):
        engine.forget()
        assert ask(engine, request).variations == wanted
    assert [record.levelname for record in caplog.records].count("WARNING") == 1


def test_cuda_is_the_device_that_captures() -> None:
    assert set(CAPTURES) == {"cuda"}
