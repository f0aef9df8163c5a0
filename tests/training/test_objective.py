"""What is hidden from the network, and what it is asked for: masks of the tasks, and the losses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.training_material import SMALL, Folders

from diffroll_live.model.front_end import FrontEnd
from diffroll_live.model.networks.compact import ROLL_WIDTH, Compact
from diffroll_live.model.schedules import CosineSchedule
from diffroll_live.music.roll import N_PITCHES, RollGeometry
from diffroll_live.training.examples.batches import Batch, batch_of
from diffroll_live.training.examples.masks import SHARES, Masks, draw_masks
from diffroll_live.training.examples.windows import WindowMaker
from diffroll_live.training.processes import Draws
from diffroll_live.training.runs.objective import clean_roll, losses, noisy

pytest_plugins = ["support.training_fixtures"]
FRAME_RATE = 62.5
FRAMES = 512
SECONDS = 1.024


@pytest.fixture(scope="module")
def drawn() -> Masks:
    """Masks of 900 examples, the audio of which stops at frame 400."""
    generator = torch.Generator().manual_seed(1)
    parts = [draw_masks(torch.full((100,), 400), FRAMES, FRAME_RATE, generator) for _ in range(9)]
    return Masks(torch.cat([p.audio for p in parts]).bool(), torch.cat([p.known for p in parts]).bool())


def test_the_tasks_have_their_shares(drawn):
    """Told apart by what is heard and what is known, with room for chance (three standard deviations)."""
    heard, known = drawn.audio[:, 0].any(1), drawn.known
    some, everything = known.any((1, 2)), known.all((1, 2))
    assert not everything.any(), "there is always something to be found"
    past = known[:, :, 0].all(1) & ~known[:, :, -1].any(1)  # known from the beginning, to some moment
    after_past = drawn.audio[:, 0, :400].all(1)
    expected = {
        "transcribe": (heard & ~some, SHARES["transcribe"]),
        "nothing": (~heard & ~some, SHARES["nothing"]),
        "transcribe_after": (heard & past & after_past, SHARES["transcribe_after"]),
        "blind": (~heard & some, SHARES["blind_hole"] + SHARES["blind_continue"]),
    }
    for task, (where, share) in expected.items():
        assert float(where.float().mean()) == pytest.approx(share, abs=3 * (share * (1 - share) / 900) ** 0.5), task
    assert sum(SHARES.values()) == pytest.approx(1)


def test_what_is_to_be_found_in_a_hole_cannot_be_heard_there(drawn):
    """Where notes after an unknown cell are known, it lies in a hole: silent, of 0.3 to 4 s."""
    known, audio = drawn.known, drawn.audio[:, 0]
    unknown = ~known.all(1)  # frames of which some pitch is to be found
    holes = [
        i for i in range(len(known)) if known[i, :, -1].all() and unknown[i].any() and unknown[i].float().mean() < 0.9
    ]
    assert len(holes) > 150
    bands = 0
    for i in holes:
        assert not (audio[i] & unknown[i]).any()
        bands += bool(known[i][:, unknown[i]].any())
        assert 0.3 * FRAME_RATE - 1 <= unknown[i].sum() <= 2 * 4 * FRAME_RATE + 2
    assert 0.1 < bands / len(holes) < 0.6


def test_what_comes_after_a_continuation_is_not_heard(drawn):
    silent_future = [
        i
        for i in range(len(drawn.known))
        if drawn.known[i, :, 0].all() and not drawn.known[i, :, -1].any() and not drawn.audio[i, 0, :400].all()
    ]
    assert len(silent_future) > 40
    for i in silent_future:
        assert not (drawn.audio[i, 0] & ~drawn.known[i].all(0)).any()


def test_nothing_is_heard_beyond_the_edge(drawn):
    assert not drawn.audio[:, 0, 400:].any()


def test_masks_follow_their_generator():
    edge = torch.full((20,), 300)
    first, again = (draw_masks(edge, FRAMES, FRAME_RATE, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first.audio, again.audio)
    assert torch.equal(first.known, again.known)


@pytest.fixture(scope="module")
def batch(folders: Folders) -> Batch:
    maker = WindowMaker(replace(folders.material, seconds=SECONDS, empty_share=0.0))
    return batch_of([maker.window(0, number) for number in range(4)], RollGeometry(16_000, 256), SECONDS)


@pytest.fixture(scope="module")
def features(batch: Batch) -> torch.Tensor:
    return FrontEnd()(batch["samples"])


@pytest.fixture
def network() -> Compact:
    """A network off its beginning, where the last layers are zero and pass no gradient on."""
    torch.manual_seed(0)
    made = Compact(SMALL)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made


def masks(batch: Batch, audio: float = 1.0, known: float = 0.0) -> Masks:
    n, _, n_frames = batch["onset"].shape
    return Masks(torch.full((n, 1, n_frames), audio), torch.full((n, N_PITCHES, n_frames), known))


def draws() -> Draws:
    return Draws(torch.Generator().manual_seed(3))


@torch.no_grad()
def costs(network: Compact, features: torch.Tensor, batch: Batch, hidden: Masks) -> dict[str, float]:
    return {name: float(value) for name, value in losses(network, features, batch, hidden, draws()).items()}


def of(parts: dict[str, float], head: str) -> list[float]:
    return [value for name, value in parts.items() if name.startswith(head)]


def test_the_clean_roll_is_bits_and_velocities(batch):
    x0 = clean_roll(batch)
    bits, velocity = x0[:, : 2 * N_PITCHES], x0[:, 2 * N_PITCHES :]
    assert x0.shape[1] == ROLL_WIDTH
    assert set(bits.unique().tolist()) == {-1.0, 1.0}
    assert velocity.min() == -1
    assert -1 < velocity.max() <= 1


@pytest.mark.parametrize("bit_scale", [1.0, 0.6])
@pytest.mark.parametrize("t", [0.05, 0.3, 0.5, 0.8, 0.95])
def test_the_loss_on_the_noise_is_that_on_the_roll_times_the_signal_to_noise_ratio(t, bit_scale):
    """alpha_bar / (1 - alpha_bar), not its square root, for any estimate of the roll."""
    torch.manual_seed(0)
    alpha_bar = CosineSchedule().alpha_bar(t)
    bits = torch.randint(0, 2, (2, ROLL_WIDTH, 50)).double() * 2 - 1
    noise = torch.randn_like(bits)
    unit = noisy(bits, torch.full((2,), t, dtype=torch.float64), noise, bit_scale)
    x0 = bit_scale * bits
    x_t = unit * (alpha_bar * bit_scale**2 + 1 - alpha_bar) ** 0.5
    assert torch.allclose(x_t, alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * noise)
    estimate = x0 + 0.3 * torch.randn_like(x0)
    estimated_noise = (x_t - alpha_bar**0.5 * estimate) / (1 - alpha_bar) ** 0.5
    on_noise, on_roll = (estimated_noise - noise).square().mean(), (estimate - x0).square().mean()
    assert float(on_noise / on_roll) == pytest.approx(alpha_bar / (1 - alpha_bar), rel=1e-9)


def test_a_noisy_roll_has_unit_variance_and_ends_as_noise():
    torch.manual_seed(0)
    bits = torch.randint(0, 2, (3, ROLL_WIDTH, 200)).float() * 2 - 1
    noise = torch.randn_like(bits)
    out = noisy(bits, torch.tensor([0.0, 0.5, 1.0]), noise, 0.6)
    assert torch.allclose(out[0], bits[0], atol=1e-5)
    assert torch.allclose(out[2], noise[2], atol=1e-5)
    assert out.square().mean((1, 2)).tolist() == pytest.approx([1, 1, 1], abs=0.03)


def test_what_is_known_does_not_count(network, batch, features):
    assert of(costs(network, features, batch, masks(batch, known=1.0)), "denoised") == [0, 0, 0]
    half = masks(batch)
    half.known[:, :, ::2] = 1
    before = costs(network, features, batch, half)
    hook = network.denoiser.register_forward_hook(
        lambda module, given, out: out + 9 * half.known[: len(out)].repeat(1, 3, 1)
    )
    assert costs(network, features, batch, half)["total"] == before["total"]
    hook.remove()
    hook = network.denoiser.register_forward_hook(
        lambda module, given, out: out + 9 * (1 - half.known[: len(out)]).repeat(1, 3, 1)
    )
    assert costs(network, features, batch, half)["total"] > before["total"]
    hook.remove()


def test_known_cells_are_shown_clean(network, batch, features):
    shown = []
    hook = network.denoiser.register_forward_hook(lambda module, given, out: shown.append(given[0]))
    half = masks(batch)
    half.known[:, :, ::2] = 1
    costs(network, features, batch, half)
    hook.remove()
    x0 = clean_roll(batch)
    assert torch.equal(shown[-1][:, :, ::2], x0[:, :, ::2])
    assert not (shown[-1][:, :, 1::2] == x0[:, :, 1::2]).any()


def test_some_examples_hold_what_a_sampler_would_hold_at_t(network, batch, features):
    asked = []
    hook = network.denoiser.register_forward_hook(lambda module, given, out: asked.append((given[0], given[1])))
    costs(network, features, batch, masks(batch))
    hook.remove()
    (from_noise, first_t), (_, t) = asked
    assert 0 < len(from_noise) < len(t)
    assert (first_t == 1).all()
    assert int((t < 1).sum()) >= len(from_noise)


def test_the_draft_is_asked_only_for_what_is_heard(network, batch, features):
    deaf = masks(batch, audio=0.0)
    parts = costs(network, features, batch, deaf)
    assert of(parts, "draft") == [0, 0, 0]
    assert parts["shift"] == 0
    assert costs(network, torch.randn_like(features), batch, deaf) == parts


def test_every_weight_learns(network, batch, features):
    partly = masks(batch)
    partly.audio[:, :, 40:] = 0
    partly.known[:, :, :10] = 1
    losses(network, features, batch, partly, draws())["total"].backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_a_perfect_estimate_costs_next_to_nothing(network, batch, features):
    x0 = clean_roll(batch)
    logits = torch.cat([20 * x0[:, : 2 * N_PITCHES], x0[:, 2 * N_PITCHES :]], dim=1)
    hook = network.denoiser.register_forward_hook(lambda module, given, out: logits[: len(out)])
    parts = costs(network, features, batch, masks(batch))
    hook.remove()
    assert sum(of(parts, "denoised")) < 1e-3
