"""What holds for the scheduler whatever it is asked to do, and in whatever order."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from support.scheduler_bench import OFF, ON, SchedulerBench, sounding_after

from diffroll_live.midi.note_queue import LATE_SECONDS
from diffroll_live.types import NoteEvent

owners = st.sampled_from("abc")
phrases = st.lists(
    st.builds(
        lambda onset, seconds, pitch, channel: NoteEvent(onset, onset + seconds, pitch, 64, channel),
        st.floats(-0.2, 3.0),
        st.floats(0.001, 2.0),
        st.integers(60, 62),
        st.integers(0, 1),
    ),
    max_size=6,
)
commands = st.one_of(
    st.tuples(st.just("play"), owners, phrases),
    st.tuples(st.just("cancel"), owners),
    st.tuples(st.just("panic")),
    st.tuples(st.just("run"), st.floats(0.0, 1.5)),
    st.tuples(st.just("jump"), st.floats(0.0, 1.5)),
    st.tuples(st.just("unplug")),
)


def carry_out(bench: SchedulerBench, command: tuple) -> None:  # type: ignore[type-arg]
    match command:
        case "play", owner, notes:
            bench.scheduler.play(owner, notes, start=bench.now + 0.1)
        case "cancel", owner:
            bench.scheduler.cancel(owner)
        case ("panic",):
            bench.scheduler.panic()
            assert bench.scheduler.sounding == frozenset()
        case "run", seconds:
            bench.run(seconds)
        case "jump", seconds:
            bench.jump(seconds)
        case ("unplug",):
            bench.unplug()


@given(script=st.lists(commands, max_size=25))
def test_every_note_is_ended_once_and_none_overlap(script: list[tuple]) -> None:  # type: ignore[type-arg]
    bench = SchedulerBench()
    for command in script:
        if command[0] != "unplug":
            carry_out(bench, command)
            assert sounding_after(bench.sinks[0].sent) == Counter(bench.scheduler.sounding)
    bench.scheduler.close()
    assert not sounding_after(bench.sinks[0].sent)


@given(script=st.lists(commands, max_size=25))
def test_nothing_hangs_on_ports_that_come_and_go(script: list[tuple]) -> None:  # type: ignore[type-arg]
    bench = SchedulerBench()
    for command in script:
        carry_out(bench, command)
    bench.run(10.0)  # time to open a port again
    bench.scheduler.close()
    ended = set()
    for status, pitch, _ in (sent.message for sent in reversed(bench.sent)):
        key = (status & 0x0F, pitch)
        if status & 0xF0 == OFF:
            ended.add(key)
        elif status & 0xF0 == ON:
            assert key in ended, "a note was started and never ended"


@given(script=st.lists(commands, max_size=25))
def test_notes_are_never_sent_early_or_very_late(script: list[tuple]) -> None:  # type: ignore[type-arg]
    bench = SchedulerBench()
    allowed: list[tuple[float, int]] = []
    for command in script:
        if command[0] == "play":
            allowed += [(bench.now + 0.1 + note.onset, note.pitch) for note in command[2]]
        carry_out(bench, command)
    for instant, status, pitch, _ in bench.notes:
        if status & 0xF0 == ON:
            late = [instant + 100.0 - due for due, played in allowed if played == pitch]
            assert any(-1e-5 <= seconds <= LATE_SECONDS + 1e-5 for seconds in late)
