"""The thread that keeps a source of the DAW's time, on real MIDI ports and a real JACK transport."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import mido
import pytest
import rtmidi
from support.jack import DummyJack
from support.waiting import wait_until

from diffroll_live.audio.jack.client import JackWatch, libjack
from diffroll_live.config import Config, TransportConfig
from diffroll_live.errors import PortClosed, PortError
from diffroll_live.midi.input import MidiInput, list_inputs
from diffroll_live.midi.ports import PortChoice
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.sources import SourceThread
from diffroll_live.timeline.table import SOURCES, source_opener
from diffroll_live.timeline.timeline import Timeline


@pytest.fixture
def out(jack: DummyJack) -> Iterator[rtmidi.MidiOut]:
    port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="sequencer")
    port.open_virtual_port("clock")
    yield port
    port.delete()


def test_an_input_port_gives_messages_their_times(out: rtmidi.MidiOut) -> None:
    heard: list[tuple[mido.Message, float]] = []
    assert "sequencer:clock" in list_inputs("jack")
    port = MidiInput(PortChoice("jack", port="sequencer"), lambda message, at: heard.append((message, at)))
    try:
        begin = time.perf_counter()
        wait_until(lambda: out.send_message([0xF8]) or bool(heard), "the connection")
        out.send_message([0x90, 60, 100])
        out.send_message([0xF0, 0x7F, 0x7F, 1, 1, 0, 0, 1, 0, 0xF7])
        wait_until(lambda: any(message.type == "sysex" for message, _ in heard), "the messages")
        assert any(message.type == "note_on" and message.note == 60 for message, _ in heard)
        times = [at for _, at in heard]
        assert times == sorted(times)
        assert begin <= times[0]
        assert times[-1] <= time.perf_counter()
        port.check()
        out.close_port()
        out.delete()
        wait_until(lambda: gone(port), "the loss of the port to be noticed")
    finally:
        port.close()
        port.close()


def gone(port: MidiInput) -> bool:
    try:
        port.check()
    except PortClosed as error:
        return "sequencer:clock" in error.text
    return False


def test_an_input_that_is_not_there_is_named(jack: DummyJack) -> None:
    with pytest.raises(PortError, match="There is no MIDI port 'nobody'"):
        MidiInput(PortChoice("jack", port="nobody"), lambda *_: None)


def test_a_virtual_port_is_followed_lost_and_found_again(jack: DummyJack) -> None:
    config = Config(transport=TransportConfig("midi-clock"))
    timeline = Timeline(SOURCES["midi-clock"].traits)
    opener = source_opener(config, timeline, time.perf_counter)
    assert opener is not None
    following = SourceThread(opener, timeline, time.perf_counter)
    try:
        for _ in range(2):
            tell_clock(timeline)
            jack.kill()
            wait_until(lambda: not timeline.playhead.playing, "the loss to be noticed")
            jack.start()
    finally:
        following.close()


def tell_clock(timeline: Timeline) -> None:
    """Connect to the daemon's input and send a clock until it is followed."""
    port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="sequencer")
    try:
        wait_until(lambda: "diffroll-live:transport" in port.get_ports(), "the virtual input")
        port.open_port(port.get_ports().index("diffroll-live:transport"))
        port.send_message([0xFA])
        wait_until(lambda: port.send_message([0xF8]) or timeline.playhead.playing, "the clock to be followed")
    finally:
        port.delete()


@pytest.fixture
def transport(jack: DummyJack) -> Iterator[Callable[..., None]]:
    """Command the server's transport."""
    library = libjack()
    watch = JackWatch()

    def command(name: str, *arguments: int) -> None:
        function = getattr(library, f"jack_transport_{name}")
        import ctypes

        function.argtypes = [ctypes.c_void_p, *[ctypes.c_uint32] * len(arguments)]
        function(watch._client, *arguments)

    yield command
    command("stop")
    watch.close()


def test_the_jack_transport_is_followed(jack: DummyJack, transport: Callable[..., None]) -> None:
    timeline = Timeline(SOURCES["jack"].traits)
    opener = source_opener(Config(transport=TransportConfig("jack")), timeline, time.perf_counter)
    assert opener is not None
    following = SourceThread(opener, timeline, time.perf_counter)
    try:
        transport("locate", 480_000)
        wait_until(lambda: timeline.playhead.position_at(0.0) == 10.0, "the place")
        transport("start")
        wait_until(lambda: timeline.playhead.playing, "the start")
        assert timeline.playhead.start == pytest.approx(10.0, abs=0.03)
        watch = JackWatch()
        told, now = watch.transport(), time.perf_counter()
        watch.close()
        assert told is not None
        assert timeline.playhead.position_at(now) == pytest.approx(told.position + told.age, abs=0.05)
        run = timeline.playhead.run
        transport("locate", 0)
        wait_until(lambda: timeline.playhead.run > run and timeline.playhead.playing, "the jump")
        assert timeline.playhead.position_at(time.perf_counter()) < 5.0
        transport("stop")
        wait_until(lambda: not timeline.playhead.playing, "the stop")
    finally:
        following.close()


class Unsteady:
    """A source that is gone after some looks."""

    name, interval = "an unsteady source", 0.001

    def __init__(self, looks: int) -> None:
        self.left, self.closed = looks, False

    def poll(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PortClosed("It is gone.")

    def close(self) -> None:
        self.closed = True
        raise OSError("It cannot be closed either.")


def test_a_source_that_is_gone_is_opened_again_and_the_playhead_stands(monkeypatch):
    monkeypatch.setattr("diffroll_live.timeline.sources.FIRST_RETRY_SECONDS", 0.01)
    timeline = Timeline(SOURCES["osc"].traits)
    opened: list[Unsteady] = []
    attempts = itertools.count()

    def open_source() -> Unsteady:
        attempt = next(attempts)
        if attempt == 0:
            raise PortError("Not yet.")
        if attempt == 1:
            raise RuntimeError("A library failed.")
        timeline.update(Report(time.perf_counter(), True, 1.0))
        opened.append(Unsteady(3))
        return opened[-1]

    following = SourceThread(open_source, timeline, time.perf_counter)
    wait_until(lambda: len(opened) >= 2, "the second time")
    following.close()
    following.close()
    assert all(source.closed for source in opened)
    assert not timeline.playhead.playing
    assert source_opener(Config(), timeline, time.perf_counter) is None
