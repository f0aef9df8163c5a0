"""The DAW's time from MIDI, JACK and Link: decoders message by message, ports and servers that are real."""

from __future__ import annotations

import importlib
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import mido
import pytest
import rtmidi
from hypothesis import given
from hypothesis import strategies as st
from support.jack import DummyJack
from support.waiting import wait_until

from diffroll_live.audio.jack.client import JackWatch, libjack
from diffroll_live.config import Config, TransportConfig
from diffroll_live.errors import PortClosed, PortError
from diffroll_live.midi.input import MidiInput, list_inputs
from diffroll_live.midi.ports import PortChoice
from diffroll_live.timeline.link import LinkSource
from diffroll_live.timeline.midi_clock import TICKS, MidiClock
from diffroll_live.timeline.midi_timecode import MidiTimecode
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.sources import SourceThread
from diffroll_live.timeline.table import SOURCES, source_opener
from diffroll_live.timeline.timeline import Timeline

TICK = mido.Message("clock")


class Sender:
    """A DAW that sends MIDI clock, without error unless it is given some."""

    def __init__(self, jitter: float = 0.0) -> None:
        self.clock = MidiClock()
        self.timeline = Timeline(SOURCES["midi-clock"].traits)
        self.now = 100.0
        self.reports: list[Report] = []
        self._chance = random.Random(3)
        self._jitter = jitter

    def send(self, message: mido.Message, late: float = 0.0) -> None:
        report = self.clock.decode(message, self.now + late)
        if report is not None:
            self.reports.append(report)
            self.timeline.update(report)

    def tick(self, beats: float, tempo: float) -> None:
        for _ in range(round(beats * TICKS)):
            self.send(TICK, self._chance.uniform(0.0, self._jitter))
            self.now += 60.0 / tempo / TICKS

    def position(self) -> float:
        return self.timeline.playhead.position_at(self.now)


# MIDI clock


@pytest.mark.parametrize("tempo", [47.0, 90.0, 120.0, 133.5, 240.0])
@pytest.mark.parametrize("jitter", [0.0, 0.002])
def test_a_clock_is_followed_at_its_tempo(tempo, jitter):
    sender = Sender(jitter)
    sender.send(mido.Message("start"))
    sender.tick(64, tempo)
    assert sender.reports[-1].tempo == pytest.approx(tempo, rel=1e-3)
    assert sender.position() == pytest.approx(64 * 60.0 / tempo, rel=1e-3)
    assert sender.timeline.tempo_map.beat_at(sender.position()) == pytest.approx(64, abs=0.05)


def test_a_stop_and_a_continue_go_on_where_it_was():
    sender = Sender()
    sender.send(mido.Message("start"))
    sender.tick(8, 120.0)
    sender.send(mido.Message("stop"))
    assert not sender.timeline.playhead.playing
    sender.tick(4, 120.0)  # a clock may go on ticking
    assert not sender.timeline.playhead.playing
    sender.send(mido.Message("continue"))
    sender.tick(1, 120.0)
    assert sender.position() == pytest.approx(4.5, abs=0.03)


def test_a_song_position_is_a_place_in_seconds():
    sender = Sender()
    sender.send(mido.Message("songpos", pos=64))  # 16 beats
    assert sender.reports[-1].position == 8.0
    sender.send(mido.Message("continue"))
    assert not sender.timeline.playhead.playing  # the first tick is the beginning
    sender.tick(2, 120.0)
    assert sender.position() == pytest.approx(9.0)
    sender.send(mido.Message("songpos", pos=16))  # a loop, while it plays
    sender.tick(1, 120.0)
    assert sender.position() == pytest.approx(2.5)
    assert sender.timeline.playhead.start == pytest.approx(2.0, abs=0.025)


def test_a_beat_has_one_place_in_every_pass_through_a_change_of_tempo():
    sender = Sender(jitter=0.001)
    places = []
    for _ in range(3):
        sender.send(mido.Message("songpos", pos=0))
        sender.send(mido.Message("continue"))
        sender.tick(16, 120.0)
        sender.tick(16, 80.0)
        places.append(sender.position())
        sender.send(mido.Message("stop"))
    assert places == pytest.approx([8.0 + 12.0] * 3, abs=0.1)
    assert max(places[1:]) - min(places[1:]) < 0.02


def test_a_ramp_is_followed():
    sender = Sender(jitter=0.001)
    sender.send(mido.Message("start"))
    for tempo in range(100, 140):
        sender.tick(1, float(tempo))
    assert sender.reports[-1].tempo == pytest.approx(139, rel=0.03)
    seconds = sum(60.0 / tempo for tempo in range(100, 140))
    assert sender.position() == pytest.approx(seconds, abs=0.15)


def test_a_clock_that_stops_coming_stands():
    sender = Sender()
    sender.send(mido.Message("start"))
    sender.tick(4, 120.0)
    sender.timeline.check(sender.now + SOURCES["midi-clock"].traits.timeout + 0.1)
    assert not sender.timeline.playhead.playing


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["clock"] * 5 + ["start", "stop", "continue", "songpos", "active_sensing", "note_on"]),
            st.floats(0.0, 0.1),
        ),
        max_size=200,
    )
)
def test_whatever_comes_the_clock_says_what_can_be(messages):
    clock, timeline, now = MidiClock(), Timeline(SOURCES["midi-clock"].traits), 0.0
    for kind, pause in messages:
        now += pause
        report = clock.decode(mido.Message(kind), now)
        if report is not None:
            timeline.update(report)  # raises for what cannot be


# MIDI timecode


def quarter_frames(hours: int, minutes: int, seconds: int, frames: int, kind: int) -> list[mido.Message]:
    values = [frames, seconds, minutes, hours | kind << 5]
    nibbles = [part for value in values for part in (value & 15, value >> 4)]
    return [mido.Message("quarter_frame", frame_type=n, frame_value=value) for n, value in enumerate(nibbles)]


@pytest.mark.parametrize(
    ("kind", "rate", "time", "seconds"),
    [
        (0, 24.0, (0, 0, 1, 12), 1.5),
        (1, 25.0, (1, 2, 3, 5), 3723.2),
        (3, 30.0, (23, 59, 59, 29), 86_399.0 + 29 / 30),
        (2, 30_000 / 1001, (0, 1, 0, 2), 60.06),
        (2, 30_000 / 1001, (0, 10, 0, 0), 600.0 - 0.0006),
    ],
)
def test_eight_quarter_frames_are_a_time_two_frames_ago(kind, rate, time, seconds):
    timecode = MidiTimecode()
    reports = [timecode.decode(message, 7.0) for message in quarter_frames(*time, kind)]
    assert reports[:-1] == [None] * 7
    assert reports[-1].playing
    assert reports[-1].position == pytest.approx(seconds + 1.75 / rate, abs=1e-3)


def test_a_missing_quarter_frame_spoils_one_time_and_no_more():
    timecode = MidiTimecode()
    broken = quarter_frames(0, 0, 1, 0, 1)[:3] + quarter_frames(0, 0, 1, 0, 1)[4:]
    backwards = quarter_frames(0, 0, 5, 0, 1)[::-1]
    assert not any(timecode.decode(message, 0.0) for message in broken + backwards)
    assert any(timecode.decode(message, 0.0) for message in quarter_frames(0, 0, 2, 0, 1))


def test_a_full_frame_is_a_place_to_stand():
    timecode = MidiTimecode()
    message = mido.Message("sysex", data=(0x7F, 0x7F, 0x01, 0x01, 1 | 1 << 5, 0, 30, 5))
    assert timecode.decode(message, 3.0) == Report(3.0, playing=False, position=3630.2)
    assert timecode.decode(mido.Message("sysex", data=(1, 2, 3)), 3.0) is None
    assert timecode.decode(TICK, 3.0) is None


# Ports


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


# JACK


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


# Link


class FakeLink:
    """Two peers' session as LinkPython-extern 1.3 shows it; assumes what a real pair was seen to do.

    Times are microseconds of Link's own clock; beats count from wherever the peer likes.
    """

    def __init__(self, tempo: float) -> None:
        self.enabled = self.startStopSyncEnabled = False
        self.bpm, self.started = tempo, None

    def clock(self) -> SimpleNamespace:
        return SimpleNamespace(micros=lambda: time.perf_counter_ns() // 1000)

    def captureAppSessionState(self) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(
            tempo=lambda: self.bpm,
            isPlaying=lambda: self.started is not None,
            timeForIsPlaying=lambda: self.started,
            beatAtTime=lambda micros, quantum: 1000.0 + micros * self.bpm / 60e6,
        )


def test_a_link_session_is_followed_from_its_start(monkeypatch):
    links = []
    make = lambda tempo: links.append(FakeLink(tempo)) or links[-1]  # noqa: E731
    monkeypatch.setitem(sys.modules, "link", SimpleNamespace(Link=make))
    reports: list[Report] = []
    source = LinkSource(reports.append, time.perf_counter)
    (link,) = links
    assert link.enabled
    assert link.startStopSyncEnabled
    source.poll()
    assert (reports[-1].playing, reports[-1].position) == (False, 0.0)
    link.bpm, link.started = 90.0, link.clock().micros() - 2_000_000
    source.poll()
    assert reports[-1].playing
    assert reports[-1].position == pytest.approx(2.0, abs=0.5)
    assert reports[-1].beat == pytest.approx(reports[-1].position * 1.5)
    assert reports[-1].tempo == 90.0
    source.close()
    assert not link.enabled


def test_without_link_a_sentence_says_how_to_get_it(monkeypatch):
    def fail(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(PortError, match=r"diffroll-live\[link\]"):
        LinkSource(lambda _: None, time.perf_counter)


# The thread that keeps a source


class Unsteady:
    """A source that is gone after some looks."""

    name, interval = "an unsteady source", 0.001

    def __init__(self, looks: int) -> None:
        self.left, self.closed = looks, False

    def look(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PortClosed("It is gone.")

    def close(self) -> None:
        self.closed = True


def test_a_source_that_is_gone_is_opened_again_and_the_playhead_stands(monkeypatch):
    monkeypatch.setattr("diffroll_live.timeline.sources.FIRST_RETRY_SECONDS", 0.01)
    timeline = Timeline(SOURCES["osc"].traits)
    opened: list[Unsteady] = []
    attempts = itertools.count()

    def open_source() -> Unsteady:
        if next(attempts) == 0:
            raise PortError("Not yet.")
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
