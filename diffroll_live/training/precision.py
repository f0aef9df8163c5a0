"""Which arithmetic a training computes in: bfloat16 where the device has it; the weights themselves stay float32."""

from __future__ import annotations

import logging

import torch

from diffroll_live.errors import RequestError

logger = logging.getLogger(__name__)

PRECISIONS = ("bfloat16", "float32")


def in_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether to compute in bfloat16; a device that cannot falls back to float32 with a warning."""
    if precision not in PRECISIONS:
        raise RequestError(f"There is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}.")
    if precision == "float32" or _has_bfloat16(device):
        return precision == "bfloat16"
    logger.warning("This %s has no bfloat16 arithmetic; training in float32 instead.", _KINDS[device.type])
    return False


_KINDS = {"cuda": "GPU", "mps": "GPU", "cpu": "processor"}


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    return False
