"""The objective of the published DiffRoll network: estimate the clean roll of frames, with a squared error alone.

Cheuk et al., 2022, section 3: 200 equally likely discrete times of a linear schedule; the loss is the mean squared
error of x0. The roll is 0 and 1; hiding a spectrogram makes all of it -1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diffroll_live.model.networks.diffroll import DiffRoll
from diffroll_live.model.networks.diffroll_mel import hide
from diffroll_live.model.schedules import LinearSchedule
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.training.examples.batches import Batch
from diffroll_live.training.examples.masks import Masks
from diffroll_live.training.processes import Draws
from diffroll_live.training.runs.weighting import Weighting, ratio


def losses(
    network: DiffRoll, features: Tensor, batch: Batch, masks: Masks, draws: Draws, weigh: Weighting = torch.ones_like
) -> dict[str, Tensor]:
    """Compute the loss of one batch; "total" is what is minimised.

    features: (batch, n_mels, n_frames) in [0, 1]. ``weigh`` turns signal-to-noise ratios into weights of the examples.
    """
    x0 = batch["frame"].float().transpose(1, 2)[:, None]
    steps = network.config.steps
    step = (draws.uniform(len(x0)) * steps).long().clamp(max=steps - 1)
    alpha_bar = _alpha_bars(steps).to(x0.device)[step][:, None, None, None]
    signal, sigma = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    x_t = signal * x0 + sigma * draws.normal(x0.shape)
    heard = hide(features, masks.audio.expand_as(features) == 0)
    error = (network(x_t, step, network.condition(heard)).float() - x0).square().mean(dim=(1, 2, 3))
    return {"total": (weigh(ratio(signal, sigma).flatten()) * error).mean()}


def draw_masks(edge: Tensor, n_frames: int, *_: object) -> Masks:
    """Hide everything after ``edge`` (batch,), the frame from which audio is missing; no note is ever known."""
    audio = (torch.arange(n_frames) < edge[:, None]).float()[:, None]
    return Masks(audio, torch.zeros(len(edge), N_PITCHES, n_frames))


def _alpha_bars(steps: int) -> Tensor:
    schedule = LinearSchedule(steps)
    return torch.tensor([schedule.alpha_bar(t) for t in range(steps)])
