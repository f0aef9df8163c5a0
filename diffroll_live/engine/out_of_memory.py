"""Recognizes that a device ran out of memory, which each kind of device reports differently."""

from __future__ import annotations

#: torch's messages on CUDA and MPS, and on the CPU.
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")

#: The error text when even the smallest piece of work does not fit.
TOO_LITTLE = "The device has too little free memory for one window; close other programs or use --device cpu."


def is_shortage(error: BaseException) -> bool:
    """Whether an error means that memory was short, so that a smaller batch may still fit."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)
