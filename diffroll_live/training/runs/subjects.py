"""The networks that can be trained, each with its front end, its objective, and suitable windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from diffroll_live.errors import RequestError
from diffroll_live.model.front_end import FrontEnd, FrontEndConfig
from diffroll_live.model.networks.compact import Compact, CompactConfig
from diffroll_live.training.examples import masks
from diffroll_live.training.runs import objective


@dataclass(frozen=True, slots=True)
class Subject:
    """A network in training. ``losses`` and ``draw_masks`` are as in ``objective`` and ``masks``."""

    architecture: str  # as a model's config.json names it
    network: Callable[[Any], nn.Module]
    front_end: Callable[[Any], nn.Module]
    losses: Callable[..., Any]
    draw_masks: Callable[..., masks.Masks]
    config: Any  # sizes of the network
    front_end_config: Any  # has sample_rate and hop_length
    material: Mapping[str, Any] = field(default_factory=dict)  # fields of Material that suit it
    schedule: Mapping[str, Any] = field(default_factory=dict)  # fields of Schedule that suit it


BASS_BINS = 108  # three octaves from A0 up, to 220 Hz
FRONT_END = FrontEndConfig(n_fft_low=8192, n_low_bins=BASS_BINS)  # half a second, in which a semitone at C2 shows
#: The network as it is trained: that of CompactConfig, with ears for the bass and the pedal.
COMPACT = CompactConfig(
    n_features=FRONT_END.n_features,
    n_low_bins=BASS_BINS,
    overtones=(7.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0),
    pedal_width=32,
)


def compact(config: CompactConfig | None = None, front_end: FrontEndConfig | None = None) -> Subject:
    """The project's own network; one of other sizes has the plain front end, unless another is given."""
    if config is None:
        config, front_end = COMPACT, front_end or FRONT_END
    return Subject(
        "compact",
        Compact,
        FrontEnd,
        objective.losses,
        masks.draw_masks,
        config,
        front_end or FrontEndConfig(),
        schedule={"rate": 2e-3},
    )


def diffroll(config: Any = None, front_end: Any = None) -> Subject:
    """The published network, on clips of 20.48 s and at the published rate."""
    from diffroll_live.model.networks.diffroll import DiffRoll, DiffRollConfig  # its front end needs torchaudio
    from diffroll_live.model.networks.diffroll_mel import LogMel, MelConfig
    from diffroll_live.training.runs import diffroll_objective

    return Subject(
        "diffroll",
        DiffRoll,
        LogMel,
        diffroll_objective.losses,
        diffroll_objective.draw_masks,
        config or DiffRollConfig(),
        front_end or MelConfig(),
        material={"seconds": 20.48, "edge_share": 0.0},
        schedule={"rate": 1e-5},
    )


#: Architecture -> the function that makes its Subject.
SUBJECTS: dict[str, Callable[..., Subject]] = {"compact": compact, "diffroll": diffroll}


def subject_of(name: str) -> Subject:
    """Look a network up. Raises RequestError."""
    if name not in SUBJECTS:
        raise RequestError(f"There is no network {name!r} to train; choose one of {', '.join(SUBJECTS)}.")
    return SUBJECTS[name]()
