"""Windows to batches of tensors, mixed ahead of time by worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, IterableDataset

from diffroll_live.model.roll_targets import NoteArray, target_of
from diffroll_live.music.roll import RollGeometry
from diffroll_live.training.examples.windows import Material, Window, WindowMaker
from diffroll_live.training.processes import ALONE, Share
from diffroll_live.training.synthesis.device_mixer import DeviceMixer
from diffroll_live.training.synthesis.plans import WindowPlan

Batch = dict[str, torch.Tensor]
"""samples (batch, n_samples) float32; edge (batch,), the frame from which audio is missing; the rolls of
roll_targets.RollTarget, each (batch, 88, n_frames) float16; pedal (batch, 1, n_frames) float16, 1 where the sustain
pedal is down, 0 where it is up, 0.5 where that is unknown; and trust (batch,), how far to believe the notes, 0 to 1."""

PEDAL_UNKNOWN = 0.5
ROLLS = ("onset", "frame", "velocity", "onset_shift", "offset_shift", "offset_mask")
AHEAD = 3  # batches that each worker keeps ready


def batch_of(windows: list[Window], geometry: RollGeometry, seconds: float) -> Batch:
    """Stack windows of ``seconds`` each."""
    samples = torch.from_numpy(np.stack([window.samples for window in windows]))
    return {"samples": samples, **rolls_of(windows, geometry, seconds)}


def rolls_of(windows: Sequence[Window | WindowPlan], geometry: RollGeometry, seconds: float) -> Batch:
    """All of a batch but its samples."""
    n_frames = geometry.n_frames(seconds)
    targets = [target_of(w.notes, geometry, n_frames) for w in windows]
    rolls = {
        name: torch.from_numpy(np.stack([getattr(t, name).T for t in targets]).astype(np.float16)) for name in ROLLS
    }
    pedal = np.stack([pedal_target(w.pedal, geometry, n_frames) for w in windows])
    return {
        "edge": torch.tensor([geometry.frame(w.edge) for w in windows]),
        **rolls,
        "pedal": torch.from_numpy(pedal)[:, None],
        "trust": torch.tensor([w.trust for w in windows]),
    }


def pedal_target(spans: NoteArray | None, geometry: RollGeometry, n_frames: int) -> npt.NDArray[np.float16]:
    """Draw the spans in which the pedal is down, rows (down s, up s) or None; (n_frames,) as in a batch."""
    if spans is None:
        return np.full(n_frames, PEDAL_UNKNOWN, np.float16)
    out = np.zeros(n_frames, np.float16)
    for down, up in np.clip(np.rint(spans * geometry.frame_rate), 0, n_frames).astype(int):
        out[down:up] = 1.0
    return out


def loader(
    material: Material,
    geometry: RollGeometry,
    *,
    batch: int,
    seed: int,
    first: int,
    workers: int,
    share: Share = ALONE,
    mixer: DeviceMixer | None = None,
) -> Iterator[Batch]:
    """Endless batches from number ``first`` on, the same and in the same order for any number of workers.

    A whole batch has ``batch`` windows, of which each process makes its ``share``. With a ``mixer`` the workers only
    draw plans, which are mixed on the mixer's device; otherwise the workers mix.
    """
    dataset = _Batches(material, geometry, batch, seed, first, share, plans=mixer is not None)
    made = iter(DataLoader(dataset, batch_size=None, num_workers=workers, prefetch_factor=AHEAD if workers else None))
    if mixer is None:
        return made
    return ({"samples": mixer(plans, material.seconds), **rolls} for plans, rolls in made)


class _Batches(IterableDataset[Any]):
    def __init__(
        self,
        material: Material,
        geometry: RollGeometry,
        batch: int,
        seed: int,
        first: int,
        share: Share,
        *,
        plans: bool,
    ) -> None:
        self.material, self.geometry, self.batch, self.seed, self.first = material, geometry, batch, seed, first
        self.own, self.offset, self.plans = share.size(batch), share.size(batch) * share.rank, plans

    def __iter__(self) -> Iterator[Any]:
        info = torch.utils.data.get_worker_info()
        step, stride = (info.id, info.num_workers) if info else (0, 1)
        if info:
            torch.set_num_threads(1)  # leave the cores to the training
        maker = WindowMaker(self.material)
        number = self.first + step
        while True:
            yield self._batch(maker, number * self.batch + self.offset)
            number += stride

    def _batch(self, maker: WindowMaker, begin: int) -> Any:
        numbers = range(begin, begin + self.own)
        if not self.plans:
            windows = [maker.window(self.seed, number) for number in numbers]
            return batch_of(windows, self.geometry, self.material.seconds)
        plans = [maker.plan(self.seed, number) for number in numbers]
        return plans, rolls_of(plans, self.geometry, self.material.seconds)
