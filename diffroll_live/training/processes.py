"""Processes started by ``torchrun`` that share the batches of one run; with a single process this does nothing.

Each process mixes and processes its own part of a batch; gradients and losses are averaged. Random numbers are drawn
for the whole batch in every process, so a run takes the same steps however many processes share it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from diffroll_live.errors import RequestError


@dataclass(frozen=True, slots=True)
class Share:
    """Process ``rank`` of ``count``."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def size(self, batch: int) -> int:
        """The number of a batch's examples for this process. Raises RequestError if they cannot be shared evenly."""
        if batch % self.count:
            raise RequestError(
                f"{batch} windows per step cannot be split between {self.count} processes; choose a multiple."
            )
        return batch // self.count

    def own(self, everything: Tensor) -> Tensor:
        """Select this process's rows of a batch."""
        return everything.chunk(self.count)[self.rank]

    def spread(self, own: Tensor) -> Tensor:
        """A whole batch with this process's rows in place; the other rows are arbitrary."""
        return own.repeat(self.count, *(1 for _ in own.shape[1:]))


ALONE = Share()


class Draws:
    """The random numbers of one step on a device; ``generator`` has the same seed in every process."""

    def __init__(self, generator: torch.Generator, share: Share = ALONE) -> None:
        self.generator, self.share = generator, share

    def uniform(self, n: int) -> Tensor:
        """Draw (n,) numbers in [0, 1)."""
        everything = torch.rand(n * self.share.count, device=self.generator.device, generator=self.generator)
        return self.share.own(everything)

    def normal(self, shape: torch.Size) -> Tensor:
        """Draw ``shape`` numbers of variance 1, the first dimension being the batch."""
        whole = (shape[0] * self.share.count, *shape[1:])
        return self.share.own(torch.randn(whole, device=self.generator.device, generator=self.generator))


@contextmanager
def sharing(device: str) -> Iterator[tuple[Share, str]]:
    """Join the processes that torchrun started, if any; yields this one's share and device (one GPU each)."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE, device
        return
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Share(distributed.get_rank(), count), device
    finally:
        distributed.destroy_process_group()


def average(values: list[Tensor], share: Share) -> list[Tensor]:
    """Average tensors of one dtype over the processes in a single reduction."""
    if share.count == 1:
        return values
    flat = torch.cat([value.detach().flatten() for value in values])
    distributed.all_reduce(flat)
    parts = (flat / share.count).split([value.numel() for value in values])
    return [part.view_as(value) for part, value in zip(parts, values, strict=True)]


def average_gradients(network: nn.Module, share: Share) -> None:
    """Average every gradient over the processes; a missing one counts as zero."""
    if share.count == 1:
        return
    parameters = [p for p in network.parameters() if p.requires_grad]
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    for parameter, mean in zip(parameters, average(gradients, share), strict=True):
        parameter.grad = mean
