"""Musical scales: the pitches of a scale and the nearest one to a pitch. Pure arithmetic."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from diffroll_live.errors import RequestError
from diffroll_live.notation.pitches import HIGH_PITCH, LOW_PITCH

#: Name -> semitones above the root.
SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "octatonic": (0, 2, 3, 5, 6, 8, 9, 11),
    "chromatic": tuple(range(12)),
}
_ROOTS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}
_SHORT = {"maj": "major", "min": "minor", "m": "minor"}
_FORM = re.compile(r"([a-g])([#b]?)(?:\s+([a-z ]+)|(maj|min|m))")


@dataclass(frozen=True, slots=True)
class Scale:
    """The pitch classes (0 is C) of a scale, and how it is written."""

    classes: frozenset[int]
    name: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.name

    def snap(self, pitch: int) -> int:
        """Find the nearest pitch of the scale on the piano; the lower one if two are equally near."""
        near = (pitch + step for step in sorted(range(-11, 12), key=lambda step: (abs(step), step)))
        return next(other for other in near if other % 12 in self.classes and LOW_PITCH <= other <= HIGH_PITCH)


def parse_scale(value: str | float) -> Scale | None:
    """Read ``C minor``, ``F# dorian``, ``Bb major pentatonic``, also ``Cmin`` and ``Bbmaj``; ``off`` is None.

    Raises errors.RequestError, whose text leaves out the option's name.
    """
    if value == "off":
        return None
    found = _FORM.fullmatch(" ".join(value.lower().split())) if isinstance(value, str) else None
    if found is None:
        raise RequestError(f"must be a root and a scale such as C minor or F# dorian, or off, not {value!r}")
    name = _SHORT.get(found[4] or found[3], found[3])
    if name not in SCALES:
        near = difflib.get_close_matches(name, SCALES, n=1, cutoff=0.0)[0]
        raise RequestError(f"must be one of the scales {', '.join(SCALES)}; did you mean {near!r}")
    root = _ROOTS[found[1]] + _ACCIDENTALS[found[2]]
    text = f"{found[1].upper()}{found[2]} {name}"
    return Scale(frozenset((root + step) % 12 for step in SCALES[name]), text)
