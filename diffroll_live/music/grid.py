"""A DAW's grid: the nearest line to a beat, with strength and swing. Beats are quarter notes. Pure arithmetic."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from diffroll_live.errors import RequestError
from diffroll_live.notation.lengths import length_text, note_value

_FORM = re.compile(r"(\S+)(?:\s+(\S+))?(?:\s+(\S+))?")


@dataclass(frozen=True, slots=True)
class Grid:
    """Lines every ``step`` beats; in each pair of steps, the middle line lies at the fraction ``swing``.

    ``strength`` is how far a note moves to its line: 0 not at all, 1 all the way. A swing of 0.5 is straight,
    one of 2/3 is a triplet swing.
    """

    step: float  # beats, above 0
    strength: float = 1.0  # 0..1
    swing: float = 0.5  # 0.5..0.75

    def snap(self, beat: float, earliest: float = -math.inf) -> float:
        """Move a beat towards its nearest line that is not before the beat ``earliest``."""
        pair = 2.0 * self.step
        first = math.floor(beat / pair)
        lines = [(first + n + offset) * pair for n in range(3) for offset in (0.0, self.swing)]
        line = min((line for line in lines if line >= earliest), key=lambda line: abs(line - beat), default=beat)
        return beat + self.strength * (line - beat)


def parse_grid(value: str | float) -> Grid | None:
    """Read ``1/16``, ``1/8t``, ``1/4d``, then a strength, then a swing: ``1/16 0.8 0.55``; ``off`` is None.

    Raises errors.RequestError, whose text leaves out the option's name.
    """
    if value == "off":
        return None
    found = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    step = note_value(found[1]) if found is not None else None
    if found is None or step is None:
        raise RequestError(f"must be a note value such as 1/16, 1/8t or 1/4d, or off, not {value!r}")
    return Grid(step, _number(found[2], "strength", 0.0, 1.0, 1.0), _number(found[3], "swing", 0.5, 0.75, 0.5))


def grid_text(grid: Grid | None) -> str:
    """Write a grid so that ``parse_grid`` reads the same one back."""
    return "off" if grid is None else f"{length_text(grid.step)} {grid.strength:g} {grid.swing:g}"


def _number(text: str | None, name: str, low: float, high: float, default: float) -> float:
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise RequestError(f"must have a {name} from {low:g} to {high:g}, not {text}")
    return value
