"""Notes whose end is told later: started on time, ended when told, and in any case."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from support.scheduler_bench import OFF, ON, START, SchedulerBench

from diffroll_live.midi.note_queue import LONGEST_HELD


def starts_and_ends(bench: SchedulerBench) -> list[tuple[float, int, int]]:
    return [note[:3] for note in bench.notes]


def test_a_held_note_sounds_until_it_is_released() -> None:
    bench = SchedulerBench()
    bench.scheduler.hold("live", 0, 60, 90, START + 1.0)
    bench.run_until(START + 2.0)
    bench.scheduler.release("live", 0, 60, START + 2.5)
    bench.run_until(START + 200.0)
    assert starts_and_ends(bench) == [(1.0, ON, 60), (2.5, OFF, 60)]


def test_a_note_may_be_released_before_it_has_begun() -> None:
    bench = SchedulerBench()
    bench.scheduler.hold("live", 0, 60, 90, START + 1.0)
    bench.scheduler.release("live", 0, 60, START + 1.1)
    bench.scheduler.hold("live", 0, 60, 90, START + 1.1)
    bench.run_until(START + 1.05)
    bench.scheduler.release("live", 0, 60, START + 1.3)
    bench.run_until(START + 200.0)
    assert starts_and_ends(bench) == [(1.0, ON, 60), (1.1, OFF, 60), (1.1, ON, 60), (1.3, OFF, 60)]


def test_a_note_that_nobody_releases_ends() -> None:
    bench = SchedulerBench()
    bench.scheduler.hold("live", 0, 60, 90, START + 1.0)
    bench.run_until(START + 200.0)
    assert starts_and_ends(bench) == [(1.0, ON, 60), (1.0 + LONGEST_HELD, OFF, 60)]


def test_cancel_ends_held_notes_of_one_owner_at_once() -> None:
    bench = SchedulerBench()
    for owner, pitch in (("live", 60), ("other", 64)):
        bench.scheduler.hold(owner, 0, pitch, 90, START + 1.0)
    bench.run_until(START + 2.0)
    bench.scheduler.cancel("live")
    bench.scheduler.release("live", 0, 60, START + 3.0)
    bench.run_until(START + 4.0)
    assert starts_and_ends(bench) == [(1.0, ON, 60), (1.0, ON, 64), (2.0, OFF, 60)]


CALLS = st.tuples(
    st.sampled_from(["hold", "hold", "release", "release", "cancel", "panic"]),
    st.sampled_from(["a", "b"]),
    st.integers(60, 61),
    st.floats(-0.2, 0.5),
    st.floats(0.0, 0.3),
)


@given(st.lists(CALLS, max_size=30))
def test_every_held_note_is_ended_once(script: list[tuple[str, str, int, float, float]]) -> None:
    bench = SchedulerBench()
    for call, owner, pitch, after, pause in script:
        if call == "hold":
            bench.scheduler.hold(owner, 0, pitch, 90, bench.now + after)
        elif call == "release":
            bench.scheduler.release(owner, 0, pitch, bench.now + after)
        elif call == "cancel":
            bench.scheduler.cancel(owner)
        else:
            bench.scheduler.panic()
        bench.run(pause)
    bench.run(2 * LONGEST_HELD)
    sounding: Counter[int] = Counter()
    for sent in bench.sent:
        status, pitch, velocity = sent.message
        if status == ON and velocity:
            sounding[pitch] += 1
        elif status == OFF:
            sounding[pitch] -= 1
        assert sounding[pitch] in (0, 1)
    assert not +sounding
