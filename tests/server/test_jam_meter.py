"""The bars and beats of a jam: the DAW's, or those that were played."""

from __future__ import annotations

import pytest
from support.jamming import SETTINGS, played

from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.music.beats import estimate_meter
from diffroll_live.server.jam import turns
from diffroll_live.server.jam.turns import Jam, Turn


def test_the_answer_lies_on_the_daws_beats_and_goes_on_from_one_when_it_fell_behind():
    meter = steady_meter(60.0, (3, 4), source="transport")  # a beat at every second, a bar at every third
    jam = Jam(SETTINGS, lambda _: meter)
    now = played(jam, 60, 62, 64)  # until 101.5
    turn = jam.cue(now)
    assert turn.begin == pytest.approx(102.0)
    assert turn.until == pytest.approx(106.0)
    own = turn.request.meter
    assert own.source == "transport"
    assert turn.origin + own.first_bar(turn.request.regions[0].onset) == pytest.approx(102.0)
    assert own.tempo.tempo_at(0.0) == 60.0
    jam.finished(turn, now)
    again = jam.go_on(turn.until + 10.3)
    assert again.begin == pytest.approx(117.0)
    assert again.origin + again.request.meter.first_bar(again.request.regions[0].onset) == pytest.approx(117.0)


def march(jam: Jam, beat: float, begin: float = 100.0) -> float:
    """Play a bass and two chords a bar of three, eighths above; the time of the next bar line."""
    for index in range(24):
        at = begin + index * beat
        low = (40, 45, 43)[index // 3 % 3]
        jam.started(low if index % 3 == 0 else low + 19, 90 if index % 3 == 0 else 60, at)
        jam.started(72 + index % 5, 64, at + 0.005)
        jam.ended(72 + index % 5, at + 0.45 * beat)
        jam.started(79 - index % 4, 64, at + 0.5 * beat)
        jam.ended(79 - index % 4, at + 0.95 * beat)
        if index % 3:
            jam.ended(low + 19, at + 0.9 * beat)
        elif index:
            jam.ended((40, 45, 43)[(index // 3 - 1) % 3], at - 0.02)
    return begin + 24 * beat


def test_without_a_daw_the_answer_goes_by_the_beat_that_was_played_until_the_next():
    jam = Jam(SETTINGS)
    line = march(jam, 0.6)
    turn = jam.cue(line - 0.1)
    assert turn.request.meter.source == "estimated"
    assert turn.begin == pytest.approx(line + 0.6, abs=0.03), "the first beat after the lead"
    assert turn.request.meter.tempo.tempo_at(SETTINGS.memory) == pytest.approx(100.0, rel=0.02)
    jam.finished(turn, line)
    second = jam.go_on(turn.begin + 1.0)
    assert second.begin == turn.until
    beats = [meter_beat(one, turn.begin + 1.8) for one in (turn, second)]
    assert beats[0] == pytest.approx(beats[1]), "an answer keeps its beat"
    jam.listen(turn.begin + 2.0)
    again = jam.cue(march(jam, 0.5, begin=turn.begin + 40.0))
    assert again.request.meter.tempo.tempo_at(SETTINGS.memory) == pytest.approx(120.0, rel=0.02)


def test_the_beat_is_heard_in_a_pause_and_not_again_at_the_cue(monkeypatch):
    heard = []
    monkeypatch.setattr(turns, "estimate_meter", lambda notes: heard.append(len(notes)) or estimate_meter(notes))
    jam = Jam(SETTINGS)
    jam.pause(1.0)
    assert not heard, "nothing was played"
    line = march(jam, 0.6)
    jam.ended(43, line - 0.05)
    jam.pause(line)
    assert not heard, "no pause yet"
    jam.pause(line + 0.3)
    jam.pause(line + 0.6)
    assert jam.cue(line + 0.8).request.meter.source == "estimated"
    assert len(heard) == 1
    jam.listen(line + 9.0)
    jam.started(60, 80, line + 10.0)
    jam.cue(line + 10.1)
    assert len(heard) == 2, "what was played since is heard at the cue"


def meter_beat(turn: Turn, time: float) -> float:
    return turn.request.meter.tempo.beat_at(time - turn.origin) % 1.0
