"""Live estimates to notes in lanes: reported once, never overlapping, never left open, whatever the estimates are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffroll_live.live_types import LaneNote, LiveEstimate, OnsetCandidate, SoundingSpan
from diffroll_live.server.live import note_tracker as live_notes
from diffroll_live.server.live.note_tracker import GRACE, LONGEST, REVISE_AGE, SHORTEST, NoteTracker

HOP = 0.064
LATENCY = 0.15  # s from the edge back to what is due
TOLD = 1.0  # s that an estimate reaches back
SLACK = 1e-9


@dataclass(frozen=True)
class Played:
    """A note of a player, and when the model begins to believe in it and ceases to."""

    pitch: int
    onset: float
    offset: float
    seen: float = 0.0  # s after the onset
    lost: float = 1e9


def estimate(edge: float, played: list[Played]) -> LiveEstimate:
    since = edge - TOLD
    strikes = [
        OnsetCandidate(p.pitch, p.onset, 80, 0.9)
        for p in played
        if since < p.onset and p.seen <= edge - p.onset < p.lost
    ]
    stretches = [
        SoundingSpan(p.pitch, max(p.onset, since), None if p.offset > edge else p.offset)
        for p in played
        if p.onset < edge and p.offset > since
    ]
    by_time = (sorted(strikes, key=lambda s: s.onset), sorted(stretches, key=lambda s: s.begin))
    return LiveEstimate(since, edge, 0.5, tuple(by_time[0]), tuple(by_time[1]))


def hear(played: list[Played], seconds: float = 4.0) -> list[LaneNote]:
    notes, told = NoteTracker(), []
    for hop in range(1, round(seconds / HOP)):
        told += notes.update(estimate(hop * HOP, played), hop * HOP - LATENCY)
    return [*told, *notes.finish(seconds)]


def lane(told: list[LaneNote], name: str) -> list[LaneNote]:
    return [note for note in told if note.lane == name]


def test_a_note_is_previewed_committed_ended_and_revised() -> None:
    told = hear([Played(60, 1.0, 1.5)])
    assert [(n.lane, n.index, n.onset, n.offset) for n in told] == [
        ("preview", 0, 1.0, None),
        ("commit", 0, 1.0, None),
        ("commit", 0, 1.0, 1.5),
        ("revise", 0, 1.0, 1.5),
    ]


def test_a_restrike_ends_the_note_before_and_a_held_note_is_struck_once() -> None:
    told = hear([Played(60, 0.5, 1.0), Played(60, 1.0, 1.2), Played(64, 0.5, 3.5)])
    ends = {(n.pitch, n.onset, n.offset) for n in lane(told, "commit") if n.offset is not None}
    assert ends == {(60, 0.5, 1.0), (60, 1.0, 1.2), (64, 0.5, 3.5)}
    assert len({n.index for n in told}) == 3


def test_a_note_that_is_believed_in_late_sounds_late_or_is_only_revised_in() -> None:
    late = hear([Played(60, 1.0, 2.0, seen=LATENCY + 0.01)])
    assert [n.lane for n in late] == ["preview", "commit", "commit", "revise"]
    missed = hear([Played(60, 1.0, 2.0, seen=LATENCY + GRACE + 2 * HOP)])
    assert [(n.lane, n.onset, n.offset) for n in missed] == [("revise", 1.0, 2.0)]


def test_a_preview_that_comes_to_nothing_is_taken_back() -> None:
    told = hear([Played(60, 1.0, 1.02, lost=HOP)])
    assert [(n.lane, n.velocity) for n in told] == [("preview", 80), ("preview", 0)]


def test_a_committed_note_that_was_none_is_taken_back_in_the_revision() -> None:
    told = hear([Played(60, 1.0, 1.3, lost=0.4)])
    assert [(n.lane, n.velocity > 0) for n in told] == [
        ("preview", True),
        ("commit", True),
        ("commit", True),
        ("revise", False),
    ]


def test_no_note_is_longer_than_a_string_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_notes, "LONGEST", 2.0)
    told = hear([Played(60, 1.0, 1e9)], seconds=6.0)
    committed, ended = lane(told, "commit")
    assert ended.offset is not None
    assert 2.0 < ended.offset - committed.onset < 2.0 + 2 * HOP
    assert LONGEST > 30.0


def test_finish_ends_what_sounds_and_the_next_hop_begins_anew() -> None:
    notes = NoteTracker()
    for hop in range(1, 20):
        notes.update(estimate(hop * HOP, [Played(60, 0.5, 9.0)]), hop * HOP - LATENCY)
    ended = notes.finish(1.2)
    assert [(n.lane, n.offset) for n in ended] == [("commit", 1.2), ("revise", 1.2)]
    assert notes.finish(1.2) == ()
    told = notes.update(estimate(20 * HOP, [Played(60, 1.25, 9.0)]), 1.25)
    assert [(n.lane, n.index) for n in told] == [("preview", 1), ("commit", 1)]


# Whatever is believed

STRIKES = st.builds(OnsetCandidate, st.integers(60, 61), st.floats(-1.0, 0.0), st.integers(1, 127), st.floats(0.3, 1.0))
STRETCHES = st.builds(
    lambda pitch, begin, length: (pitch, begin, length),
    st.integers(60, 61),
    st.floats(-1.0, 0.0),
    st.floats(0.0, 1.2),
)
HOPS = st.tuples(st.lists(STRIKES, max_size=6), st.lists(STRETCHES, max_size=4), st.floats(0.05, 0.7))


def random_estimate(
    edge: float, strikes: list[OnsetCandidate], stretches: list[tuple[int, float, float]]
) -> LiveEstimate:
    struck = [OnsetCandidate(s.pitch, edge + s.onset, s.velocity, s.probability) for s in strikes]
    sounding = [
        SoundingSpan(pitch, edge + begin, None if begin + length > 0 else edge + begin + length)
        for pitch, begin, length in stretches
    ]
    return LiveEstimate(
        edge - TOLD,
        edge,
        0.5,
        tuple(sorted(struck, key=lambda s: s.onset)),
        tuple(sorted(sounding, key=lambda s: s.begin)),
    )


@settings(max_examples=80, deadline=None)
@given(st.lists(HOPS, max_size=40), st.integers(0, 3))
def test_lanes_are_in_order_whatever_is_estimated(hops: list, finish_every: int) -> None:
    notes, told, edge = NoteTracker(), [], 0.0
    for number, (strikes, stretches, latency) in enumerate(hops, 1):
        edge += HOP * (1 + number % 3)
        told += notes.update(random_estimate(edge, strikes, stretches), edge - latency)
        if finish_every and number % (7 * finish_every) == 0:
            told += notes.finish(edge)
    told += notes.finish(edge)
    check(told)


def check(told: list[LaneNote]) -> None:
    """Each index goes through its lanes once, and no two notes of a pitch overlap in one."""
    of_index: dict[int, list[LaneNote]] = defaultdict(list)
    for note in told:
        of_index[note.index].append(note)
    for several in of_index.values():
        stages = [(n.lane, n.offset is not None, n.velocity > 0) for n in several]
        assert len(set(stages)) == len(stages), "told twice"
        assert stages == sorted(stages, key=lambda s: ORDER[s])
        started = ("commit", False, True) in stages
        taken_back = any(n.velocity == 0 for n in several)
        assert started == (("commit", True, True) in stages) or (started and taken_back), "left open"
        final = several[-1]
        assert final.velocity == 0 or final.lane == "revise"
    for name in ("commit", "revise"):
        until: dict[int, float] = defaultdict(lambda: -1e9)
        for note in told:
            if note.lane == name and note.offset is not None and note.velocity:
                assert note.onset >= until[note.pitch] - SLACK
                assert note.offset >= note.onset + SHORTEST - SLACK
                until[note.pitch] = note.offset


ORDER = {
    ("preview", False, True): 0,
    ("preview", False, False): 3,
    ("commit", False, True): 1,
    ("commit", True, True): 2,
    ("revise", True, True): 3,
    ("revise", False, False): 3,
    ("revise", True, False): 3,
}
assert REVISE_AGE < TOLD
