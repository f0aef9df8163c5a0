"""What a request may ask for at most: one table for the command line, for OSC and for the engine. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diffroll_live.errors import RequestError

SAMPLER_NAMES = ("ddim", "ddpm", "dpmpp-2m")  # those of samplers.SAMPLERS, which needs torch
MAX_REGIONS = 256
MAX_KNOWN = 50_000  # notes that the user has
WIRE = 1e-7  # of a value: what float32 on the wire does to a bound


@dataclass(frozen=True, slots=True)
class Limit:
    """The least and the greatest value of an option, both allowed."""

    low: float
    high: float
    whole: bool = False

    def check(self, value: str | float) -> float | int:
        """Give the value back, int or float. Raises RequestError, whose sentence lacks the option's name."""
        kind = "whole number" if self.whole else "number"
        slack = 0.0 if self.whole else WIRE
        fits = (
            not isinstance(value, str)
            and math.isfinite(value)
            and self.low - slack * abs(self.low) <= value <= self.high + slack * abs(self.high)
            and not (self.whole and value != int(value))
        )
        if not fits:
            raise RequestError(f"must be a {kind} from {self.low:.10g} to {self.high:.10g}, not {value!r}")
        return int(value) if self.whole else min(max(float(value), self.low), self.high)


#: The numeric options, by their names in types.Options.
LIMITS: dict[str, Limit] = {
    "steps": Limit(1, 1000, whole=True),
    "guidance": Limit(0, 20),
    "seed": Limit(0, 2**31 - 1, whole=True),  # an int32 on the wire
    "temperature": Limit(0, 5),
    "density": Limit(0, 4),
    "threshold": Limit(0.01, 0.99),
    "min_note": Limit(0, 10),
    "variations": Limit(1, 16, whole=True),
    "seconds": Limit(0.1, 600),
}
