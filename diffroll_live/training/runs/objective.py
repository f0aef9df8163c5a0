"""The compact network's objective: the clean roll from a noisy one, and the draft from the audio alone.

The estimate of a bit is a probability, so its loss is cross-entropy; its minimizer is the posterior mean that
samplers need. Every cell has the same weight whatever its value, since samplers use the probabilities as they are.

An estimate of the roll is an estimate of the noise: x_t = sqrt(a) x0 + sqrt(1 - a) noise with a = alpha_bar(t), so
noise' - noise = -sqrt(a / (1 - a)) (x0' - x0), and a squared loss on the noise is the one on the roll times a / (1 -
a), the signal-to-noise ratio at t (Salimans and Ho, arXiv 2202.00512, section 4). The weight over t is a row of
``weighting.WEIGHTINGS``, by default that of the roll: 1 at every t, with FIRST_STEP_SHARE then drawing t = 1 more
often, where noise prediction has weight 0 and few-step sampling does most of its work.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from diffroll_live.model.networks.compact import Compact, Condition, posterior_mean
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.training.examples.batches import PEDAL_UNKNOWN, Batch
from diffroll_live.training.examples.masks import Masks
from diffroll_live.training.processes import Draws
from diffroll_live.training.runs.weighting import Weighting, ratio

FIRST_STEP_SHARE = 0.3  # of the examples are at t = 1, where few-step sampling starts
SELF_ESTIMATE_SHARE = 0.5  # of the other examples use a sampler's own x0 at t instead of the truth
DRAFT_WEIGHT = 0.5
SHIFT_WEIGHT = 0.3
ONSET_WEIGHT = 3.0  # onsets are ten times rarer than sounding frames
FRAME_WEIGHT = 2.0
VELOCITY_WEIGHT = 8.0
PEDAL_WEIGHT = 4.0
LOWEST_WEIGHT = 2.0  # of the lowest pitch, falling to 1 at FULL_PITCHES: the bass is rare, and carries the harmony
FULL_PITCHES = 36  # bins, three octaves up


def clean_roll(batch: Batch) -> Tensor:
    """The roll as bits: (batch, 264, n_frames) of onset and frame at -1 or 1, velocity from -1 to 1."""
    return torch.cat([batch[name].float() for name in ("onset", "frame", "velocity")], dim=1) * 2 - 1


def noisy(x0: Tensor, t: Tensor, noise: Tensor, bit_scale: float) -> Tensor:
    """Noise a roll to time t under alpha_bar = cos^2(pi t / 2), then bring it to unit variance.

    x0, noise: (batch, 264, n_frames); t: (batch,) in [0, 1]. Scaling the bits shifts the signal-to-noise ratio (Chen,
    arXiv 2301.10972, section 2.2).
    """
    angle = (t * (math.pi / 2))[:, None, None]
    signal, sigma = angle.cos() * bit_scale, angle.sin()
    return (signal * x0 + sigma * noise) / torch.sqrt(signal**2 + sigma**2)


def losses(
    network: Compact, features: Tensor, batch: Batch, masks: Masks, draws: Draws, weigh: Weighting = torch.ones_like
) -> dict[str, Tensor]:
    """Compute the parts of the loss of one batch; "total" is what is minimised.

    features: (batch, n_features, n_frames). Cells are averaged over frames and summed over pitches, excluding known
    cells of the denoised roll and cells of the draft without audio; notes that are less certain count less. ``draws``
    gives t and the noise; ``weigh`` turns signal-to-noise ratios into weights of the denoised examples.
    """
    x0 = clean_roll(batch)
    believed = batch["trust"].to(x0.device)[:, None, None] * pitch_weights(x0.device)
    t = draws.uniform(len(x0))
    t = torch.where(draws.uniform(len(x0)) < FIRST_STEP_SHARE, 1.0, t)
    own = (t < 1) & (draws.uniform(len(x0)) < SELF_ESTIMATE_SHARE)
    noise = draws.normal(x0.shape)
    known = masks.known.repeat(1, 3, 1)
    heard = network.encoder(features, masks.audio)
    condition = network.denoiser.condition(x0 * known, masks.known, heard)
    held = _with_own_estimates(network, x0, noise, known, condition, own)
    x_t = torch.where(known > 0, x0, noisy(held, t, noise, network.config.bit_scale))
    logits = network.denoiser(x_t, t, condition)
    counted = (1 - masks.known) * weigh(_ratio(t, network.config.bit_scale))[:, None, None] * believed
    parts = {f"denoised_{k}": v for k, v in _roll_losses(logits, x0, counted).items()}
    draft = {f"draft_{k}": v for k, v in _roll_losses(heard.draft, x0, masks.audio * believed).items()}
    parts |= draft
    parts["shift"] = _shift_loss(heard.shifts, batch, masks.audio)
    if heard.pedal is not None:
        parts["pedal"] = _pedal_loss(heard.pedal, batch["pedal"].float(), masks.audio)
    parts["total"] = (
        sum(v for k, v in parts.items() if k.startswith("denoised"))
        + DRAFT_WEIGHT * sum(v for k, v in parts.items() if k.startswith("draft"))
        + SHIFT_WEIGHT * parts["shift"]
        + PEDAL_WEIGHT * parts.get("pedal", 0.0)
    )
    return parts


def pitch_weights(device: torch.device) -> Tensor:
    """How much the cells of each pitch count, whatever is in them; (88, 1)."""
    height = (torch.arange(N_PITCHES, device=device) / FULL_PITCHES).clamp(max=1.0)
    return (LOWEST_WEIGHT + (1.0 - LOWEST_WEIGHT) * height)[:, None]


def _ratio(t: Tensor, bit_scale: float) -> Tensor:
    """The signal-to-noise ratio at ``t``, (batch,)."""
    angle = t * (math.pi / 2)
    return ratio(angle.cos() * bit_scale, angle.sin())


@torch.no_grad()
def _with_own_estimates(
    network: Compact, x0: Tensor, noise: Tensor, known: Tensor, condition: Condition, own: Tensor
) -> Tensor:
    """x0 with the examples of ``own`` (batch,) replaced by the network's own estimate from the same noise at t = 1.

    Between two evaluations a deterministic sampler holds its own estimate, not the truth. A network that has only seen
    the noisy truth would take its own uncertainty for fact (compare self-conditioning: Chen et al., arXiv 2208.04202,
    section 3.2).
    """
    rows = torch.nonzero(own)[:, 0]
    if not len(rows):
        return x0
    x_1 = torch.where(known[rows] > 0, x0[rows], noise[rows])
    logits = network.denoiser(x_1, torch.ones(len(rows), device=x0.device), condition.rows(rows))
    return x0.index_copy(0, rows, posterior_mean(logits))


def _roll_losses(logits: Tensor, x0: Tensor, counted: Tensor) -> dict[str, Tensor]:
    """Cross-entropy of onset and frame, Huber loss of velocity within notes; ``counted`` (batch, 88, n_frames)."""
    logits, bits = logits.float(), (x0 + 1) / 2
    n = logits.shape[0] * logits.shape[2]
    onset, frame, velocity = logits.split(N_PITCHES, dim=1)
    bit_onset, bit_frame, _ = bits.split(N_PITCHES, dim=1)
    level = x0[:, 2 * N_PITCHES :]
    bce = F.binary_cross_entropy_with_logits
    huber = F.smooth_l1_loss(velocity, level, beta=0.1, reduction="none")
    return {
        "onset": ONSET_WEIGHT * (bce(onset, bit_onset, reduction="none") * counted).sum() / n,
        "frame": FRAME_WEIGHT * (bce(frame, bit_frame, reduction="none") * counted).sum() / n,
        "velocity": VELOCITY_WEIGHT * (huber * counted * (bit_onset + 0.25 * bit_frame)).sum() / n,
    }


def _shift_loss(shifts: Tensor, batch: Batch, audio: Tensor) -> Tensor:
    """Absolute error of the onset and offset shifts, in frames, where an onset or an offset is audible."""
    onset, offset = shifts.float().split(N_PITCHES, dim=1)
    n = shifts.shape[0] * shifts.shape[2]
    at_onset = batch["onset"].float() * audio
    at_offset = batch["offset_mask"].float() * audio
    error = (onset - batch["onset_shift"].float()).abs() * at_onset
    error = error + 0.5 * (offset - batch["offset_shift"].float()).abs() * at_offset
    return error.sum() / n


def _pedal_loss(pedal: Tensor, target: Tensor, audio: Tensor) -> Tensor:
    """Cross-entropy of the pedal, averaged over the audible frames in which it is known; 0 where there is none."""
    counted = audio * (target != PEDAL_UNKNOWN)
    error = F.binary_cross_entropy_with_logits(pedal.float(), target, reduction="none") * counted
    return error.sum() / counted.sum().clamp(min=1.0)
