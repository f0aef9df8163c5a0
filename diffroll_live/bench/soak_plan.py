"""What a soak test does, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and how much of what has a number: kills of the inference process, and hostile datagrams."""

    minutes: float
    kills: int
    datagrams: int

    @classmethod
    def of(cls, minutes: float) -> Plan:
        """A share of a hundred kills and a million datagrams in two hours."""
        return cls(minutes, round(minutes * 100 / 120), round(minutes * 1_000_000 / 120))
