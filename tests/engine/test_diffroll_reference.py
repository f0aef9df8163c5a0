"""A published DiffRoll checkpoint behind the sampling of windows: the numbers are those of the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from support.engines import float32_engine
from support.paths import GOLDEN
from support.reference import final_scale
from torch import Tensor

from diffroll_live.engine import window_chains
from diffroll_live.engine.canvas import Canvas
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.progress import Progress, SilentControl
from diffroll_live.engine.window_asks import Audible, Sampling, WindowAsk, WindowConditions
from diffroll_live.engine.window_batch import WindowBatch
from diffroll_live.engine.windows import Window
from diffroll_live.model.adapters.diffroll import DiffRollAdapter
from diffroll_live.model.checkpoints.folder import ModelFolder
from diffroll_live.model.checkpoints.lightning import import_checkpoint
from diffroll_live.model.decoding import Posterior, Thresholds
from diffroll_live.model.samplers import Noise, sample_ddim, sample_ddpm
from diffroll_live.model.schedules import LinearSchedule

pytest_plugins = ["support.engine_fixtures"]


SCHEDULE = LinearSchedule()
LAST_STEPS = (5.0, 4.0, 3.0, 2.0, 1.0, 0.0)
FRAME = 512 / 16_000  # s


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return import_checkpoint(GOLDEN / "dev.ckpt", tmp_path_factory.mktemp("models") / "dev")


@pytest.fixture(scope="module")
def engine(folder: ModelFolder) -> Iterator[TorchEngine]:
    yield from float32_engine(folder.path)


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    with np.load(GOLDEN / "dev.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays}


@pytest.fixture(scope="module")
def short_adapter(engine: TorchEngine) -> DiffRollAdapter:
    """The adapter of the engine with windows as long as the golden clip."""
    assert isinstance(engine.adapter, DiffRollAdapter)
    return DiffRollAdapter(engine.adapter.network, engine.adapter.mel, SCHEDULE, torch.device("cpu"), window_frames=80)


def golden_chain(
    adapter: DiffRollAdapter,
    golden: dict[str, Tensor],
    sampling: Sampling,
    draws: Tensor,
    patch: pytest.MonkeyPatch,
    audible: Tensor | None = None,
) -> Tensor:
    """Read the golden clip from its own noise; returns the last estimate as the reference scales it."""

    def recorded(seeds: object, device: object) -> Noise:
        entries = iter((golden["x_T"], *draws))
        return lambda out: out.copy_(next(entries))

    patch.setattr(window_chains, "seeded_noise", recorded)
    heard = None if audible is None else Audible(audible, audible.any(dim=0).numpy())
    asked = ask(adapter, adapter.features(golden["waveform"][0]), [Window(0, 0, 80)], sampling, audible=heard)
    listener = KeepingProgress(adapter, SilentControl())
    asked.progress = listener
    sampled(adapter, asked)
    return listener.estimates[-1] * final_scale(SCHEDULE)


class KeepingProgress(Progress):
    """Keeps every estimate."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.estimates: list[Tensor] = []

    @property
    def is_watched(self) -> bool:
        return True

    def evaluated(self, windows: Sequence[Window], x0: Tensor) -> None:
        self.estimates.append(x0)


def ask(
    adapter: DiffRollAdapter, features: Tensor, windows: list[Window], sampling: Sampling, **conditions: object
) -> WindowAsk:
    progress = Progress(adapter, SilentControl())
    return WindowAsk(features, tuple(windows), WindowConditions(sampling, **conditions), progress)  # type: ignore[arg-type]


def sampled(adapter: DiffRollAdapter, asked: WindowAsk) -> Posterior:
    batch = WindowBatch(adapter, [asked], len(asked.windows))
    while not batch.step():
        continue
    (posterior,) = asked.posteriors
    return posterior


def last_steps(denoise, x_t, timesteps, schedule, *, noise=None):  # type: ignore[no-untyped-def]
    """DDPM over the few steps that the reference recorded."""
    return sample_ddpm(denoise, x_t, LAST_STEPS, schedule, noise=noise)


@pytest.mark.slow
def test_ddim_of_all_steps_is_the_reference_s(
    short_adapter: DiffRollAdapter, golden: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    x0 = golden_chain(short_adapter, golden, Sampling(sample_ddim, 200, 0.0, 0), torch.empty(0), monkeypatch)
    torch.testing.assert_close(x0, golden["ddim_x0_200"], atol=1e-3, rtol=0)


def test_guided_filling_is_the_reference_s(
    short_adapter: DiffRollAdapter, golden: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    audible = torch.ones(88, 80)
    audible[:, 20:50] = 0
    sampling = Sampling(last_steps, 6, 0.5, 0)
    x0 = golden_chain(short_adapter, golden, sampling, golden["inpainting_noise"], monkeypatch, audible)
    torch.testing.assert_close(x0, golden["inpainting_ddpm_x0_w0.5_t20_50_steps_5to0"], atol=1e-3, rtol=0)


def test_generation_is_the_reference_s_and_unguided(
    short_adapter: DiffRollAdapter, golden: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch, evaluations: list[int]
) -> None:
    sampling = Sampling(last_steps, 6, 0.5, 0)
    audible = torch.zeros(88, 80)
    x0 = golden_chain(short_adapter, golden, sampling, golden["generation_noise"], monkeypatch, audible)
    torch.testing.assert_close(x0, golden["generation_ddpm_x0_steps_5to0"], atol=1e-3, rtol=0)
    assert evaluations == [1] * 6


def test_notes_are_the_reference_s(short_adapter: DiffRollAdapter, golden: dict[str, Tensor]) -> None:
    roll = golden["notes_roll"]
    still = torch.zeros_like(roll)
    posterior = Posterior(roll, roll, torch.full_like(roll, 0.5), still, still)
    rows = short_adapter.decode(posterior, Thresholds(0.5, 0.5, 0.0))
    np.testing.assert_array_equal(rows[:, 2], golden["notes_pitch_bins"].numpy() + 21)
    np.testing.assert_allclose(rows[:, :2] / FRAME, golden["notes_frames"].numpy(), atol=1e-9)
    assert (rows[:, 3] == 64).all()
    few = short_adapter.decode(posterior, Thresholds(0.5, 0.5, 0.1))
    assert 0 < len(few) < len(rows)
    assert (few[:, 1] - few[:, 0] > 0.1 - 1e-6).all()


def test_a_run_that_begins_where_it_is_too_quiet_is_no_note(short_adapter: DiffRollAdapter) -> None:
    roll = torch.zeros(80, 88)
    roll[10:20, 30], roll[40:50, 30] = 1.0, 1.0
    onset = roll.clone()
    onset[:15] = 0.0
    rows = short_adapter.decode(Posterior(onset, roll, roll, roll, roll), Thresholds())
    assert rows.tolist() == [[40 * FRAME, 50 * FRAME, 51, 127]]


def test_pitches_hide_their_own_band_and_all_pitches_everything(short_adapter: DiffRollAdapter) -> None:
    windows, mask = short_adapter.cut(short_adapter.features(torch.randn(40_960) * 0.1), [0])
    assert short_adapter.encode(windows, mask).min() >= 0.0
    audible = torch.ones(1, 88, 80)
    audible[:, 67 - 21 : 86 - 21 + 1, 20:50] = 0  # G4 to D6
    hidden = short_adapter.encode(windows, audible) == -1.0
    assert not hidden[..., :20].any()
    assert not hidden[..., 50:].any()
    bins = hidden[0, :, 20].nonzero()[:, 0]
    assert abs(int(bins[0]) - 40) <= 2  # 392 Hz
    assert abs(int(bins[-1]) - 89) <= 3  # 1175 Hz
    assert len(bins) == int(bins[-1] - bins[0]) + 1
    assert short_adapter.encode(windows, mask * 0).eq(-1.0).all()


def test_velocities_rise_with_the_level_and_are_moderate_where_nothing_is_heard(short_adapter: DiffRollAdapter) -> None:
    heard = torch.full((1, 229, 80), 0.6)
    heard[:, :, 40:] = 0.9
    heard[:, :, 60:] = -1.0
    posterior = short_adapter.posteriors(torch.zeros(1, 1, 80, 88), heard)[0]
    soft, loud, unheard = (float(posterior.velocity[frame, 30]) for frame in (10, 50, 70))
    assert 0.1 <= soft < loud <= 1.0
    assert soft < unheard < loud


def test_known_cells_are_held_through_the_chain(short_adapter: DiffRollAdapter) -> None:
    roll, known = torch.zeros(88, 80), torch.zeros(88, 80)
    known[:, :40] = 1
    roll[30, 10:20] = 1
    features = short_adapter.features(torch.randn(40_960) * 0.1)
    sampling = Sampling(sample_ddpm, 3, 0.5, 0)
    posterior = sampled(
        short_adapter, ask(short_adapter, features, [Window(0, 0, 80)], sampling, canvas=Canvas(roll, known))
    )
    assert torch.equal(posterior.frame[:40], roll.T[:40])
    assert posterior.frame[40:].count_nonzero() > 0


def test_windows_do_not_depend_on_their_company(short_adapter: DiffRollAdapter) -> None:
    features = short_adapter.features(torch.randn(150 * 512, generator=torch.Generator().manual_seed(1)) * 0.1)
    windows = [Window(0, 0, 60), Window(40, 60, 100), Window(70, 100, 150)]
    sampling = Sampling(sample_ddpm, 3, 0.5, 7)
    together = sampled(short_adapter, ask(short_adapter, features, windows, sampling))
    apart = torch.cat([sampled(short_adapter, ask(short_adapter, features, [w], sampling)).frame for w in windows])
    torch.testing.assert_close(together.frame, apart, atol=1e-5, rtol=0)
