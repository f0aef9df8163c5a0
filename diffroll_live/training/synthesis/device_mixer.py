"""Mixes whole batches on the training device: all voices of all windows at once, then every effect.

The processes that draw windows send plans instead of audio: which recordings, where, how loud, and which effects. The
bank is in the device's memory. The result is the one that ``mixer`` and ``effects`` make of the same plan.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from diffroll_live.training.synthesis.bank import SAMPLE_RATE, Bank
from diffroll_live.training.synthesis.effects import perform
from diffroll_live.training.synthesis.mixer import SoundingNotes
from diffroll_live.training.synthesis.plans import WindowPlan

AT_ONCE = 1 << 25  # samples of voices gathered at a time; bounds the memory


class DeviceMixer:
    """A bank on a device."""

    def __init__(self, bank: Bank | None, device: torch.device) -> None:
        self.device = device
        self.bank = torch.from_numpy(np.array(bank.samples)).to(device) if bank is not None else None

    def __call__(self, plans: Sequence[WindowPlan], seconds: float) -> Tensor:
        """Render a batch: (batch, n_samples)."""
        n = int(round(seconds * SAMPLE_RATE))
        out = torch.zeros(len(plans), n, device=self.device)
        mixed = {i: plan.voices for i, plan in enumerate(plans) if plan.voices is not None}
        if mixed:
            out[list(mixed)] = self._voices(list(mixed.values()), n)
        for row, plan in enumerate(plans):
            if plan.samples is not None:
                out[row] += torch.from_numpy(plan.samples).to(self.device)
        coloured = {i: plan.effects for i, plan in enumerate(plans) if plan.effects is not None}
        if coloured:
            out[list(coloured)] = perform(out[list(coloured)], list(coloured.values()))
        ends = torch.tensor([int(plan.edge * SAMPLE_RATE) for plan in plans], device=self.device)
        return torch.where(torch.arange(n, device=self.device) < ends[:, None], out, 0.0)

    def _voices(self, windows: Sequence[SoundingNotes], n: int) -> Tensor:
        """Sum all voices, then resample each window to its tuning."""
        length = max(int(np.ceil(n * each.ratio)) + 1 for each in windows)
        names = ("begin", "source", "length", "damp", "gain")
        table = {name: np.concatenate([getattr(each, name) for each in windows]) for name in names}
        counts = [len(each.begin) for each in windows]
        table["window"] = np.arange(len(windows)).repeat(counts)
        table["tail"] = np.array([each.tail for each in windows]).repeat(counts)
        order = np.argsort(table["length"])  # similar lengths together, so that little gathering is wasted
        columns = {name: torch.from_numpy(each[order]).to(self.device) for name, each in table.items()}
        out = torch.zeros(len(windows) * length, device=self.device)
        lengths = table["length"][order]
        first = 0
        while first < len(order):
            last = first + 1
            while last < len(order) and (last + 1 - first) * lengths[last] <= AT_ONCE:
                last += 1
            self._add(
                out, length, {name: each[first:last, None] for name, each in columns.items()}, int(lengths[last - 1])
            )
            first = last
        return _tuned(out.view(len(windows), length), [each.ratio for each in windows], n)

    def _add(self, out: Tensor, length: int, voices: dict[str, Tensor], longest: int) -> None:
        """Add voices, columns (n_voices, 1), to the windows concatenated in ``out``."""
        assert self.bank is not None
        time = torch.arange(longest, device=self.device)
        at = voices["begin"] + time
        sounds = (time < voices["length"]) & (at >= 0) & (at < length)
        place = (voices["source"] + time).clamp(max=len(self.bank) - 1)
        falling = (time - voices["damp"]).clamp(min=0)
        tail = voices["tail"]
        fall = torch.exp(-5.0 * falling / tail) * (1.0 - falling / (tail - 1)).clamp(min=0) ** 0.25
        value = self.bank[place] * voices["gain"] * fall
        out.index_add_(0, (voices["window"] * length + at)[sounds], value[sounds])


def _tuned(mixed: Tensor, ratios: Sequence[float], n: int) -> Tensor:
    """Read (batch, length) at ``ratios`` times the speed with linear interpolation; (batch, n)."""
    position = torch.arange(n, device=mixed.device, dtype=torch.float64) * torch.tensor(
        ratios, dtype=torch.float64, device=mixed.device
    ).unsqueeze(1)
    below = position.long().clamp(max=mixed.shape[1] - 2)
    share = (position - below).float()
    return mixed.gather(1, below) * (1 - share) + mixed.gather(1, below + 1) * share
