"""Evaluations of a network, watched while a test runs; tests of the engine name this plugin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import Tensor

from diffroll_live.model.networks.compact import Denoiser
from diffroll_live.model.networks.diffroll import DiffRoll


@pytest.fixture
def denoiser(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Have a function called with the batch size before every evaluation."""
    forward = Denoiser.forward

    def install(before: Callable[[int], None]) -> None:
        def wrapped(network: Denoiser, x_t: Tensor, *rest: object) -> Tensor:
            before(len(x_t))
            return forward(network, x_t, *rest)

        monkeypatch.setattr(Denoiser, "forward", wrapped)

    return install


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The batch size of every evaluation of the network while the test runs."""
    sizes: list[int] = []
    forward = DiffRoll.forward

    def counting(network: DiffRoll, x_t: Tensor, *rest: object) -> Tensor:
        sizes.append(len(x_t))
        return forward(network, x_t, *rest)

    monkeypatch.setattr(DiffRoll, "forward", counting)
    return sizes
