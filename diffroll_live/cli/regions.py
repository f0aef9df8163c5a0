"""Regions as people type them: ``4.0-6.5`` or ``4.0-6.5@C3-C5``. Pure text in, `types.Region` out."""

from __future__ import annotations

import re

from diffroll_live.errors import BadRegion
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH, pitch_name
from diffroll_live.types import Region

_TIME = r"(\d{1,7}(?:\.\d{0,12})?)"
_PITCH = r"([A-Ga-g][#b]?\d|\d{1,3})"
_REGION = re.compile(rf"{_TIME}-{_TIME}(?:@{_PITCH}(?:-{_PITCH})?)?")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}


def parse_region(text: str, *, hear: bool = False) -> Region:
    """Read ``FROM-TO`` in seconds, with an optional ``@LOW-HIGH`` in note names (C4 is 60) or MIDI numbers.

    One pitch, ``@C4``, means that pitch alone. Raises BadRegion when the text is no region, the region is empty or
    reversed, or a pitch is not on the piano.
    """
    match = _REGION.fullmatch(text.strip())
    if match is None:
        raise BadRegion(f"'{text}' is not a region; write FROM-TO in seconds, e.g. 4.0-6.5 or 4.0-6.5@C3-C5.")
    onset, offset = float(match[1]), float(match[2])
    if onset >= offset:
        raise BadRegion(f"The region {text} is empty or reversed; write the earlier time first.")
    low = parse_pitch(match[3]) if match[3] else LOW_PITCH
    high = parse_pitch(match[4] or match[3]) if match[3] else HIGH_PITCH
    if low > high:
        raise BadRegion(f"The pitches of region {text} are reversed; write the lower one first.")
    return Region(onset, offset, low, high, hear)


def parse_pitch(text: str) -> int:
    """Read a note name (``C#3``, ``Bb4``; C4 is 60) or a MIDI number. Raises BadRegion outside 21..108."""
    pitch = int(text) if text.isdigit() else _named_pitch(text)
    if not LOW_PITCH <= pitch <= HIGH_PITCH:
        raise BadRegion(f"The pitch {text} is not on the piano; choose from A0 (21) to C8 (108).")
    return pitch


def format_region(region: Region) -> str:
    """Write a region so that `parse_region` reads the same one back, to the microsecond and except for ``hear``."""
    times = f"{_seconds(region.onset)}-{_seconds(region.offset)}"
    if (region.low, region.high) == (LOW_PITCH, HIGH_PITCH):
        return times
    return f"{times}@{pitch_name(region.low)}-{pitch_name(region.high)}"


def _named_pitch(name: str) -> int:
    octave = int(name[-1])
    return 12 * (octave + 1) + _SEMITONES[name[0].upper()] + _ACCIDENTALS[name[1:-1]]


def _seconds(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
