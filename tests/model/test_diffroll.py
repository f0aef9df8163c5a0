"""The published DiffRoll: every number of the reference, and what a request adds to it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from support.paths import GOLDEN
from support.reference import final_scale, in_turn, null_condition
from torch import Tensor

from diffroll_live.errors import AudioError, CheckpointError
from diffroll_live.model.checkpoints.lightning import read_lightning
from diffroll_live.model.checkpoints.weights import load_into
from diffroll_live.model.denoiser import as_one_batch, guided, linear_guidance
from diffroll_live.model.networks.diffroll import DiffRoll, DiffRollConfig
from diffroll_live.model.networks.diffroll_mel import LogMel, MelConfig, fundamental_bins, hide, pitch_bins
from diffroll_live.model.networks.diffroll_notes import extract_notes
from diffroll_live.model.samplers import Noise, ddim_steps, sample_ddim, sample_ddpm
from diffroll_live.model.schedules import LinearSchedule

DEV = DiffRollConfig(residual_channels=8, residual_layers=5)
TIGHT, CHAIN = 1e-4, 1e-3
SCHEDULE = LinearSchedule()
LAST_STEPS = (5.0, 4.0, 3.0, 2.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    with np.load(GOLDEN / "dev.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays}


@pytest.fixture(scope="module")
def network() -> DiffRoll:
    state_dict, _ = read_lightning(GOLDEN / "dev.ckpt")
    network = DiffRoll(DEV)
    network.load_state_dict({name: each for name, each in state_dict.items() if not name.startswith("mel_layer.")})
    return network.requires_grad_(False)


def injected(noise: Tensor) -> Noise:
    """Hand out the recorded noise, one entry a draw."""
    recorded = iter(noise)
    return lambda out: out.copy_(next(recorded))


def area(frames: slice = slice(None), bins: slice = slice(None)) -> Tensor:
    """Mark a rectangle of the golden spectrogram."""
    hidden = torch.zeros((1, 229, 80), dtype=torch.bool)
    hidden[:, bins, frames] = True
    return hidden


def assert_near(got: Tensor, wanted: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(got, wanted, atol=tolerance, rtol=0.0)


@pytest.mark.slow
def test_front_end_matches_the_reference(golden: dict[str, Tensor]) -> None:
    assert_near(LogMel(MelConfig())(golden["waveform"]), golden["spec_normalised"], TIGHT)


def test_front_end_of_silence_is_zero() -> None:
    assert LogMel(MelConfig())(torch.zeros(1, 5120)).eq(0.0).all()


def test_front_end_refuses_a_clip_too_short_to_reflect() -> None:
    with pytest.raises(AudioError, match="longer clip"):
        LogMel(MelConfig())(torch.zeros(1, 1024))


@pytest.mark.parametrize("step", [0, 1, 57, 199])
def test_conditional_forward(network: DiffRoll, golden: dict[str, Tensor], step: int) -> None:
    denoise = network.denoiser(network.condition(golden["spec_normalised"]))
    assert_near(denoise(golden["x_T"], step), golden[f"forward_cond_t{step}"], TIGHT)


def test_unconditional_forward(network: DiffRoll, golden: dict[str, Tensor]) -> None:
    denoise = network.denoiser(null_condition(network))
    assert_near(denoise(golden["x_T"], 120), golden["forward_uncond_t120"], TIGHT)


@pytest.mark.parametrize(
    ("key", "hidden"),
    [
        ("t20_50", area(frames=slice(20, 50))),
        ("f40_90", area(bins=slice(40, 90))),
        ("tf", area(frames=slice(20, 50), bins=slice(40, 90))),
    ],
)
def test_hidden_spectrogram(network: DiffRoll, golden: dict[str, Tensor], key: str, hidden: Tensor) -> None:
    condition = network.condition(hide(golden["spec_normalised"], hidden))
    assert_near(network.denoiser(condition)(golden["x_T"], 120), golden[f"forward_inpaint_{key}_t120"], TIGHT)


def test_hide_leaves_its_argument(golden: dict[str, Tensor]) -> None:
    spectrogram = golden["spec_normalised"]
    before = spectrogram.clone()
    hidden = hide(spectrogram, area(frames=slice(20, 50)))
    assert torch.equal(spectrogram, before)
    assert_near(hidden, golden["spec_inpaint_t20_50"], TIGHT)


def test_every_bin_belongs_to_a_pitch_and_every_pitch_has_a_bin() -> None:
    bins = pitch_bins(MelConfig())
    assert bins.shape == (88, 229)
    assert bins.any(dim=0).all()
    assert bins.any(dim=1).all()


def test_bins_lie_where_the_front_end_hears_their_pitch() -> None:
    seconds = torch.arange(16_000) / 16_000
    bins = fundamental_bins(MelConfig())
    for pitch in (45, 60, 69, 84, 100):
        tone = torch.sin(2 * torch.pi * 440.0 * 2 ** ((pitch - 69) / 12) * seconds)
        loudest = int(LogMel(MelConfig())(tone[None])[0].mean(dim=1).argmax())
        assert abs(int(bins[pitch - 21]) - loudest) <= 1
        assert pitch_bins(MelConfig())[pitch - 21, bins[pitch - 21]]


def test_bands_follow_each_other_upwards() -> None:
    bins = pitch_bins(MelConfig())
    lowest = bins.int().argmax(dim=1)
    assert (lowest.diff() >= 0).all()
    assert bins[-1, -1]
    assert bins[0, 0]


def test_ddim_over_all_200_steps(network: DiffRoll, golden: dict[str, Tensor]) -> None:
    denoise = network.denoiser(network.condition(golden["spec_normalised"]))
    *_, x0 = sample_ddim(denoise, golden["x_T"], SCHEDULE.timesteps(200), SCHEDULE)
    assert_near(x0 * final_scale(SCHEDULE), golden["ddim_x0_200"], CHAIN)


@pytest.mark.parametrize("batched", [False, True])
def test_guided_ddpm(network: DiffRoll, golden: dict[str, Tensor], batched: bool) -> None:
    heard, unheard = network.condition(golden["spec_normalised"]), null_condition(network)
    conditional = network.denoiser(heard)
    pair = (
        as_one_batch(network.denoiser(heard.followed_by(unheard)))
        if batched
        else in_turn(conditional, network.denoiser(unheard))
    )
    denoise = guided(conditional, pair, 0.5, combine=linear_guidance)
    noise = injected(golden["cfdg_noise"])
    x = golden["x_T"].clone()
    # The recorded chain leaps from 194 to 5 without accounting for it: its head has to be stepped by hand.
    for step in ddim_steps((199.0, 198.0, 197.0, 196.0, 195.0, 194.0), SCHEDULE, eta=1.0)[:-1]:
        drawn = torch.empty_like(x)
        noise(drawn)
        x = step.x0 * denoise(x, step.t) + step.x_t * x + step.noise * drawn
    *_, x0 = sample_ddpm(denoise, x, LAST_STEPS, SCHEDULE, noise=noise)
    wanted = golden["cfdg_ddpm_x0_w0.5_steps_199to195_5to0"]
    assert_near(x0 * final_scale(SCHEDULE), wanted, CHAIN)


def test_inpainting_ddpm(network: DiffRoll, golden: dict[str, Tensor]) -> None:
    spectrogram = hide(golden["spec_normalised"], area(frames=slice(20, 50)))
    conditional = network.denoiser(network.condition(spectrogram))
    pair = in_turn(conditional, network.denoiser(null_condition(network)))
    denoise = guided(conditional, pair, 0.5, combine=linear_guidance)
    *_, x0 = sample_ddpm(denoise, golden["x_T"], LAST_STEPS, SCHEDULE, noise=injected(golden["inpainting_noise"]))
    wanted = golden["inpainting_ddpm_x0_w0.5_t20_50_steps_5to0"]
    assert_near(x0 * final_scale(SCHEDULE), wanted, CHAIN)


def test_generation_ddpm(network: DiffRoll, golden: dict[str, Tensor]) -> None:
    denoise = network.denoiser(null_condition(network))
    *_, x0 = sample_ddpm(denoise, golden["x_T"], LAST_STEPS, SCHEDULE, noise=injected(golden["generation_noise"]))
    assert_near(x0 * final_scale(SCHEDULE), golden["generation_ddpm_x0_steps_5to0"], CHAIN)


def test_notes_match_the_reference(golden: dict[str, Tensor]) -> None:
    bins, frames = extract_notes(golden["notes_roll"], 0.5)
    assert torch.equal(bins, golden["notes_pitch_bins"])
    assert torch.equal(frames, golden["notes_frames"])


def test_notes_of_an_empty_and_of_a_full_roll() -> None:
    assert extract_notes(torch.zeros((5, 88)), 0.5)[0].numel() == 0
    assert extract_notes(torch.zeros((0, 88)), 0.5)[1].shape == (0, 2)
    bins, frames = extract_notes(torch.ones((5, 88)), 0.5)
    assert bins.tolist() == list(range(88))
    assert frames.tolist() == [[0, 5]] * 88


def test_condition_serves_a_batch_of_variations(network: DiffRoll, golden: dict[str, Tensor]) -> None:
    condition = network.condition(golden["spec_normalised"])
    x_t = torch.cat((golden["x_T"], -golden["x_T"]))
    apart = torch.cat([network.denoiser(condition)(row[None], 57) for row in x_t])
    assert_near(network.denoiser(condition)(x_t, 57), apart, 1e-5)


def test_bfloat16_weights_answer_in_the_precision_of_the_question(network: DiffRoll, golden: dict[str, Tensor]) -> None:
    with torch.device("meta"):
        small = DiffRoll(DEV)
    load_into(small, {name: each.bfloat16() for name, each in network.state_dict().items()})
    with torch.inference_mode():
        x0 = small.denoiser(small.condition(golden["spec_normalised"]))(golden["x_T"], 57)
    assert x0.dtype == torch.float32
    assert_near(x0, golden["forward_cond_t57"], 0.05)


def test_published_size() -> None:
    with torch.device("meta"):
        network = DiffRoll(DiffRollConfig())
    parameters = sum(each.numel() for each in network.parameters())
    assert round(parameters / 1e6, 1) == 86.8
    dilations = [layer.dilated_conv.dilation[0] for layer in network.residual_layers]
    assert dilations == list(itertools.islice(itertools.cycle((1, 2, 4, 8)), 15))


@pytest.mark.parametrize(
    "sizes", [{"kernel_size": 4}, {"residual_layers": 0}, {"n_mels": True}, {"steps": "200"}, {"width": 3}]
)
def test_config_refuses_impossible_sizes(sizes: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="DiffRoll network"):
        DiffRollConfig.from_mapping(sizes)


@pytest.mark.parametrize("settings", [{"f_max": 9000.0}, {"hop_length": 0}, {"n_fft": "2048"}])
def test_front_end_refuses_impossible_settings(settings: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="front end"):
        MelConfig.from_mapping(settings)
