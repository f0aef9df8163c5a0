"""From a model folder to a ready engine: checks, weights, device, precision, and warm-up."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
import torch

from diffroll_live.composer.evaluations import Replayed
from diffroll_live.composer.network import Composer, ComposerConfig
from diffroll_live.engine.defaults import Defaults
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.progress import SilentControl
from diffroll_live.engine.threads import ThreadChoice, reference
from diffroll_live.engine.window_program import Programs
from diffroll_live.errors import CheckpointError, RequestError
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.adapters.compact import CompactAdapter
from diffroll_live.model.adapters.diffroll import DiffRollAdapter
from diffroll_live.model.captures import CAPTURES
from diffroll_live.model.checkpoints.composer_weights import read_composer
from diffroll_live.model.checkpoints.folder import DEFAULT_MODEL, ModelFolder, find_model
from diffroll_live.model.checkpoints.weights import load_into, load_weights
from diffroll_live.model.front_end import FrontEnd, FrontEndConfig
from diffroll_live.model.loudness import UNSCALED, VelocityScale
from diffroll_live.model.networks.compact import Compact, CompactConfig
from diffroll_live.model.networks.diffroll import DiffRoll, DiffRollConfig
from diffroll_live.model.networks.diffroll_mel import LogMel, MelConfig
from diffroll_live.model.samplers import SAMPLERS
from diffroll_live.model.schedules import LinearSchedule
from diffroll_live.music.plan import plan_request
from diffroll_live.types import AudioBuffer, Control, ModelInfo, Options, Region, Request

logger = logging.getLogger(__name__)

MAX_SECONDS = 1800.0  # per request
LARGEST_SCALE = 1000.0  # of each number of a velocity scale
DAW_RATE = 44_100  # Hz, of most requests; the resampler is warmed with it


#: The precisions that a configuration can name; "auto" is `choose_precision`'s.
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
#: Whether a kind of device computes several windows about as soon as one; the others compute one at a time.
COMPUTES_ABREAST = {"cuda": True, "mps": False, "cpu": False}


def load_engine(
    model: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    *,
    precision: str = "auto",
    warm: bool = True,
) -> TorchEngine:
    """Load a model by name or path; ``warm`` runs one window, and leaves the rest of the warm-up to ``tune``.

    device: auto, cuda, mps or cpu. threads: of the CPU; None measures what is soonest, when ``tune`` is called.
    precision: auto, fp32 or bf16; a seed gives the same notes at one precision.
    Raises CheckpointError, ChecksumMismatch or RequestError.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    folder = find_model(model or DEFAULT_MODEL)
    chosen = choose_device(device)
    dtype = PRECISIONS.get(precision) or choose_precision(chosen)
    adapter, defaults = ADAPTERS[folder.config["architecture"]](folder, chosen, dtype)
    if defaults.sampler not in SAMPLERS:
        raise CheckpointError(
            f"{folder.path / 'config.json'} names the sampler {defaults.sampler!r}, which does not exist."
        )
    info = _info(folder, adapter, chosen, dtype)
    composer = load_composer(folder, chosen)
    measures = threads is None and chosen.type == "cpu"
    choice = ThreadChoice(torch.get_num_threads(), reference(adapter)) if measures else None
    abreast = defaults.batch if COMPUTES_ABREAST[chosen.type] else 1
    programs = Programs(adapter, CAPTURES[chosen.type]) if chosen.type in CAPTURES else None
    rehearsing = TorchEngine(adapter, info, defaults, composer, abreast=abreast, programs=programs)
    preparations = warm_ups(rehearsing, 1 if programs is None else 2) if warm else ()
    engine = TorchEngine(adapter, info, defaults, composer, choice, preparations, abreast=abreast, programs=programs)
    if warm:
        engine.tune(SilentControl())
    return engine


def load_composer(folder: ModelFolder, device: torch.device) -> Composer | None:
    """The composer of a folder whose files have been verified, if it has one. Raises CheckpointError."""
    if not folder.has_composer:
        return None
    config, weights = read_composer(folder, device)
    network = Composer(_build(ComposerConfig, config["network"], folder))
    load_into(network, weights)
    network = network.to(device).eval().requires_grad_(False)
    if device.type in CAPTURES:
        network.replayed = Replayed(network, CAPTURES[device.type])
    return network


def choose_device(name: str) -> torch.device:
    """Pick the device. Raises RequestError for one that this machine does not have."""
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind in has if has[kind]))
    if not has.get(name, False):
        there = ", ".join(kind for kind, here in has.items() if here)
        raise RequestError(f"This machine has no device {name!r} that torch can use; it has: {there}.")
    return torch.device(name)


def choose_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it natively, else float32."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    if device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16", False):
        return torch.bfloat16
    return torch.float32


def _compact(folder: ModelFolder, device: torch.device, dtype: torch.dtype) -> tuple[ModelAdapter, Defaults]:
    config = _build(CompactConfig, folder.config["network"], folder)
    front_end = FrontEnd(_build(FrontEndConfig, folder.config["front_end"], folder))
    network = Compact(config)
    load_into(network, load_weights(folder, device, dtype))
    defaults = _build(Defaults, {**folder.config["decode"], **folder.config["sampling"]}, folder)
    scale = _velocity_scale(defaults.velocity_scale, folder)
    network = network.to(device).eval().requires_grad_(False)
    adapter = CompactAdapter(network, front_end.to(device), device, dtype, velocity_scale=scale)
    return adapter, defaults


def _velocity_scale(numbers: Sequence[float], folder: ModelFolder) -> VelocityScale:
    if not numbers:
        return UNSCALED
    if len(numbers) != 3 or not all(type(n) in (int, float) and abs(float(n)) < LARGEST_SCALE for n in numbers):
        raise CheckpointError(
            f"{folder.path / 'config.json'}: velocity_scale must be three numbers, a height, a slope and per dB."
        )
    return VelocityScale(*(float(number) for number in numbers))


@dataclass(frozen=True, slots=True)
class _DiffRollSettings:
    """A DiffRoll's settings for decoding and sampling, from its config.json."""

    threshold: float = 0.5
    sampler: str = "ddpm"
    steps: int = 200
    guidance: float = 0.5
    beta_start: float = 1e-4
    beta_end: float = 0.02


def _diffroll(folder: ModelFolder, device: torch.device, dtype: torch.dtype) -> tuple[ModelAdapter, Defaults]:
    with torch.device("meta"):
        network = DiffRoll(DiffRollConfig.from_mapping(folder.config["network"]))
    load_into(network, load_weights(folder, device, dtype))
    settings = _build(_DiffRollSettings, {**folder.config["decode"], **folder.config["sampling"]}, folder)
    try:
        schedule = LinearSchedule(settings.steps, settings.beta_start, settings.beta_end)
    except RequestError as error:
        raise CheckpointError(f"{folder.path / 'config.json'}: {error.text}") from error
    mel = LogMel(MelConfig.from_mapping({**folder.config, **folder.config["front_end"]}))
    adapter = DiffRollAdapter(network.to(device).eval().requires_grad_(False), mel.to(device), schedule, device)
    steps = settings.steps
    defaults = Defaults(
        onset_threshold=settings.threshold,
        frame_threshold=settings.threshold,
        sampler=settings.sampler,
        guidance=settings.guidance,
        reading_steps=(max(steps // 20, 1), max(steps // 4, 1), steps),
        batch=2,  # windows are long, and guidance doubles the batch
    )
    return adapter, defaults


#: How to build the adapter of each architecture that a config.json may name, and its defaults.
ADAPTERS = {"compact": _compact, "diffroll": _diffroll}


def warm_ups(engine: TorchEngine, times: int) -> list[Callable[[Control], object]]:
    """List what runs the shapes of requests, the most likely first: a window, a block to write, a batch of windows.

    Each comes so many times; what comes twice is captured, where it can be. ``engine`` remembers them, so it must not
    be the one that answers requests.
    """
    rate, frames = engine.info.sample_rate, engine.adapter.window_frames
    window = frames / engine.adapter.geometry.frame_rate
    noise = np.random.default_rng(0).standard_normal(int(window * (engine.abreast + 1) * DAW_RATE)) * 0.01
    short = AudioBuffer("", noise[: int(window * rate)].astype(np.float32), rate)
    long = AudioBuffer("", noise.astype(np.float32), DAW_RATE)
    once = Options(steps=1 if times == 1 else None)
    requests = [
        Request("warm-up", "transcribe", short, options=once),
        Request("warm-up", "inpaint", short, (Region(0.25 * window, 0.3 * window),), options=once),
        Request("warm-up", "transcribe", long, options=once),
    ]
    if engine.composer is None and not engine.adapter.fills_hidden:
        del requests[1]
    plans = [plan_request(request, engine.info.max_seconds) for request in requests for _ in range(times)]
    return [partial(engine.run, plan) for plan in plans]


def _info(folder: ModelFolder, adapter: ModelAdapter, device: torch.device, dtype: torch.dtype) -> ModelInfo:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return ModelInfo(
        name=folder.name,
        version=str(folder.config["version"]),
        licence=str(folder.config["licence"]),
        sha256=folder.sha256,
        device=f"{name} {str(dtype).removeprefix('torch.')}",
        sample_rate=adapter.geometry.sample_rate,
        hop_length=adapter.geometry.hop_length,
        parameters=adapter.parameters,
        max_seconds=MAX_SECONDS,
    )


def _build(kind: Any, settings: Mapping[str, Any], folder: ModelFolder) -> Any:
    """Make a frozen configuration from a section of config.json. Raises CheckpointError for what does not fit."""
    known = {f.name: f for f in fields(kind)}
    if odd := settings.keys() - known.keys():
        raise CheckpointError(f"{folder.path / 'config.json'} has settings this version does not know: {min(odd)}.")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    for name, value in values.items():
        wanted = type(known[name].default)
        if not (type(value) is wanted or (wanted is float and type(value) is int)):
            raise CheckpointError(f"{folder.path / 'config.json'}: {name} must be of the kind {wanted.__name__}.")
        if isinstance(value, float) and not math.isfinite(value):
            raise CheckpointError(f"{folder.path / 'config.json'}: {name} must be a finite number.")
    return kind(**values)
