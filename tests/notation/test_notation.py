"""Pitches, ranges, lengths and scales as people write them."""

from __future__ import annotations

import math

import pytest

from diffroll_live.errors import RequestError
from diffroll_live.notation.lengths import parse_length
from diffroll_live.notation.pitches import parse_range, range_text
from diffroll_live.notation.scales import parse_scale


@pytest.mark.parametrize(
    ("text", "quarters"),
    [("1/16", 0.25), ("1/8t", 1 / 3), ("1/4d", 1.5), ("2/1", 8.0), ("0.5", 0.5), (2.0, 2.0), ("off", None)],
)
def test_lengths_are_quarter_notes(text: str | float, quarters: float | None) -> None:
    assert parse_length(text) == (None if quarters is None else pytest.approx(quarters))


@pytest.mark.parametrize("text", ["", "1/5", "0/4", "quarter", "0", 0.0, -1.0, 65.0, math.nan, "1/16 0.5"])
def test_what_is_no_length_says_what_would_be(text: str | float) -> None:
    with pytest.raises(RequestError, match="must be a note value such as 1/16"):
        parse_length(text)


@pytest.mark.parametrize(
    ("text", "pitches"), [("C3-C5", (48, 72)), ("48-72", (48, 72)), ("Bb3", (58, 58)), ("off", None)]
)
def test_ranges_are_read_and_written(text: str, pitches: tuple[int, int] | None) -> None:
    assert parse_range(text) == pitches
    assert pitches is None or parse_range(range_text(pitches)) == pitches


@pytest.mark.parametrize("text", ["", "C3-", "C9", "20-60", "C5-C3", "H2", 60.0])
def test_what_is_no_range_says_so(text: str | float) -> None:
    with pytest.raises(RequestError, match=r"^must be"):
        parse_range(text)


@pytest.mark.parametrize(
    ("text", "name"), [("dmin", "D minor"), ("F#m", "F# minor"), ("Bbmaj", "Bb major"), ("c dorian", "C dorian")]
)
def test_scales_have_short_names(text: str, name: str) -> None:
    scale = parse_scale(text)
    assert scale == parse_scale(name)
    assert str(scale) == name
