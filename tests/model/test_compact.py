"""The compact network and its adapter: shapes, what masks hide, and what is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.tiny import CONFIG, tiny_adapter, tiny_network
from torch import Tensor

from diffroll_live.model.adapters.compact import CompactAdapter
from diffroll_live.model.denoiser import logit_guidance
from diffroll_live.model.networks.compact import ROLL_WIDTH, Compact, Encoded
from diffroll_live.model.networks.layers import Context
from diffroll_live.model.networks.pitch_paths import HARMONICS
from diffroll_live.model.roll_targets import target_of
from diffroll_live.music.roll import N_PITCHES

BATCH, FRAMES = 2, 64
SCALE = CONFIG.bit_scale


@pytest.fixture(scope="module")
def network() -> Compact:
    return tiny_network()


@pytest.fixture(scope="module")
def adapter() -> CompactAdapter:
    return tiny_adapter()


def features(batch: int = BATCH, frames: int = FRAMES) -> Tensor:
    return torch.randn(batch, CONFIG.n_features, frames)


def everything(batch: int = BATCH, frames: int = FRAMES) -> Tensor:
    return torch.ones(batch, 1, frames)


def known_half() -> tuple[Tensor, Tensor]:
    """A roll whose first half is known, with a few notes."""
    mask = torch.zeros(BATCH, N_PITCHES, FRAMES)
    mask[:, :, : FRAMES // 2] = 1
    roll = torch.where(torch.rand(BATCH, ROLL_WIDTH, FRAMES) < 0.05, 1.0, -1.0)
    return roll, mask


def parts(encoded: Encoded) -> tuple[Tensor, Tensor, Tensor]:
    return encoded.draft, encoded.shifts, encoded.z


@pytest.mark.parametrize("frames", [1, 7, 8, 65])
def test_shapes(network: Compact, frames: int) -> None:
    heard = network.encoder(features(frames=frames), everything(frames=frames))
    assert heard.draft.shape == (BATCH, ROLL_WIDTH, frames)
    assert heard.shifts.shape == (BATCH, 2 * N_PITCHES, frames)
    assert heard.z.shape == (BATCH, CONFIG.width, frames)
    nothing = torch.zeros(BATCH, ROLL_WIDTH, frames)
    condition = network.denoiser.condition(nothing, nothing[:, :N_PITCHES], heard)
    logits = network.denoiser(torch.randn(BATCH, ROLL_WIDTH, frames), torch.rand(BATCH), condition)
    assert logits.shape == (BATCH, ROLL_WIDTH, frames)


def test_the_cached_part_of_the_first_layer_changes_nothing(network: Compact) -> None:
    heard = network.encoder(features(), everything())
    known, mask = known_half()
    known = known * mask.repeat(1, 3, 1)
    x_t = torch.randn(BATCH, ROLL_WIDTH, FRAMES)
    condition = network.denoiser.condition(known, mask, heard)
    entered = condition.static + torch.nn.functional.conv1d(x_t, network.denoiser.enter.weight[:, :ROLL_WIDTH])
    sounding = (known[:, N_PITCHES : 2 * N_PITCHES] > 0).float().sum(dim=2)
    classes = torch.zeros(BATCH, 12)
    for pitch in range(21, 109):
        classes[:, pitch % 12] += sounding[:, pitch - 21]
    key = (classes / classes.amax(dim=1, keepdim=True).clamp(min=1))[:, :, None].expand(-1, -1, FRAMES)
    whole = torch.cat([x_t, known, mask, heard.audio_mask, heard.draft, heard.z, key], dim=1)
    torch.testing.assert_close(entered, network.denoiser.enter(whole), atol=1e-4, rtol=1e-4)


def test_an_untrained_denoiser_answers_with_the_draft_or_the_prior() -> None:
    network = Compact(CONFIG)
    mask = everything()
    mask[:, :, 40:] = 0
    heard = network.encoder(features(), mask)
    nothing = torch.zeros(BATCH, ROLL_WIDTH, FRAMES)
    condition = network.denoiser.condition(nothing, nothing[:, :N_PITCHES], heard)
    logits = network.denoiser(torch.randn_like(nothing), torch.rand(BATCH), condition)
    torch.testing.assert_close(logits[:, :, :40], heard.draft[:, :, :40])
    assert logits[:, : 2 * N_PITCHES, 40:].eq(-4.0).all()


def test_what_may_not_be_heard_changes_nothing(network: Compact) -> None:
    mask = everything()
    mask[:, :, 20:40] = 0
    one, other = features(), features()
    other = torch.where(mask > 0, one, other)
    for here, there in zip(parts(network.encoder(one, mask)), parts(network.encoder(other, mask)), strict=True):
        assert torch.equal(here, there)
    assert network.encoder(one, mask).draft[:, :, 20:40].eq(0).all()
    assert not torch.equal(network.encoder(one, mask).draft, network.encoder(one, everything()).draft)


def test_a_hidden_pitch_hides_its_frames(adapter: CompactAdapter) -> None:
    rows = torch.ones(BATCH, N_PITCHES, FRAMES)
    rows[:, 40, 20:40] = 0
    whole = everything()
    whole[:, :, 20:40] = 0
    windows = features()
    assert torch.equal(adapter.encode(windows, rows).draft, adapter.encode(windows, whole).draft)


def test_rows_do_not_depend_on_their_company(adapter: CompactAdapter) -> None:
    windows, (known, mask) = features(), known_half()
    x_t = torch.randn(BATCH, 3, FRAMES, N_PITCHES)
    together = adapter.denoise(adapter.condition(adapter.encode(windows, everything()), known, mask))(x_t, 0.7)
    for row in range(BATCH):
        one = slice(row, row + 1)
        heard = adapter.encode(windows[one], everything(1))
        alone = adapter.denoise(adapter.condition(heard, known[one], mask[one]))(x_t[one], 0.7)
        torch.testing.assert_close(together[one], alone, atol=1e-5, rtol=0)


def test_known_cells_are_told_clean_whatever_the_noise(adapter: CompactAdapter) -> None:
    known, mask = known_half()
    denoise = adapter.denoise(adapter.condition(adapter.encode(features(), everything()), known, mask))
    x_t = torch.randn(BATCH, 3, FRAMES, N_PITCHES)
    other = x_t.clone()
    other[:, :, : FRAMES // 2] = torch.randn(BATCH, 3, FRAMES // 2, N_PITCHES)
    assert torch.equal(denoise(x_t, 1.0), denoise(other, 1.0))
    other[:, :, FRAMES // 2 :] += 0.5
    assert not torch.equal(denoise(x_t, 1.0), denoise(other, 1.0))


def test_unknown_cells_of_the_roll_say_nothing(adapter: CompactAdapter) -> None:
    known, mask = known_half()
    heard = adapter.encode(features(), everything())
    other = torch.where(mask.repeat(1, 3, 1) > 0, known, -known)
    x_t = torch.randn(BATCH, 3, FRAMES, N_PITCHES)
    one = adapter.denoise(adapter.condition(heard, known, mask))(x_t, 0.5)
    assert torch.equal(one, adapter.denoise(adapter.condition(heard, other, mask))(x_t, 0.5))
    assert not torch.equal(one, adapter.denoise(adapter.condition(heard))(x_t, 0.5))


def test_estimates_are_bits_of_the_scale_they_were_trained_at(adapter: CompactAdapter) -> None:
    denoise = adapter.denoise(adapter.condition(adapter.encode(10 * features(), everything())))
    for t in (1.0, 0.5, 0.01):
        x0 = denoise(torch.randn(BATCH, 3, FRAMES, N_PITCHES), t)
        assert x0.shape == (BATCH, 3, FRAMES, N_PITCHES)
        assert x0.abs().max() <= SCALE
        assert ((adapter.probabilities(x0) >= 0) & (adapter.probabilities(x0) <= 1)).all()


@pytest.mark.parametrize("with_known", [False, True])
def test_guidance_is_in_logits_and_in_the_middle(adapter: CompactAdapter, with_known: bool) -> None:
    known = known_half() if with_known else (None, None)
    windows = features()
    told = adapter.condition(adapter.encode(windows, everything()), *known)
    untold = adapter.condition(adapter.encode(windows, 0 * everything()), *known)
    denoise, plain, unheard = adapter.guided(told, untold, 1.5), adapter.denoise(told), adapter.denoise(untold)
    x_t = torch.randn(BATCH, 3, FRAMES, N_PITCHES)
    wanted = logit_guidance(-SCALE, SCALE)(plain(x_t, 0.5), unheard(x_t, 0.5), 1.5)
    torch.testing.assert_close(denoise(x_t, 0.5), wanted, atol=2e-3, rtol=0)
    for t in (1.0, 0.25):
        torch.testing.assert_close(denoise(x_t, t), plain(x_t, t))


def test_a_drawn_roll_is_read_as_it_was_drawn(adapter: CompactAdapter) -> None:
    target = target_of(np.array([[0.1, 0.5, 60, 100]]), adapter.geometry, FRAMES)
    roll = adapter.draw(target)
    assert roll.shape == (ROLL_WIDTH, FRAMES)
    x0 = roll.view(1, 3, N_PITCHES, FRAMES).transpose(2, 3) * SCALE
    heard = adapter.encode(features(1), everything(1))
    (posterior,) = adapter.posteriors(x0, heard)
    np.testing.assert_allclose(posterior.onset, target.onset, atol=1e-6)
    np.testing.assert_allclose(posterior.frame, target.frame, atol=1e-6)
    np.testing.assert_allclose(posterior.velocity, target.velocity, atol=1e-6)
    assert posterior.onset_shift.shape == (FRAMES, N_PITCHES)


def test_windows_beyond_the_ends_are_quiet_and_not_heard(adapter: CompactAdapter) -> None:
    windows, mask = adapter.cut(torch.ones(CONFIG.n_features, 10), [0, 5, 40])
    assert windows.shape == (3, CONFIG.n_features, FRAMES)
    assert mask.sum(dim=2)[:, 0].tolist() == [10, 5, 0]
    assert windows[2].eq(-1.8).all()


def test_attention_sees_the_whole_window() -> None:
    context = Context(16, 8)
    torch.nn.init.normal_(context.leave.weight)
    x = torch.randn(1, 16, 100)
    changed = x.clone()
    changed[:, :, 0] += 1.0
    assert (context(x) - context(changed)).abs().sum(dim=1)[0, 90:].min() > 0


def test_harmonics_are_gathered_where_they_sound(network: Compact) -> None:
    index = network.encoder.pitches.taps.index.view(N_PITCHES, len(HARMONICS), 3)
    a4 = 69 - 21
    for harmonic, semitones in ((1.0, 0), (2.0, 12), (3.0, 19), (4.0, 24)):
        middle = 3 * (a4 + semitones)
        assert index[a4, HARMONICS.index(harmonic)].tolist() == [middle - 1, middle, middle + 1]
    assert index[87, HARMONICS.index(8.0)].tolist() == [CONFIG.n_bins] * 3  # beyond the spectrum


def test_ears_for_the_bass_and_the_pedal_change_nothing_that_was_learned_without_them(network: Compact) -> None:
    bass = 36
    more = replace(CONFIG, n_features=CONFIG.n_features + bass, n_low_bins=bass, overtones=(7.0, 9.0), pedal_width=6)
    larger = Compact(more).eval()
    larger.load_state_dict(network.state_dict(), strict=False)
    features, heard = torch.randn(2, more.n_features, 40), torch.ones(2, 1, 40)
    with torch.no_grad():
        before, after = network.encoder(features[:, : CONFIG.n_features], heard), larger.encoder(features, heard)
    assert torch.allclose(before.draft, after.draft, atol=1e-5)
    assert torch.allclose(before.shifts, after.shifts, atol=1e-5)
    assert before.pedal is None
    assert after.pedal is not None
    assert after.pedal.shape == (2, 1, 40)


def test_what_is_seen_of_the_bass_reaches_the_notes(network: Compact) -> None:
    bass = 36
    larger = Compact(replace(CONFIG, n_features=CONFIG.n_features + bass, n_low_bins=bass)).eval()
    larger.load_state_dict(network.state_dict(), strict=False)
    torch.nn.init.normal_(larger.encoder.bass.seen[1].weight)
    features = torch.randn(1, CONFIG.n_features + bass, 40)
    louder = features.clone()
    louder[:, -bass:-24] += 2.0
    with torch.no_grad():
        quiet, loud = (larger.encoder(each, torch.ones(1, 1, 40)).draft for each in (features, louder))
    assert (quiet - loud).abs().amax() > 0.01
