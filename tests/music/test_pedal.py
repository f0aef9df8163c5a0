"""Spans of the pedal: apart, replaced in stretches of time, and what they hold."""

from __future__ import annotations

import pytest

from diffroll_live.music.pedal import apart, held, replaced
from diffroll_live.types import NoteEvent, PedalSpan


def spans(*rows: tuple[float, float]) -> tuple[PedalSpan, ...]:
    return tuple(PedalSpan(*row) for row in rows)


def test_spans_that_touch_are_one() -> None:
    assert apart(spans((2, 3), (0, 1), (1, 1.5), (2.5, 2.6))) == spans((0, 1.5), (2, 3))
    assert apart([PedalSpan(0, 1), PedalSpan(0.5, 2, 3)]) == (PedalSpan(0, 1), PedalSpan(0.5, 2, 3))
    assert apart(spans((0, 0.001))) == ()


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([], ((0, 4), (5, 6))),
        ([(1, 2)], ((0, 1), (1.2, 1.8), (2, 4), (5, 6))),
        ([(1, 2), (1.5, 5.5)], ((0, 1), (1.2, 1.8), (3, 5.5), (5.5, 6))),
        ([(-1, 9)], ((1.2, 1.8), (3, 7))),
    ],
)
def test_the_known_stays_outside_and_the_heard_inside(stretches, expected) -> None:
    found = replaced(spans((0, 4), (5, 6)), spans((1.2, 1.8), (3, 7)), stretches)
    assert found == apart(spans(*expected))


def test_a_note_sounds_until_the_pedal_goes_up() -> None:
    notes = (NoteEvent(0, 1, 60, 9), NoteEvent(0, 2, 61, 9), NoteEvent(0, 3.5, 62, 9))
    assert [n.offset for n in held(notes, spans((0.5, 2), (3, 4)))] == [2, 2, 4]
