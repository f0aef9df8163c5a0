"""Bars and beats as they go by on the clock: while a DAW plays, round its loops, and of a pulse that nothing stops."""

from __future__ import annotations

import pytest

from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.table import SOURCES
from diffroll_live.timeline.timeline import Timeline


def meter_of(timeline: Timeline, now: float = 100.0) -> MeterMap:
    meter = timeline.meter_on_clock(now)
    assert meter is not None
    return meter


def playing() -> Timeline:
    """At 100 s of the clock, a DAW plays at 60 BPM from position 10, which is beat 4.25 of bars of 3/4."""
    timeline = Timeline(SOURCES["osc"].traits)
    timeline.update(Report(100.0, True, 10.0, 60.0, 4.25, (3, 4)))
    return timeline


def test_musical_time_goes_on_along_the_clock_while_the_daw_plays():
    assert Timeline(SOURCES["osc"].traits).meter_on_clock(100.3) is None
    timeline = playing()
    meter = meter_of(timeline)
    assert (meter.source, meter.confidence) == ("transport", 1.0)
    assert meter.next_beat(100.0) == pytest.approx(100.75)
    assert meter.next_beat(100.75) == pytest.approx(100.75)
    assert meter.first_bar(100.0) == pytest.approx(101.75), "at beat 6"
    assert meter.tempo.beat_at(90.0) == pytest.approx(-5.75), "it went by before, too"
    timeline.update(Report(101.0, playing=False))
    assert timeline.meter_on_clock(102.0) is None


def test_a_loop_comes_round_in_musical_time():
    timeline = playing()
    timeline.update(Report(100.0, loop_start=8.0, loop_end=12.5, looping=True))
    meter = meter_of(timeline)
    assert meter.next_beat(102.0) == pytest.approx(102.5), "the loop begins anew before the next beat"
    laps = [meter.first_bar(at) for at in (102.4, 102.6, 103.3, 106.9)]
    assert laps == pytest.approx([102.5, 103.25, 106.25, 107.0]), "at beats 2.25 and 3 of the DAW, lap after lap"
    assert meter.tempo.position_at(meter.tempo.beat_at(130.0)) == pytest.approx(130.0)


def test_a_tempo_that_changes_in_a_loop_changes_in_each_lap():
    timeline = Timeline(SOURCES["osc"].traits)
    for position, tempo in ((8.0, 60.0), (9.0, 60.0), (10.0, 120.0), (11.0, 120.0)):
        timeline.update(Report(90.0 + position, True, position, tempo))
    timeline.update(Report(101.0, True, 11.0, 120.0, loop_start=8.0, loop_end=12.0, looping=True))
    meter = meter_of(timeline, 101.0)
    found = [round(meter.tempo.tempo_at(at)) for at in (101.5, 102.5, 104.5, 106.5, 108.5)]
    assert found == [120, 60, 120, 60, 120]


def test_a_tempo_of_no_music_is_no_beat():
    timeline = Timeline(SOURCES["osc"].traits)
    timeline.update(Report(100.0, True, 0.0, 1500.0))
    assert timeline.meter_on_clock(100.0) is None


def test_a_pulse_goes_on_though_nothing_plays_until_something_does():
    timeline = Timeline(SOURCES["osc"].traits)
    timeline.update(Report(100.0, False, 0.0, tempo=120.0, pulse=3.5))
    meter = meter_of(timeline, 101.0)
    assert meter.confidence == 0.5
    assert meter.first_bar(100.0) == pytest.approx(100.25)
    assert meter.next_beat(101.0) == pytest.approx(101.25)
    assert timeline.meter(0.0).first_bar(0.0) == 0.0, "of the timeline it says nothing"
    timeline.update(Report(102.0, True, 5.0))
    assert meter_of(timeline, 102.0).first_bar(102.0) == pytest.approx(103.0)
    timeline.update(Report(103.0, False))
    assert timeline.meter_on_clock(103.0) is None
