"""Lengths as people write them: note values, straight, dotted or as triplets."""

from __future__ import annotations

import math
import re

from diffroll_live.errors import RequestError

_VALUE = re.compile(r"(\d{1,2})/(\d{1,2})([td]?)")
_NUMBER = re.compile(r"\d{1,2}(\.\d{0,9})?")
_KINDS = {"": 1.0, "t": 2 / 3, "d": 3 / 2}  # straight, triplet, dotted
_DENOMINATORS = (1, 2, 4, 8, 16, 32, 64)


def note_value(text: str) -> float | None:
    """The quarter notes of a note value such as ``1/16``, ``1/8t`` or ``1/4d``; None for what is none."""
    found = _VALUE.fullmatch(text)
    if found is None or int(found[1]) < 1 or int(found[2]) not in _DENOMINATORS:
        return None
    return 4.0 * int(found[1]) / int(found[2]) * _KINDS[found[3]]


def parse_length(value: str | float) -> float | None:
    """Read a note value, or a number of quarter notes up to 64, into quarter notes; ``off`` is None.

    Raises RequestError, whose text leaves out the option's name.
    """
    if value == "off":
        return None
    quarters = _quarters(value.strip()) if isinstance(value, str) else float(value)
    if quarters is None or not 0 < quarters <= 64 or math.isnan(quarters):
        raise RequestError(
            f"must be a note value such as 1/16, 1/8t or 1/4d, a number of quarter notes, or off, not {value!r}"
        )
    return quarters


def length_text(quarters: float) -> str | float:
    """Write a length so that ``parse_length`` reads the same one back: as a note value where it is one."""
    for denominator in _DENOMINATORS:
        for kind in _KINDS:
            text = f"1/{denominator}{kind}"
            if note_value(text) == quarters:
                return text
    return quarters


def _quarters(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else note_value(text)
