"""The DAW's tempo, what is made of reports, and whose reports count; on times that the tests write."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.errors import ProtocolError
from diffroll_live.meter.tempo_map import TempoChange, TempoMap
from diffroll_live.midi.playhead import Loop, PlayheadModel
from diffroll_live.osc import timeline_messages as m
from diffroll_live.server.transport import HOLD_SECONDS, TransportHandlers, seconds
from diffroll_live.timeline.report import MAX_POSITION, Report
from diffroll_live.timeline.table import SOURCES
from diffroll_live.timeline.timeline import Timeline

OSC_TRAITS = SOURCES["osc"].traits

# Tempo


@st.composite
def tracks(draw: st.DrawFn) -> TempoMap:
    positions = sorted(draw(st.sets(st.integers(0, 500), min_size=1, max_size=8)))
    changes = tuple(TempoChange(position / 4, draw(st.floats(20.0, 400.0))) for position in positions)
    return TempoMap(changes, draw(st.floats(-10.0, 100.0)))


@given(tracks(), st.floats(-10.0, 200.0))
def test_beats_and_seconds_are_each_others_inverse(tempo_map, position):
    assert tempo_map.position_at(tempo_map.beat_at(position)) == pytest.approx(position, abs=1e-6)


@given(tracks(), st.floats(0.0, 100.0), st.floats(0.01, 50.0), st.floats(-50.0, 500.0))
def test_a_beat_that_is_told_holds_and_keeps_the_tempi(tempo_map, position, later, beat):
    told = tempo_map.with_beat(position, beat)
    assert told.beat_at(position) == pytest.approx(beat, abs=1e-6)
    assert told.changes == tempo_map.changes
    passed = tempo_map.beat_at(position + later) - tempo_map.beat_at(position)
    assert told.beat_at(position + later) - beat == pytest.approx(passed, abs=1e-6)


@given(tracks(), st.floats(0.0, 100.0), st.floats(0.1, 50.0))
def test_a_stretch_has_the_tempi_of_the_whole(tempo_map, start, length):
    stretch = TempoMap(tempo_map.between(start, start + length))
    for share in (0.0, 0.3, 0.99):
        assert stretch.tempo_at(share * length) == tempo_map.tempo_at(start + share * length)
    beats = tempo_map.beat_at(start + length) - tempo_map.beat_at(start)
    assert stretch.beat_at(length) - stretch.beat_at(0.0) == pytest.approx(beats)


def played(tempo_map: TempoMap, *heard: tuple[float, float]) -> TempoMap:
    """ReportSink (position, tempo) from a playhead that plays on."""
    since = heard[0][0]
    for position, tempo in heard:
        tempo_map = tempo_map.observe(position, tempo, since)
        since = position
    return tempo_map


def test_a_playhead_writes_down_the_tempi_it_passes():
    tempo_map = played(TempoMap(), (0.0, 120.0), (1.0, 120.0), (2.0, 90.0), (3.0, 90.0), (4.0, 60.0), (5.0, 60.0))
    changes = (TempoChange(0.0, 120.0), TempoChange(2.0, 90.0), TempoChange(4.0, 60.0))
    assert tempo_map.changes == changes
    assert tempo_map.observed == (0.0, 5.0)
    # Passing again, at other moments, changes nothing; nor does a jump to where it has been.
    assert played(tempo_map, (1.5, 120.0), (2.5, 90.0), (4.5, 60.0)).changes == changes
    assert tempo_map.observe(2.5, 90.0).changes == changes
    # A change that is gone is taken out when it is passed.
    assert played(tempo_map, (1.5, 120.0), (2.5, 120.0), (3.9, 120.0)).changes == (
        TempoChange(0.0, 120.0),
        TempoChange(4.0, 60.0),
    )


def test_another_tempo_where_one_was_heard_means_that_the_tempo_was_set():
    assert TempoMap().observe(0.0, 133.0).observe(2.0, 90.0).changes == (TempoChange(0.0, 90.0),)
    tempo_map = played(TempoMap(), (0.0, 120.0), (2.0, 90.0), (5.0, 90.0))
    assert tempo_map.observe(1.0, 77.0).changes == (TempoChange(0.0, 77.0),)
    assert tempo_map.observe(9.0, 77.0).changes == (*tempo_map.changes, TempoChange(9.0, 77.0))  # nobody was there yet


def test_a_tempo_before_everything_keeps_the_beats():
    tempo_map = played(TempoMap((TempoChange(10.0, 120.0),), 20.0), (12.0, 120.0), (13.0, 120.0))
    earlier = tempo_map.observe(4.0, 60.0)
    assert earlier.changes == (TempoChange(4.0, 60.0), TempoChange(10.0, 120.0))
    assert [earlier.beat_at(position) for position in (4.0, 10.0, 12.0)] == [14.0, 20.0, 24.0]


def test_a_long_ramp_does_not_grow_for_ever(monkeypatch):
    monkeypatch.setattr("diffroll_live.meter.tempo_map.MAX_CHANGES", 64)
    tempo_map = played(TempoMap(), *((float(at), 60.0 + at % 100) for at in range(600)))
    assert len(tempo_map.changes) <= 64
    whole = sum((60.0 + at % 100) / 60.0 for at in range(1, 600))
    assert tempo_map.beat_at(600.0) == pytest.approx(1.0 + whole, rel=1e-6)


# Reports


def make_timeline() -> tuple[Timeline, list[PlayheadModel]]:
    playheads: list[PlayheadModel] = []
    return Timeline(OSC_TRAITS, playheads.append), playheads


@pytest.mark.parametrize(
    "report",
    [
        Report(0.0, tempo=0.0),
        Report(0.0, tempo=-3.0),
        Report(0.0, tempo=math.nan),
        Report(0.0, True, math.inf),
        Report(0.0, True, math.nan),
        Report(0.0, True, 2 * MAX_POSITION),
        Report(0.0, loop_end=math.nan),
        Report(0.0, beat=math.inf),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(report):
    timeline, playheads = make_timeline()
    with pytest.raises(ProtocolError):
        timeline.update(report)
    assert not playheads
    assert timeline.playhead == PlayheadModel()


def test_a_player_is_told_of_news_and_of_nothing_else():
    timeline, playheads = make_timeline()
    timeline.update(Report(10.0, False, -1.0, 120.0))  # a pre-roll
    timeline.update(Report(11.0, True, -1.0, 120.0))
    assert [playhead.playing for playhead in playheads] == [False, True]
    for at in range(1, 50):
        timeline.update(Report(11.0 + at / 30, True, -1.0 + at / 30, 120.0))
    assert len(playheads) == 2
    timeline.update(Report(13.0, True, 40.0))
    assert playheads[-1].position_at(13.5) == 40.5


def test_repeat_makes_a_loop_of_the_loop_points():
    timeline, playheads = make_timeline()
    for report in (Report(1.0, loop_start=2.0), Report(1.0, loop_end=4.0), Report(1.0, position=3.0)):
        timeline.update(report)
    timeline.update(Report(2.0, playing=True))
    assert playheads[-1].loop is None
    timeline.update(Report(2.1, looping=True))
    assert playheads[-1].loop == Loop(2.0, 4.0)
    assert timeline.playhead.position_at(3.5) == pytest.approx(2.5)


def test_regular_reports_that_stop_coming_mean_that_the_playhead_stands():
    timeline, playheads = make_timeline()
    for at in range(10):
        timeline.update(Report(at / 30, True, at / 30))
    timeline.check(1.0)
    assert timeline.playhead.playing
    timeline.check(0.3 + OSC_TRAITS.timeout + 0.1)
    assert not playheads[-1].playing
    timeline.update(Report(5.0, True, 2.5))
    assert playheads[-1].playing


def test_one_report_is_enough_for_a_daw_that_only_tells_changes():
    timeline, _ = make_timeline()
    timeline.update(Report(0.0, True, 8.0, 120.0))
    timeline.check(500.0)
    assert timeline.playhead.position_at(500.0) == 508.0


@given(
    st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans(), st.floats(-9.0, 99.0), st.floats(1.0, 500.0)), max_size=30)
)
def test_whatever_a_daw_does_its_tempo_is_the_one_it_told_last(reports):
    timeline, _ = make_timeline()
    now = 0.0
    for pause, playing, position, tempo in reports:
        now += pause
        timeline.update(Report(now, playing, position, tempo))
        assert timeline.tempo_map.tempo_at(position) == pytest.approx(tempo, abs=0.005)
        changes = timeline.tempo_map.changes
        assert [change.position for change in changes] == sorted({change.position for change in changes})


# Over OSC


class Speaker:
    """A client, as far as the transport's handlers look at one."""

    def __init__(self, key: str) -> None:
        self.key = key


class Daw:
    def __init__(self, follows: bool = True) -> None:
        self.now = 100.0
        self.timeline = Timeline(OSC_TRAITS)
        self.transport = TransportHandlers(self.timeline, lambda: self.now, follows=follows)

    def update(self, *messages: object, key: str = "udp 1") -> PlayheadModel:
        for message in messages:
            self.transport.handlers[type(message)](Speaker(key), message)  # type: ignore[arg-type]
        return self.timeline.playhead


def test_daws_speak_in_their_own_words():
    daw = Daw()
    playhead = daw.update(m.TransportTime("00:00:10"), m.TransportTempo(90.0), m.TransportPlay())
    assert (playhead.playing, playhead.position_at(101.0)) == (True, 11.0)
    assert daw.timeline.tempo_map.tempo_at(11.0) == 90.0
    daw.update(m.LoopStart(10.0), m.LoopEnd(14.0), m.TransportRepeat())
    assert daw.timeline.playhead.loop == Loop(10.0, 14.0)
    assert daw.update(m.TransportStop(0.0)).playing
    assert not daw.update(m.TransportStop()).playing
    assert daw.update(m.TransportPlay()).playing
    assert not daw.update(m.TransportPlay(0.0)).playing


def test_our_own_message_says_it_all():
    daw = Daw()
    playhead = daw.update(m.Transport(True, 10.0, 90.0, 2.5, 3, 8))
    assert (playhead.playing, playhead.position_at(101.0)) == (True, 11.0)
    assert daw.timeline.metre == (3, 8)
    assert daw.timeline.tempo_map.beat_at(10.0) == pytest.approx(2.5)
    daw.update(m.Transport(True, 10.0, 90.0))  # without beat and metre: the last ones hold
    assert daw.timeline.tempo_map.beat_at(10.0) == pytest.approx(2.5)
    assert daw.timeline.metre == (3, 8)


def test_a_bar_is_the_daws_as_far_as_it_told():
    daw = Daw()
    assert daw.timeline.metre == (4, 4)
    assert daw.timeline.bar(100.0, 60.0, 5.0) == pytest.approx(5.0)
    daw.update(m.TransportTempo(90.0))
    assert daw.timeline.bar(100.0, 60.0, 3.0) == pytest.approx(2.0)
    daw.update(m.Transport(False, 0.0, 120.0, 0.0, 6, 8))
    assert daw.timeline.bar(100.0, 60.0, 5.0) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("said", "metre"),
    [((3, 8), (3, 8)), ((64, 64), (64, 64)), ((0, 4), (4, 4)), ((65, 4), (4, 4)), ((3, 0), (4, 4)), ((-3, 6), (4, 4))],
)
def test_a_metre_that_is_none_is_common_time(said, metre):
    daw = Daw()
    daw.update(m.Transport(True, 0.0, 90.0, 0.0, *said))
    assert daw.timeline.metre == metre


def test_of_several_that_tell_the_position_the_first_is_believed_while_it_speaks():
    daw = Daw()
    daw.update(m.Transport(True, 10.0, 90.0), key="udp 1")
    daw.now += 0.1
    playhead = daw.update(m.Transport(False, 50.0, 91.0, 0.0, 3, 4), key="udp 2")
    assert playhead.playing
    assert playhead.position_at(daw.now) == pytest.approx(10.1)
    assert daw.timeline.tempo_map.tempo_at(10.1) == 91.0  # tempo and metre are anyone's to tell
    assert daw.timeline.metre == (3, 4)
    daw.now += HOLD_SECONDS + 0.1
    assert not daw.update(m.TransportStop(), key="udp 2").playing


def test_where_another_source_is_followed_only_tempo_and_metre_are_taken():
    daw = Daw(follows=False)
    playhead = daw.update(m.Transport(True, 10.0, 90.0, 1.0, 6, 8), m.TransportPlay(), m.TransportTime(5.0))
    assert playhead == PlayheadModel()
    assert daw.timeline.tempo_map.tempo_at(0.0) == 90.0
    assert daw.timeline.metre == (6, 8)


@pytest.mark.parametrize(
    ("text", "value"), [(2.5, 2.5), ("2.5", 2.5), ("1:30", 90.0), ("01:00:01.5", 3601.5), ("-0:02", -2.0)]
)
def test_positions_are_seconds_or_clock_times(text, value):
    assert seconds(text) == value
