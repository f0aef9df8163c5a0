"""Regions and pitches as they are written on the command line."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.cli.regions import format_region, parse_region
from diffroll_live.errors import BadRegion
from diffroll_live.limits import Controls
from diffroll_live.notation.pitches import parse_pitch, pitch_name
from diffroll_live.notation.scales import parse_scale
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


def test_a_region_has_wishes_of_its_own():
    wishes = "density=1.5,scale=Dmin,polyphony=2,shortest=1/16,longest=2,range=D3-B4,temperature=0.5"
    controls = Controls(0.5, 1.5, 2, 0.25, 2.0, (50, 71), parse_scale("D minor"))
    assert parse_region(f"4-8@C3-C5,{wishes}") == Region(4.0, 8.0, 48, 72, controls=controls)
    assert parse_region("4-8,scale=F# dorian").controls == Controls(scale=parse_scale("F# dorian"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("4-8,densty=1", "no option 'densty'; did you mean 'density'"),
        ("4-8,density", "The option density must be a number"),
        ("4-8,density=much", "The option density must be a number"),
        ("4-8,polyphony=0", "must be a whole number from 1 to 10"),
        ("4-8,polyphony=2.5", "must be a whole number from 1 to 10"),
        ("4-8,scale=Q", "must be a root and a scale"),
        ("4-8,range=C5-C3", "must be given with the lower pitch first"),
        ("4-8,range=A-1", "must be a range of pitches"),
        ("4-8,shortest=1/5", "must be a note value"),
        ("4-8,longest=0", "must be a note value"),
        ("4-8,", "no option ''"),
    ],
)
def test_a_wish_that_is_none_is_refused_with_those_that_are(text, sentence):
    with pytest.raises(BadRegion, match=re.escape(sentence)):
        parse_region(text)


@given(st.text(max_size=30) | st.from_regex(r"[0-9.]{1,4}-[0-9.]{1,4}(@[A-G#b0-9-]{0,6})?", fullmatch=True))
def test_no_text_breaks_the_parser(text):
    with contextlib.suppress(BadRegion):
        region = parse_region(text)
        assert 0 <= region.onset < region.offset
        assert 21 <= region.low <= region.high <= 108
