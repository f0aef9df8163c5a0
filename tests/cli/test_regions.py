"""Regions and pitches as they are written on the command line."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.cli.regions import format_region, parse_pitch, parse_region
from diffroll_live.errors import BadRegion
from diffroll_live.music.roll import pitch_name
from diffroll_live.types import Region

milliseconds = st.integers(0, 10**7)
pitches = st.integers(21, 108)


@given(milliseconds, st.integers(1, 10**7), pitches, pitches, st.booleans())
def test_regions_are_read_back_as_written(onset, duration, low, high, hear):
    region = Region(onset / 1000, (onset + duration) / 1000, min(low, high), max(low, high), hear)
    assert parse_region(format_region(region), hear=hear) == region


@given(pitches)
def test_pitches_are_read_by_name_and_number(pitch):
    assert parse_pitch(pitch_name(pitch)) == parse_pitch(str(pitch)) == pitch


@pytest.mark.parametrize(("text", "pitch"), [("Bb3", 58), ("a#3", 58), ("c4", 60), ("Cb4", 59), ("B#3", 60)])
def test_flats_and_small_letters(text, pitch):
    assert parse_pitch(text) == pitch


@pytest.mark.parametrize(
    "text",
    ["", "4", "4-", "-4", "a-b", "4-5@", "4-5@H2", "4-5@C3-", "4--5", "1e3-2e3", "nan-5", "4-5@20", "4-5@C5-C4", "4-4"],
)
def test_what_is_no_region_is_refused(text):
    with pytest.raises(BadRegion):
        parse_region(text)


@given(st.text(max_size=30) | st.from_regex(r"[0-9.]{1,4}-[0-9.]{1,4}(@[A-G#b0-9-]{0,6})?", fullmatch=True))
def test_no_text_breaks_the_parser(text):
    with contextlib.suppress(BadRegion):
        region = parse_region(text)
        assert 0 <= region.onset < region.offset
        assert 21 <= region.low <= region.high <= 108
