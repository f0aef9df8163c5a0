"""The pedal in holes: bars go on as those around, on the user's own channel, and nothing that is there changes."""

from __future__ import annotations

import pytest
from support.asking import planned

from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.music.pedal_pattern import carried_on
from diffroll_live.types import NoteEvent, PedalSpan, Region, Request

METER = steady_meter(120.0)  # a bar lasts two seconds
NOTES = tuple(NoteEvent(0.5 * at, 0.5 * at + 0.4, 60, 70) for at in range(40))
BEFORE = tuple(PedalSpan(2.0 * bar + 0.1, 2.0 * bar + 1.8) for bar in range(4))
AFTER = tuple(PedalSpan(2.0 * bar + 0.4, 2.0 * bar + 1.0) for bar in range(6, 10))


def filled(pedal: tuple[PedalSpan, ...], *regions: Region, locked: tuple[NoteEvent, ...] = ()) -> list[PedalSpan]:
    plan = planned(Request("job", "inpaint", None, regions, NOTES, meter=METER, pedal=pedal, locked=locked))
    found = carried_on(plan, plan.pedal, METER)
    assert set(plan.pedal) <= set(found)
    assert list(found) == sorted(found)
    return [span for span in found if span not in plan.pedal]


def near(*rows: tuple[float, float]) -> list[PedalSpan]:
    return [PedalSpan(pytest.approx(down), pytest.approx(up)) for down, up in rows]


def test_the_bars_before_a_hole_go_on_in_it():
    assert filled((*BEFORE, *AFTER), Region(8.0, 12.0)) == near((8.1, 9.8), (10.1, 11.8))
    assert filled((*BEFORE, *AFTER), Region(9.0, 11.0)) == near((9.02, 9.8), (10.1, 10.98))


def test_without_any_before_it_is_as_after():
    assert filled(AFTER, Region(8.0, 12.0)) == near((8.4, 9.0), (10.4, 11.0))


def test_a_long_hole_has_the_same_four_bars_again():
    one = (*BEFORE[:3], PedalSpan(6.5, 7.0))
    new = filled(one, Region(8.0, 24.0))
    assert new == near(*((at + shift, to + shift) for shift in (8, 16) for at, to in [(s.down, s.up) for s in one]))


def test_what_is_held_over_a_bar_line_is_held_over_those_of_the_hole_but_not_over_its_ends():
    assert filled((PedalSpan(4.0, 8.0),), Region(8.0, 12.0)) == near((8.02, 11.98))


@pytest.mark.parametrize(
    ("pedal", "region"),
    [
        ((), Region(8.0, 12.0)),
        ((*BEFORE, PedalSpan(7.9, 8.5)), Region(8.0, 12.0)),  # it goes into the hole
        ((*BEFORE, PedalSpan(10.0, 10.5)), Region(8.0, 12.0)),
        (BEFORE, Region(8.0, 12.0, 48, 72)),  # other keys sound there
        (tuple(PedalSpan(span.down, span.up, 5) for span in BEFORE), Region(8.0, 12.0)),  # of another channel
    ],
)
def test_there_is_none_where_nobody_wants_it(pedal: tuple[PedalSpan, ...], region: Region):
    assert filled(pedal, region) == []
