"""A compact network so small that tests can afford it, with random weights that hear and write something."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch

from diffroll_live.composer.network import Composer, ComposerConfig
from diffroll_live.composer.vocabulary import NO_KEY
from diffroll_live.model.adapters.compact import CompactAdapter
from diffroll_live.model.checkpoints.folder import ModelFolder
from diffroll_live.model.checkpoints.weights import write_model
from diffroll_live.model.front_end import FrontEnd, FrontEndConfig
from diffroll_live.model.loudness import UNSCALED, VelocityScale
from diffroll_live.model.networks.compact import Compact, CompactConfig
from diffroll_live.training.composing.export import write_composer

CONFIG = CompactConfig(
    width=16,
    kernel_size=3,
    encoder_dilations=(1, 2),
    denoiser_dilations=(1, 2),
    context_after=(0,),
    context_frames=8,
    pitch_width=4,
    harmonic_width=2,
)


COMPOSER = ComposerConfig(width=64, depth=2, touch=16)


def tiny_network(seed: int = 4) -> Compact:
    """A network whose every weight matters; a few cells in a thousand are onsets to it."""
    generator = torch.Generator().manual_seed(seed)
    network = Compact(CONFIG)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            spread = weight[0].numel() ** -0.5 if weight.dim() > 1 else 0.1
            if "gain" not in name and "unheard" not in name:
                weight.normal_(0.0, spread, generator=generator)
        network.encoder.heads.bias[0] = -4.0  # onset
        network.encoder.heads.bias[1] = -0.5  # frame
        network.denoiser.unheard[:176] = -3.5
        network.denoiser.heads.weight.mul_(0.3)  # it corrects the drafts, of which there would be too many notes
        network.denoiser.heads.bias.zero_()
    return network.eval().requires_grad_(False)


def listening_network(seed: int = 4) -> Compact:
    """The network with a head for the pedal, set so that to it the pedal is down where it is loud."""
    network = Compact(replace(CONFIG, pedal_width=2)).eval().requires_grad_(False)
    network.load_state_dict(tiny_network(seed).state_dict(), strict=False)
    head = network.encoder.pedal
    assert head is not None
    seen: list[torch.Tensor] = []
    hook = head.enter.register_forward_pre_hook(lambda _, given: seen.append(given[0][0]))
    for level in (0.1, 0.0):
        sound = level * torch.randn(1, 16_000, generator=torch.Generator().manual_seed(seed))
        network.encoder(FrontEnd()(sound), torch.ones(1, 1, 63))
    hook.remove()
    loud, quiet = (each[:, 16:48].mean(dim=1) for each in seen)
    for parameter in head.parameters():
        parameter.zero_()
    towards = (loud - quiet) / (loud - quiet).square().sum()
    head.enter.weight[0] = towards[:, None]
    head.leave.weight[0, 0] = 20.0
    head.leave.bias[0] = -20.0 * float(towards @ (loud + quiet) / 2)
    return network


def listening_adapter() -> CompactAdapter:
    """That network as an adapter like ``tiny_adapter``'s."""
    return CompactAdapter(listening_network(), FrontEnd(), torch.device("cpu"), torch.float32, 64, 8)


def tiny_adapter(
    seed: int = 4, window_frames: int = 64, margin_frames: int = 8, velocity_scale: VelocityScale = UNSCALED
) -> CompactAdapter:
    """The network as an adapter on the CPU, in float32, with short windows."""
    cpu = torch.device("cpu")
    shape = {"window_frames": window_frames, "margin_frames": margin_frames}
    return CompactAdapter(tiny_network(seed), FrontEnd(), cpu, torch.float32, **shape, velocity_scale=velocity_scale)


def write_tiny_model(folder: Path, seed: int = 4) -> ModelFolder:
    """The network as a model folder."""
    config = {
        "name": folder.name,
        "version": "0",
        "architecture": "compact",
        "licence": "CC0-1.0",
        "sample_rate": 16_000,
        "hop_length": 256,
        "network": asdict(CONFIG),
        "front_end": asdict(FrontEndConfig()),
        "decode": {"onset_threshold": 0.12},
        "sampling": {"batch": 3},
    }
    write_model(folder, tiny_network(seed).state_dict(), config, "# tiny\n")
    return write_composer(folder, tiny_composer(seed).state_dict(), {"network": asdict(COMPOSER)})


def tiny_composer(seed: int = 4) -> Composer:
    """A composer of random weights, which writes a note or two in every other step."""
    torch.manual_seed(seed)
    network = Composer(COMPOSER)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.1)
    torch.nn.init.constant_(network.keys.bias[NO_KEY:], 4.5)
    torch.nn.init.constant_(network.every.bias, -4.5)
    return network.eval().requires_grad_(False)
