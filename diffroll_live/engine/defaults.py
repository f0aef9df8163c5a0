"""A model's defaults for what a request does not set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defaults:
    """Settings that are stored with a model's weights."""

    onset_threshold: float = 0.5
    frame_threshold: float = 0.5
    velocity_scale: tuple[float, ...] = ()  # height, slope, per_db of a VelocityScale; empty: as the network says
    gate: float = -65.0  # dBFS; quieter audio has no onsets
    sampler: str = "ddim"
    guidance: float = 0.0
    reading_steps: tuple[int, int, int] = (1, 2, 4)  # evaluations per window, by quality: draft, live, best
    batch: int = 4  # windows at a time, on a device that computes several as soon as one
