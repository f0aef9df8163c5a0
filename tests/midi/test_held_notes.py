"""Notes whose end is told later: started on time, ended when told, and in any case."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from support.wheel import Wheel

from diffroll_live.midi.note_queue import LONGEST_HELD

ON, OFF = 0x90, 0x80


def test_a_held_note_sounds_until_it_is_released() -> None:
    wheel = Wheel()
    wheel.scheduler.hold("live", 0, 60, 90, 1.0)
    wheel.until(2.0)
    wheel.scheduler.release("live", 0, 60, 2.5)
    wheel.until(200.0)
    assert wheel.notes == [(1.0, ON, 60), (2.5, OFF, 60)]


def test_a_note_may_be_released_before_it_has_begun() -> None:
    wheel = Wheel()
    wheel.scheduler.hold("live", 0, 60, 90, 1.0)
    wheel.scheduler.release("live", 0, 60, 1.1)
    wheel.scheduler.hold("live", 0, 60, 90, 1.1)
    wheel.until(1.05)
    wheel.scheduler.release("live", 0, 60, 1.3)
    wheel.until(200.0)
    assert wheel.notes == [(1.0, ON, 60), (1.1, OFF, 60), (1.1, ON, 60), (1.3, OFF, 60)]


def test_a_note_that_nobody_releases_ends() -> None:
    wheel = Wheel()
    wheel.scheduler.hold("live", 0, 60, 90, 1.0)
    wheel.until(200.0)
    assert wheel.notes == [(1.0, ON, 60), (1.0 + LONGEST_HELD, OFF, 60)]


def test_cancel_ends_held_notes_of_one_owner_at_once() -> None:
    wheel = Wheel()
    for owner, pitch in (("live", 60), ("other", 64)):
        wheel.scheduler.hold(owner, 0, pitch, 90, 1.0)
    wheel.until(2.0)
    wheel.scheduler.cancel("live")
    wheel.scheduler.release("live", 0, 60, 3.0)
    wheel.until(4.0)
    assert wheel.notes == [(1.0, ON, 60), (1.0, ON, 64), (2.0, OFF, 60)]


CALLS = st.tuples(
    st.sampled_from(["hold", "hold", "release", "release", "cancel", "panic"]),
    st.sampled_from(["a", "b"]),
    st.integers(60, 61),
    st.floats(-0.2, 0.5),
    st.floats(0.0, 0.3),
)


@given(st.lists(CALLS, max_size=30))
def test_every_held_note_is_ended_once(script: list[tuple[str, str, int, float, float]]) -> None:
    wheel = Wheel()
    for call, owner, pitch, after, pause in script:
        if call == "hold":
            wheel.scheduler.hold(owner, 0, pitch, 90, wheel.now + after)
        elif call == "release":
            wheel.scheduler.release(owner, 0, pitch, wheel.now + after)
        elif call == "cancel":
            wheel.scheduler.cancel(owner)
        else:
            wheel.scheduler.panic()
        wheel.until(wheel.now + pause)
    wheel.until(wheel.now + 2 * LONGEST_HELD)
    sounding: Counter[int] = Counter()
    for sent in wheel.sink.sent:
        status, pitch, velocity = sent.message
        if status == ON and velocity:
            sounding[pitch] += 1
        elif status == OFF:
            sounding[pitch] -= 1
        assert sounding[pitch] in (0, 1)
    assert not +sounding
