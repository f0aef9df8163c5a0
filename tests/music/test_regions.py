"""What a task means: every bad request has its sentence, kept notes stay as they are, new ones fit around them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.asking import noise

from diffroll_live.errors import AudioError, BadRegion, DiffrollError, RequestError
from diffroll_live.limits import LIMITS, MAX_KNOWN, MAX_REGIONS
from diffroll_live.music import regions as tasks
from diffroll_live.types import NoteEvent, Options, Region, Request

CLIP = noise(10.0)
HOLE = Region(2.0, 4.0, 48, 72)


def inpaint(*regions: Region, known: tuple[NoteEvent, ...] = (), options: Options | None = None) -> Request:
    return Request("job", "inpaint", CLIP, regions, known, options or Options())


@pytest.mark.parametrize(
    "request_",
    [
        inpaint(HOLE),
        inpaint(Region(0.0, 10.0), Region(9.98, 10.01)),
        Request("job", "transcribe", CLIP),
        Request("job", "continue", CLIP),
        Request("job", "generate", None),
        Request("job", "continue", CLIP, (Region(10.0, 18.0), Region(9.995, 12.0, 60, 72), Region(17.0, 18.005))),
        Request("job", "generate", None, (Region(0.0, 8.0),)),
    ],
)
def test_good_requests_pass(request_: Request) -> None:
    tasks.check(request_, 1800.0)


@pytest.mark.parametrize(
    ("region", "match"),
    [
        (Region(math.nan, 1.0), "finite"),
        (Region(0.0, math.inf), "finite"),
        (Region(1.0, 1.0), "empty or reversed"),
        (Region(1.0, 1.01), "empty or reversed"),
        (Region(3.0, 1.0), "empty or reversed"),
        (Region(-0.1, 1.0), "beyond"),
        (Region(9.0, 10.1), "beyond"),
        (Region(20.0, 21.0), "beyond"),
        (Region(1.0, 2.0, 20, 60), "both within 21"),
        (Region(1.0, 2.0, 60, 109), "both within 21"),
        (Region(1.0, 2.0, 61, 60), "both within 21"),
    ],
)
def test_bad_regions(region: Region, match: str) -> None:
    with pytest.raises(BadRegion, match=match):
        tasks.check(inpaint(HOLE, region), 1800.0)


def test_a_number_of_regions_or_notes_that_nobody_means() -> None:
    tasks.check(inpaint(*[HOLE] * MAX_REGIONS), 1800.0)
    with pytest.raises(BadRegion, match=f"at most {MAX_REGIONS}"):
        tasks.check(inpaint(*[HOLE] * (MAX_REGIONS + 1)), 1800.0)
    with pytest.raises(RequestError, match=f"at most {MAX_KNOWN}"):
        tasks.check(inpaint(HOLE, known=(NoteEvent(0.0, 1.0, 60, 64),) * (MAX_KNOWN + 1)), 1800.0)


@pytest.mark.parametrize("name", LIMITS)
def test_every_option_has_its_bounds(name: str) -> None:
    low, high = LIMITS[name].low, LIMITS[name].high
    for value in (low, high):
        tasks.check(inpaint(HOLE, options=replace(Options(), **{name: value})), 1800.0)
    for value in (low - 1e-3, high + 1e-3, math.nan, math.inf, -math.inf):
        with pytest.raises(RequestError, match=rf"{name} must be a .*number from .* to "):
            tasks.check(inpaint(HOLE, options=replace(Options(), **{name: value})), 1800.0)


@pytest.mark.parametrize(
    ("request_", "error", "match"),
    [
        (Request("job", "transcribe", None), AudioError, "needs audio"),
        (Request("job", "continue", None), AudioError, "needs audio"),
        (Request("job", "inpaint", None, (HOLE,)), AudioError, "needs audio"),
        (Request("job", "inpaint", CLIP), BadRegion, "at least one region"),
        (Request("job", "transcribe", noise(12.0)), AudioError, "at most 11 s"),
        (Request("job", "generate", None, (Region(0.0, 9.0),)), BadRegion, "beyond"),
    ],
)
def test_what_a_task_needs(request_: Request, error: type[DiffrollError], match: str) -> None:
    with pytest.raises(error, match=match):
        tasks.check(request_, 11.0)


def test_where_each_task_writes() -> None:
    assert tasks.written_regions(Request("job", "transcribe", CLIP)) == (Region(0.0, 10.0, hear=True),)
    assert tasks.written_regions(Request("job", "transcribe", CLIP, (HOLE,))) == (HOLE,)
    assert tasks.written_regions(inpaint(HOLE, HOLE)) == (HOLE, HOLE)
    seconds = Options(seconds=3.0)
    assert tasks.written_regions(Request("job", "continue", CLIP, options=seconds)) == (Region(10.0, 13.0),)
    assert tasks.written_regions(Request("job", "generate", None, options=seconds)) == (Region(0.0, 3.0),)
    assert tasks.written_regions(Request("job", "generate", None, (HOLE,))) == (HOLE,)


@pytest.mark.parametrize(
    "region", [HOLE, Region(9.0, 12.0), Region(9.97, 10.0), Region(17.0, 18.1), Region(30.0, 31.0)]
)
def test_a_continuation_has_its_regions_in_the_time_to_come(region: Region) -> None:
    with pytest.raises(BadRegion, match=r"beyond 10\.00 to 18\.00 s, where the regions of continue must lie"):
        tasks.check(Request("job", "continue", CLIP, (region,)), 1800.0)


def test_regions_are_cut_by_a_rounding() -> None:
    regions = (Region(9.995, 12.0, 60, 72), Region(17.0, 18.005))
    cut = (Region(10.0, 12.0, 60, 72), Region(17.0, 18.0))
    assert tasks.written_regions(Request("job", "continue", CLIP, regions)) == cut
    assert tasks.written_regions(inpaint(Region(9.0, 10.005))) == (Region(9.0, 10.0),)


def test_what_is_hidden() -> None:
    heard = replace(HOLE, hear=True)
    assert tasks.hidden_regions(Request("job", "transcribe", CLIP, (HOLE,)), (HOLE,)) == ()
    assert tasks.hidden_regions(inpaint(HOLE, heard), (HOLE, heard)) == (HOLE,)
    assert tasks.hidden_regions(Request("job", "continue", CLIP, (heard,)), (heard,)) == (heard,)
    assert tasks.hidden_regions(Request("job", "generate", None, (heard,)), (heard,)) == (heard,)


def test_kept_are_the_notes_that_begin_outside_the_regions_and_nothing_of_them_changes() -> None:
    outside = (
        NoteEvent(1.9999999999, 3.0, 60, 1, 15),  # reaches in
        NoteEvent(4.0, 4.1, 60, 64),  # begins at the end
        NoteEvent(2.5, 3.0, 47, 64),
        NoteEvent(2.5, 3.0, 73, 64),
        NoteEvent(1.9999999999, 3.0, 60, 1, 15),  # twice
    )
    inside = (NoteEvent(2.0, 3.0, 60, 64), NoteEvent(3.9999, 9.0, 48, 64), NoteEvent(3.0, 3.1, 72, 64))
    assert tasks.kept((*outside, *inside), (HOLE,)) == outside
    assert tasks.kept((*outside, *inside), ()) == (*outside, *inside)


def test_new_notes_stay_in_their_region_and_out_of_the_way() -> None:
    keep = (NoteEvent(1.0, 2.5, 60, 64), NoteEvent(3.0, 3.5, 60, 64), NoteEvent(2.2, 2.6, 61, 64))
    new = (
        NoteEvent(1.9, 2.2, 62, 64),  # begins before the region
        NoteEvent(2.1, 2.3, 47, 64),  # below it
        NoteEvent(2.4, 2.8, 60, 64),  # while a kept note sounds
        NoteEvent(2.6, 3.2, 60, 64),  # up to a kept note
        NoteEvent(2.99, 3.2, 60, 64),  # too little is left
        NoteEvent(3.6, 9.0, 60, 64, 3),  # over the end of the region
        NoteEvent(2.6, 2.9, 61, 64),
        NoteEvent(3.99, 5.0, 65, 64),  # too little is left
    )
    assert tasks.fit(new, (HOLE,), keep, 0.0) == (
        NoteEvent(2.6, 3.0, 60, 64),
        NoteEvent(3.6, 4.0, 60, 64, 3),
        NoteEvent(2.6, 2.9, 61, 64),
    )
    assert tasks.fit(new, (HOLE,), keep, 0.4) == (NoteEvent(2.6, 3.0, 60, 64), NoteEvent(3.6, 4.0, 60, 64, 3))
    assert tasks.fit((), (HOLE,), keep, 0.0) == ()


NOTE = st.builds(
    lambda onset, length, pitch: NoteEvent(onset, onset + length, pitch, 64),
    st.floats(0.0, 10.0),
    st.floats(0.0, 3.0),
    st.integers(58, 62),
)


@given(st.lists(NOTE, max_size=20), st.lists(NOTE, max_size=10))
def test_whatever_comes_fits(new: list[NoteEvent], known: list[NoteEvent]) -> None:
    regions = (HOLE, Region(6.0, 9.0, 60, 61))
    keep = tasks.kept(known, regions)
    for note in tasks.fit(new, regions, keep, 0.0):
        region = next(r for r in regions if tasks.holds(r, note))
        assert region.onset <= note.onset < note.offset <= region.offset
        assert tasks.lasts(note, 0.0)
        same = [kept for kept in keep if kept.pitch == note.pitch]
        assert not any(kept.onset <= note.onset < kept.offset for kept in same)
        assert not any(note.onset < kept.onset < note.offset for kept in same)
