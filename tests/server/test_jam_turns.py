"""A conversation in notes, on a clock that only the test turns."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.asking import planned
from support.jamming import SETTINGS, played

from diffroll_live.music.regions import SHORTEST
from diffroll_live.server.jam.settings import JamSettings
from diffroll_live.server.jam.turns import RING, Jam, Phrase, Turn
from diffroll_live.types import NoteEvent, Options

BAR = 2.0  # s


def written(turn: Turn, *onsets: float) -> list[NoteEvent]:
    """Notes in a turn's region, on the request's axis, so many seconds after it begins."""
    begin = turn.request.regions[0].onset
    return [NoteEvent(begin + onset, begin + onset + 0.25, 60, 70) for onset in onsets]


def test_two_bars_of_rest_give_the_turn():
    jam = Jam(SETTINGS)
    assert not jam.is_rest_over(1000.0, BAR), "nothing was played"
    now = played(jam, 60, 64, 67)
    assert not jam.is_rest_over(now + 3.99, BAR)
    assert jam.is_rest_over(now + 4.0, BAR)
    assert not jam.is_rest_over(now + 4.0, 1.01 * BAR)
    jam.started(72, 80, now + 1.0)
    assert not jam.is_rest_over(now + 60.0, BAR), "a held note is no rest"
    jam.ended(72, now + 60.0)
    assert jam.is_rest_over(now + 64.0, BAR)


def test_no_rest_gives_the_turn_when_none_is_asked_for():
    jam = Jam(JamSettings(rest_bars=0))
    now = played(jam, 60)
    assert not jam.is_rest_over(now + 1e6, BAR)


def test_the_model_goes_on_from_what_was_played_on_its_axis():
    jam = Jam(SETTINGS)
    now = played(jam, 60, 64, 67)
    turn = jam.cue(now)
    begin = now + SETTINGS.lead
    (region,) = turn.request.regions
    assert turn.origin + region.onset == pytest.approx(begin)
    assert region.duration == pytest.approx(SETTINGS.ahead)
    assert [n.pitch for n in turn.request.known] == [60, 64, 67]
    assert [n.onset + turn.origin for n in turn.request.known] == pytest.approx([100.0, 100.5, 101.0])
    planned(turn.request)


def test_a_note_may_ring_into_the_next_turn():
    jam = Jam(SETTINGS)
    now = played(jam, 60)
    turn = jam.cue(now)
    assert planned(turn.request).until == pytest.approx(turn.until - turn.origin + RING)
    end = turn.request.regions[0].offset
    jam.wrote(turn, [NoteEvent(end - 0.5, end + 1.0, 60, 70)], now)
    jam.finished(turn, now)
    second = jam.go_on(turn.begin + 1.0)
    (held,) = [note for note in second.request.known if note.pitch == 60 and note.onset + second.origin > now]
    assert held.offset + second.origin == pytest.approx(turn.until + 1.0)


def test_only_the_memory_is_remembered_and_notes_are_cut_there():
    jam = Jam(SETTINGS)
    jam.started(40, 80, 0.0)
    jam.ended(40, 95.0)
    jam.started(41, 80, 50.0)
    jam.ended(41, 51.0)
    turn = jam.cue(100.0)
    assert [(n.pitch, n.onset) for n in turn.request.known] == [(40, 0.0)]


def test_a_held_note_ends_when_the_turn_changes():
    jam = Jam(SETTINGS)
    jam.started(60, 80, 100.0)
    turn = jam.cue(102.0)
    (note,) = turn.request.known
    assert note.offset + turn.origin == pytest.approx(102.0)


def test_nothing_is_answered_to_nothing_and_no_cue_counts_twice():
    jam = Jam(SETTINGS)
    assert jam.cue(5.0) is None
    now = played(jam, 60)
    assert jam.cue(now) is not None
    assert jam.cue(now) is None


def test_writing_stays_ahead_and_goes_on_from_what_was_written():
    jam = Jam(SETTINGS)
    now = played(jam, 60)
    first = jam.cue(now)
    assert jam.go_on(now + 1.0) is None, "one turn is written at a time"
    placed = jam.wrote(first, written(first, 0.0, 1.0), now)
    assert placed[0].onset == pytest.approx(first.origin + first.request.regions[0].onset)
    jam.finished(first, now)
    assert jam.ahead(now) == pytest.approx(SETTINGS.lead + SETTINGS.ahead)
    assert jam.go_on(now) is None, "far enough ahead"
    second = jam.go_on(now + 1.0)
    assert second.origin + second.request.regions[0].onset == pytest.approx(first.until), "without a seam"
    assert {n.onset + second.origin for n in second.request.known} >= {placed[0].onset}
    assert second.request.options.seed != first.request.options.seed


def test_writing_that_fell_behind_leaves_a_pause_and_never_writes_the_past():
    jam = Jam(SETTINGS)
    now = played(jam, 60)
    first = jam.cue(now)
    jam.finished(first, now)
    late = first.until + 30.0
    assert jam.ahead(late) == pytest.approx(-30.0)
    second = jam.go_on(late)
    assert second.origin + second.request.regions[0].onset == pytest.approx(late + SETTINGS.lead)


def test_playing_takes_the_turn_back_and_keeps_only_what_sounded():
    jam = Jam(SETTINGS)
    now = played(jam, 60)
    turn = jam.cue(now)
    jam.wrote(turn, written(turn, 0.0, 1.6, 3.0), now)
    assert jam.started(72, 80, now + 2.0) is True
    assert jam.state == "listening"
    assert jam.wrote(turn, written(turn, 3.5), now + 2.0) == (), "what comes late is not played"
    jam.ended(72, now + 2.5)
    again = jam.cue(now + 2.5)
    assert [n.pitch for n in again.request.known] == [60, 60, 60, 72], "the unsounded third note is forgotten"
    assert again.request.known[2].offset + again.origin == pytest.approx(now + 2.0), "and what sounded was cut off"


def test_a_strike_of_before_the_cue_that_is_heard_after_it_belongs_to_what_was_played():
    jam = Jam(SETTINGS)
    now = played(jam, 60, 64)
    first = jam.cue(now)
    assert jam.started(67, 80, now - 0.1) is False
    jam.ended(67, now)
    assert jam.state == "answering"
    jam.finished(first, now)
    turn = jam.go_on(now + 1.0)
    assert [n.pitch for n in turn.request.known] == [60, 64, 67]
    jam.listen(now + 2.0)
    assert not jam.is_rest_over(now + 100.0, BAR), "nothing was played since"


@pytest.mark.parametrize("onsets", [(0.0, 2.0), ()])
def test_a_rehearsal_brings_the_first_answer_in_time_and_plays_nothing(onsets):
    jam = Jam(SETTINGS)
    turn = jam.rehearse(10.0)
    assert jam.wrote(turn, written(turn, *onsets), 11.5) == ()
    jam.finished(turn, 11.5)
    assert jam.go_on(12.0) is None
    assert jam.cue(12.0) is None, "nothing was played"
    now = played(jam, 60)
    assert jam.cue(now).begin == pytest.approx(now + 1.5)


@given(st.floats(0.0, 30.0), st.floats(0.5, 8.0))
def test_however_slow_the_writing_is_the_next_turn_is_heard(seconds, ahead):
    """Each turn takes so many seconds and has a note at its begin and at its end."""
    jam = Jam(JamSettings(ahead=ahead))
    now = played(jam, 60)
    turn, in_time = jam.cue(now), []
    for _ in range(5):
        now = turn.asked + seconds
        notes = jam.wrote(turn, written(turn, 0.0, ahead - 0.01), now)
        in_time.append([now <= note.onset + 1e-6 for note in notes])
        jam.finished(turn, now)
        now = max(now, turn.until - ahead + 1e-3)  # the next is asked for when it is wanted
        turn = jam.go_on(now)
        assert turn.begin >= now
    for first, last in in_time[1:]:
        assert first or seconds > ahead - 0.05
        assert last or seconds > 2 * ahead - 0.05


def test_keys_beyond_the_piano_interrupt_but_are_not_remembered():
    jam = Jam(SETTINGS)
    assert jam.started(5, 80, 1.0) is False
    assert jam.cue(2.0) is None


EVENTS = st.lists(
    st.tuples(st.sampled_from(["start", "end"]), st.integers(60, 63), st.floats(0.0, 2.0)), min_size=1, max_size=40
)


@given(EVENTS)
def test_a_phrase_never_has_two_notes_of_one_pitch_at_once(events):
    phrase, now = Phrase(), 0.0
    for kind, pitch, wait in events:
        now += wait
        if kind == "start":
            phrase.start(pitch, 80, now)
        else:
            phrase.end(pitch, now)
    notes = phrase.notes(-1.0, now)
    assert all(n.offset > n.onset for n in notes)
    for pitch in range(60, 64):
        own = [n for n in notes if n.pitch == pitch]
        assert all(a.offset <= b.onset + SHORTEST for a, b in pairwise(own))


@given(EVENTS, st.floats(0.1, 10.0))
def test_every_turn_is_a_request_that_the_engine_takes(events, wait):
    jam, now = Jam(replace(SETTINGS, options=Options(seed=2**31 - 1))), 10.0
    for kind, pitch, pause in events:
        now += pause
        if kind == "start":
            jam.started(pitch, 80, now)
        else:
            jam.ended(pitch, now)
    turn = jam.cue(now)
    while turn is not None:
        planned(turn.request)
        assert turn.origin + turn.request.regions[0].onset >= now
        jam.wrote(turn, written(turn, 0.1), now)
        jam.finished(turn, now)
        now += wait
        turn = jam.go_on(now) if now < 60.0 else None
