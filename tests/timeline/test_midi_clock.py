"""The DAW's time from MIDI clock and song position, message by message."""

from __future__ import annotations

import random

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.timeline.midi_clock import TICKS, MidiClock
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.table import SOURCES
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


@pytest.mark.slow
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
