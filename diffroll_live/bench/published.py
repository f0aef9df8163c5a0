"""The time of the published DiffRoll on this machine, extrapolated from one evaluation to its 200 guided steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from diffroll_live.bench.clips import transcribe
from diffroll_live.bench.figures import Figure, Progress, Repetitions, Settings, milliseconds
from diffroll_live.bench.material import piece

STEPS = 200
EVALUATIONS = 2 * STEPS  # a guided step evaluates the network with and without the audio
WINDOW_FRAMES = 640
WINDOW_SECONDS = 20.48
COMPACT_STEPS = 4


def published(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Measure a network of the published size and the default model side by side."""
    import torch

    from diffroll_live.engine.loading import choose_device, choose_precision, load_engine

    device = choose_device(settings.device)
    dtypes = dict.fromkeys((torch.float32, choose_precision(device)))
    rounds = Repetitions(settings, progress, total=1 + len(dtypes))
    engine, audio = load_engine(settings.model, settings.device), piece(WINDOW_SECONDS)
    ours = Figure(
        f"{WINDOW_SECONDS:g} s with {engine.info.name}, {COMPACT_STEPS} steps",
        "s",
        rounds.seconds(partial(transcribe, engine, audio, COMPACT_STEPS)),
    )
    yield ours
    size = f"{settings.published_layers} x {settings.published_channels} x {settings.published_kernel}"
    for dtype in dtypes:
        seconds = tuple(rounds.repeat(_evaluation(settings, device, dtype)))
        precision = str(dtype).removeprefix("torch.")
        yield Figure(f"one evaluation of DiffRoll, {precision}", "ms", milliseconds(seconds), note=f"random, {size}")
        whole = tuple(each * EVALUATIONS for each in seconds)
        extrapolated = f"{EVALUATIONS} times one evaluation"
        yield Figure(
            f"{WINDOW_SECONDS:g} s with DiffRoll, {STEPS} guided steps, {precision}", "s", whole, note=extrapolated
        )
        factors = tuple(each / ours.median for each in whole)
        yield Figure(f"that, over {engine.info.name}'s {COMPACT_STEPS} steps", "times", factors, note=extrapolated)


def _evaluation(settings: Settings, device: Any, dtype: Any) -> Callable[[], float]:
    """Make a network of the published size with random weights; return a function that times one evaluation."""
    import torch

    from diffroll_live.model.networks.diffroll import DiffRoll, DiffRollConfig

    config = DiffRollConfig(
        residual_layers=settings.published_layers,
        residual_channels=settings.published_channels,
        kernel_size=settings.published_kernel,
    )
    network = DiffRoll(config).to(device, dtype).eval().requires_grad_(False)
    with torch.inference_mode():
        condition = network.condition(torch.rand((1, config.n_mels, WINDOW_FRAMES), device=device))
    x_t = torch.randn((1, 1, WINDOW_FRAMES, 88), device=device)
    denoise = network.denoiser(condition)

    def measure() -> float:
        with torch.inference_mode():
            begin = time.perf_counter()
            denoise(x_t, STEPS - 1)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            elif device.type == "mps":
                torch.mps.synchronize()
            return time.perf_counter() - begin

    return measure
