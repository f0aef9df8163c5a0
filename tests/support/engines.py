"""Engines as tests load them: on the CPU, in float32, so that every machine computes the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from diffroll_live.engine import loading
from diffroll_live.engine.engine import TorchEngine


def float32_engine(folder: Path) -> Iterator[TorchEngine]:
    """Load a model's folder, and put back afterwards what loading changes of the whole process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "choose_precision", lambda device: torch.float32)
        yield loading.load_engine(str(folder), "cpu")
    torch.set_flush_denormal(False)
