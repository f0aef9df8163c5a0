"""How much of the sound each stage shows, what one stage hands to the next, and what the loss weighs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.training_material import SMALL, Folders

from diffroll_live.errors import RequestError
from diffroll_live.model.networks.diffroll import DiffRollConfig
from diffroll_live.model.schedules import LinearSchedule
from diffroll_live.training.examples.windows import Material, WindowMaker
from diffroll_live.training.runs.loop import train
from diffroll_live.training.runs.states import read_state
from diffroll_live.training.runs.subjects import compact, subject_of
from diffroll_live.training.runs.trainer import Schedule
from diffroll_live.training.runs.weighting import MOST, WEIGHTINGS, ratio, weighting_of
from diffroll_live.training.stages import STAGES, stage_of

pytest_plugins = ["support.training_fixtures"]
SCHEDULE = Schedule(2, batch=2, warm_up=2)


@pytest.fixture
def material(folders: Folders) -> Material:
    return replace(folders.material, seconds=0.512, empty_share=0.0)


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "unheard"), [("tasks", 0.0), ("rolls", 1.0), ("paired", 0.1), ("mixed", 0.5)])
def test_a_stage_hides_its_share_of_the_sound(material, stage, unheard):
    maker = WindowMaker(replace(material, stage=stage))
    windows = [maker.window(0, number) for number in range(200)]
    hidden = [window for window in windows if window.edge == 0]
    assert len(hidden) / len(windows) == pytest.approx(unheard, abs=0.08)
    assert not any(window.samples.any() for window in hidden)
    assert any(len(window.notes) for window in windows)


def test_rolls_alone_need_no_bank(material, tmp_path):
    rolls = replace(material, stage="rolls", bank=None)
    assert train(rolls, SCHEDULE, tmp_path, subject=compact(SMALL), workers=0).step == 2
    for stage in STAGES.keys() - {"rolls"}:
        with pytest.raises(RequestError, match="needs audio"):
            WindowMaker(replace(rolls, stage=stage))
    with pytest.raises(RequestError, match="no notes"):
        WindowMaker(replace(rolls, corpus=None))


@pytest.mark.slow
def test_so_many_different_windows_come_again(material):
    maker = WindowMaker(replace(material, different=3))
    sounds = {maker.window(0, number).samples.tobytes() for number in range(40)}
    assert len(sounds) == 3
    hiding = WindowMaker(replace(material, different=3, stage="paired"))
    windows = [hiding.window(0, number) for number in range(60)]
    assert {w.samples.tobytes() for w in windows if w.edge} == sounds
    assert any(w.edge == 0 for w in windows)
    rolls = {w.notes.tobytes() for w in windows}
    assert len(rolls) == 3, "what is hidden is no further material"


@pytest.mark.slow
def test_a_stage_begins_with_the_weights_of_the_last(material, tmp_path, folders):
    rolls = replace(material, stage="rolls", bank=None)
    before = train(rolls, SCHEDULE, tmp_path / "rolls", subject=compact(SMALL), workers=0)
    still = replace(SCHEDULE, steps=1, rate=1e-12)
    source = str(tmp_path / "rolls")
    after = train(
        replace(material, stage="paired"), still, tmp_path / "paired", subject=compact(SMALL), begun_from=source
    )
    for name, value in after.network.state_dict().items():
        assert torch.allclose(value, before.averaged.state_dict()[name], atol=1e-6), name
    assert read_state(tmp_path / "paired/state.pt")["settings"]["begun_from"] == source
    with pytest.raises(RequestError, match="begun_from = "):
        train(replace(material, stage="paired"), still, tmp_path / "paired", subject=compact(SMALL), workers=0)
    with pytest.raises(RequestError, match="a different network"):
        train(material, still, tmp_path / "other", subject=compact(replace(SMALL, width=8)), begun_from=source)


def test_names_that_are_in_no_table():
    for look_up in (stage_of, subject_of, weighting_of):
        with pytest.raises(RequestError, match=r"no .* 'none'.*; choose one of "):
            look_up("none")


def test_the_weightings_are_what_they_are_named_after():
    snr = torch.tensor([0.0, 0.5, 1.0, 5.0, 100.0, MOST])
    assert WEIGHTINGS["x0"](snr).tolist() == [1.0] * 6
    assert torch.equal(WEIGHTINGS["noise"](snr), snr)
    assert WEIGHTINGS["min-snr"](snr).tolist() == [0.0, 0.5, 1.0, 5.0, 5.0, 5.0]
    assert WEIGHTINGS["max-snr"](snr).tolist() == [1.0, 1.0, 1.0, 5.0, 100.0, MOST]


@pytest.mark.parametrize("t", [0, 20, 100, 199])
def test_with_its_weight_the_loss_on_the_roll_is_that_on_the_noise(t):
    """On DiffRoll's schedule, by error of an estimate; the ratio is no constant and no square root."""
    torch.manual_seed(t)
    alpha_bar = torch.tensor(LinearSchedule().alpha_bar(t), dtype=torch.float64)
    signal, sigma = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    x0, noise = torch.rand(2, 88, 40).double(), torch.randn(2, 88, 40).double()
    x_t = signal * x0 + sigma * noise
    estimate = x0 + 0.1 * torch.randn_like(x0)
    on_noise = ((x_t - signal * estimate) / sigma - noise).square().mean()
    weight = WEIGHTINGS["noise"](ratio(signal, sigma))
    assert float(weight * (estimate - x0).square().mean()) == pytest.approx(float(on_noise), rel=1e-6)
    assert float(weight) == pytest.approx(float(alpha_bar / (1 - alpha_bar)), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", WEIGHTINGS)
def test_every_weighting_trains(material, tmp_path, name):
    trainer = train(material, replace(SCHEDULE, weighting=name), tmp_path, subject=compact(SMALL), workers=0)
    assert all(torch.isfinite(value).all() for value in trainer.network.state_dict().values())


@pytest.mark.slow
def test_weights_change_what_a_step_costs(material, tmp_path):
    totals: dict[str, float] = {}
    for name in WEIGHTINGS:
        run = tmp_path / name
        train(
            material,
            replace(SCHEDULE, weighting=name, steps=20, batch=1),
            run,
            subject=compact(SMALL),
            workers=0,
            report=lambda step, parts, name=name: totals.update({name: parts["total"]}),
        )
    assert len({round(total, 3) for total in totals.values()}) == len(WEIGHTINGS)
    assert np.isfinite(list(totals.values())).all()


def test_the_published_network_has_its_sizes():
    subject = subject_of("diffroll")
    assert subject.config == DiffRollConfig()
    assert subject.schedule["rate"] == 1e-5
    assert subject.material["seconds"] * 16_000 / subject.front_end_config.hop_length == 640
