"""Kept notes stay as they are, and new ones fit around them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.music.regions import fit, holds, kept, lasts, spans_of
from diffroll_live.types import NoteEvent, Region

HOLE = Region(2.0, 4.0, 48, 72)


def test_kept_are_the_notes_that_begin_outside_the_regions_and_nothing_of_them_changes() -> None:
    outside = (
        NoteEvent(1.9999999999, 3.0, 60, 1, 15),  # reaches in
        NoteEvent(4.0, 4.1, 60, 64),  # begins at the end
        NoteEvent(2.5, 3.0, 47, 64),
        NoteEvent(2.5, 3.0, 73, 64),
        NoteEvent(1.9999999999, 3.0, 60, 1, 15),  # twice
    )
    inside = (NoteEvent(2.0, 3.0, 60, 64), NoteEvent(3.9999, 9.0, 48, 64), NoteEvent(3.0, 3.1, 72, 64))
    assert kept((*outside, *inside), (HOLE,)) == outside
    assert kept((*outside, *inside), ()) == (*outside, *inside)


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
    assert fit(new, (HOLE,), keep, 0.0) == (
        NoteEvent(2.6, 3.0, 60, 64),
        NoteEvent(3.6, 4.0, 60, 64, 3),
        NoteEvent(2.6, 2.9, 61, 64),
    )
    assert fit(new, (HOLE,), keep, 0.4) == (NoteEvent(2.6, 3.0, 60, 64), NoteEvent(3.6, 4.0, 60, 64, 3))
    assert fit((), (HOLE,), keep, 0.0) == ()


def test_regions_that_overlap_are_one_span():
    assert spans_of((Region(3.0, 5.0), Region(0.0, 1.0), Region(4.0, 6.0))) == [(0.0, 1.0), (3.0, 6.0)]


NOTE = st.builds(
    lambda onset, length, pitch: NoteEvent(onset, onset + length, pitch, 64),
    st.floats(0.0, 10.0),
    st.floats(0.0, 3.0),
    st.integers(58, 62),
)


@given(st.lists(NOTE, max_size=20), st.lists(NOTE, max_size=10))
def test_whatever_comes_fits(new: list[NoteEvent], known: list[NoteEvent]) -> None:
    regions = (HOLE, Region(6.0, 9.0, 60, 61))
    keep = kept(known, regions)
    for note in fit(new, regions, keep, 0.0):
        region = next(r for r in regions if holds(r, note))
        assert region.onset <= note.onset < note.offset <= region.offset
        assert lasts(note, 0.0)
        same = [kept for kept in keep if kept.pitch == note.pitch]
        assert not any(other.onset <= note.onset < other.offset for other in same)
        assert not any(note.onset < other.onset < note.offset for other in same)


def test_a_long_kept_note_counts_behind_a_shorter_one_that_began_later():
    kept_notes = (NoteEvent(0.0, 4.0, 60, 80), NoteEvent(1.0, 1.5, 60, 80))
    new = (NoteEvent(2.0, 3.0, 60, 80), NoteEvent(5.0, 6.0, 60, 80))
    assert fit(new, (Region(0.0, 8.0),), kept_notes, 0.03) == new[1:]
