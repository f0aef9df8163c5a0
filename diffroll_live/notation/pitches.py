"""Pitches as people write them: note names (C4 is 60) or MIDI numbers, and ranges of them."""

from __future__ import annotations

import re

from diffroll_live.errors import RequestError

LOW_PITCH = 21  # A0
HIGH_PITCH = 108  # C8

NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
PITCH = r"([A-Ga-g][#b]?\d|\d{1,3})"
_RANGE = re.compile(rf"{PITCH}(?:-{PITCH})?")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}

PitchRange = tuple[int, int]
"""The lowest and the highest pitch, both included."""


def pitch_name(pitch: int) -> str:
    """Name a MIDI pitch; 60 is C4."""
    return f"{NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}"


def parse_pitch(text: str) -> int:
    """Read a note name (``C#3``, ``Bb4``) or a MIDI number. Raises RequestError outside 21..108."""
    pitch = int(text) if text.isdigit() else _named_pitch(text)
    if not LOW_PITCH <= pitch <= HIGH_PITCH:
        raise RequestError(f"The pitch {text} is not on the piano; choose from A0 (21) to C8 (108).")
    return pitch


def parse_range(value: str | float) -> PitchRange | None:
    """Read ``C3-C5`` or one pitch; ``off`` is None. Raises RequestError, whose text leaves out the option's name."""
    if value == "off":
        return None
    found = _RANGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise RequestError(f"must be a range of pitches such as C3-C5 or 48-72, or off, not {value!r}")
    try:
        low, high = parse_pitch(found[1]), parse_pitch(found[2] or found[1])
    except RequestError:
        raise RequestError(f"must be on the piano, A0 (21) to C8 (108), not {value!r}") from None
    if low > high:
        raise RequestError(f"must be given with the lower pitch first, not {value!r}")
    return low, high


def range_text(pitches: PitchRange) -> str:
    """Write a range so that ``parse_range`` reads the same one back."""
    return "-".join(map(pitch_name, pitches))


def _named_pitch(name: str) -> int:
    octave = int(name[-1])
    return 12 * (octave + 1) + _SEMITONES[name[0].upper()] + _ACCIDENTALS[name[1:-1]]
