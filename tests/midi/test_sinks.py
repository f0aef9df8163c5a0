"""Every sink there is; the real port is on a real JACK server and read by a real client."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.jack import Listener
from support.waiting import wait_until

from diffroll_live.audio.jack.server import DummyJack
from diffroll_live.errors import PortClosed
from diffroll_live.midi.ports import PortChoice
from diffroll_live.midi.sinks import ChannelSink, MidiSink, RecordingSink, Sink

Messages = list[tuple[int, ...]]

SINKS: dict[type[ChannelSink], Callable[[], Sink]] = {
    MidiSink: lambda: MidiSink(PortChoice(api="jack")),
    RecordingSink: RecordingSink,
}
SILENCE = [(0xB0 | channel, control, 0) for channel in range(16) for control in (64, 123, 120)]


def test_every_sink_is_tried() -> None:
    assert set(SINKS) == set(ChannelSink.__subclasses__())


def ear(sink: Sink, listen: Callable[[str], Listener]) -> Callable[[], Messages]:
    """What reads the messages of a sink, from outside where it has an outside."""
    if isinstance(sink, RecordingSink):
        return lambda: [sent.message for sent in sink.sent]
    assert isinstance(sink, MidiSink)
    return listen("diffroll-live:notes").receive


@pytest.mark.parametrize("kind", SINKS)
def test_a_chord_then_a_close_in_the_middle_of_it(
    kind: type[ChannelSink], jack: DummyJack, listen: Callable[[str], Listener]
) -> None:
    sink = SINKS[kind]()
    hear = ear(sink, listen)
    sink.check()
    for pitch in (60, 64, 67):
        sink.note_on(2, pitch, 100)
    sink.note_off(2, 64)
    sink.close()
    expected = [(0x92, 60, 100), (0x92, 64, 100), (0x92, 67, 100), (0x82, 64, 0), (0x82, 60, 0), (0x82, 67, 0)]
    wait_until(lambda: len(hear()) >= len(expected) + len(SILENCE), f"the messages of {kind.__name__}")
    assert hear() == [*expected, *SILENCE]
    sink.close()
    with pytest.raises(PortClosed):
        sink.note_on(2, 60, 100)
    with pytest.raises(PortClosed):
        sink.check()
    assert hear() == [*expected, *SILENCE]


@pytest.mark.parametrize("kind", SINKS)
def test_all_notes_off_ends_each_note_once(
    kind: type[ChannelSink], jack: DummyJack, listen: Callable[[str], Listener]
) -> None:
    sink = SINKS[kind]()
    hear = ear(sink, listen)
    sink.note_on(0, 60, 1)
    sink.all_notes_off()
    sink.all_notes_off()
    wait_until(lambda: len(hear()) >= 2 + 2 * len(SILENCE), f"the messages of {kind.__name__}")
    assert hear() == [(0x90, 60, 1), (0x80, 60, 0), *SILENCE, *SILENCE]
    sink.close()


def test_a_recording_knows_when(jack: DummyJack) -> None:
    instants = iter([1.0, 2.5])
    sink = RecordingSink(lambda: next(instants))
    sink.note_on(0, 60, 90)
    sink.note_off(0, 60)
    assert [(sent.instant, sent.message) for sent in sink.sent] == [(1.0, (0x90, 60, 90)), (2.5, (0x80, 60, 0))]
