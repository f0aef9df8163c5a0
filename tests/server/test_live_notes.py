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
REACH = 1.0  # s that an estimate reaches back
SLACK = 1e-9


@dataclass(frozen=True)
class Played:
    """A note of a player, and when the model finds it and loses it again."""

    pitch: int
    onset: float
    offset: float
    seen: float = 0.0  # s after the onset
    lost: float = 1e9


def estimate(edge: float, played: list[Played]) -> LiveEstimate:
    since = edge - REACH
    candidates = [
        OnsetCandidate(p.pitch, p.onset, 80, 0.9)
        for p in played
        if since < p.onset and p.seen <= edge - p.onset < p.lost
    ]
    spans = [
        SoundingSpan(p.pitch, max(p.onset, since), None if p.offset > edge else p.offset)
        for p in played
        if p.onset < edge and p.offset > since
    ]
    by_time = (sorted(candidates, key=lambda s: s.onset), sorted(spans, key=lambda s: s.begin))
    return LiveEstimate(since, edge, 0.5, tuple(by_time[0]), tuple(by_time[1]))


def track(played: list[Played], seconds: float = 4.0) -> list[LaneNote]:
    notes, sent = NoteTracker(), []
    for hop in range(1, round(seconds / HOP)):
        sent += notes.update(estimate(hop * HOP, played), hop * HOP - LATENCY)
    return [*sent, *notes.finish(seconds)]


def lane(sent: list[LaneNote], name: str) -> list[LaneNote]:
    return [note for note in sent if note.lane == name]


def test_a_note_is_previewed_committed_ended_and_revised() -> None:
    sent = track([Played(60, 1.0, 1.5)])
    assert [(n.lane, n.index, n.onset, n.offset) for n in sent] == [
        ("preview", 0, 1.0, None),
        ("commit", 0, 1.0, None),
        ("commit", 0, 1.0, 1.5),
        ("revise", 0, 1.0, 1.5),
    ]


def test_a_restrike_ends_the_note_before_and_a_held_note_begins_once() -> None:
    sent = track([Played(60, 0.5, 1.0), Played(60, 1.0, 1.2), Played(64, 0.5, 3.5)])
    ends = {(n.pitch, n.onset, n.offset) for n in lane(sent, "commit") if n.offset is not None}
    assert ends == {(60, 0.5, 1.0), (60, 1.0, 1.2), (64, 0.5, 3.5)}
    assert len({n.index for n in sent}) == 3


def test_a_note_that_is_found_late_sounds_late_or_is_only_in_the_revision() -> None:
    late = track([Played(60, 1.0, 2.0, seen=LATENCY + 0.01)])
    assert [n.lane for n in late] == ["preview", "commit", "commit", "revise"]
    missed = track([Played(60, 1.0, 2.0, seen=LATENCY + GRACE + 2 * HOP)])
    assert [(n.lane, n.onset, n.offset) for n in missed] == [("revise", 1.0, 2.0)]


def test_a_preview_that_comes_to_nothing_is_taken_back() -> None:
    sent = track([Played(60, 1.0, 1.02, lost=HOP)])
    assert [(n.lane, n.velocity) for n in sent] == [("preview", 80), ("preview", 0)]


def test_a_committed_note_that_was_none_is_taken_back_in_the_revision() -> None:
    sent = track([Played(60, 1.0, 1.3, lost=0.4)])
    assert [(n.lane, n.velocity > 0) for n in sent] == [
        ("preview", True),
        ("commit", True),
        ("commit", True),
        ("revise", False),
    ]


def test_no_note_is_longer_than_a_string_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_notes, "LONGEST", 2.0)
    sent = track([Played(60, 1.0, 1e9)], seconds=6.0)
    committed, ended = lane(sent, "commit")
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
    sent = notes.update(estimate(20 * HOP, [Played(60, 1.25, 9.0)]), 1.25)
    assert [(n.lane, n.index) for n in sent] == [("preview", 1), ("commit", 1)]


# Whatever is estimated

CANDIDATES = st.builds(
    OnsetCandidate, st.integers(60, 61), st.floats(-1.0, 0.0), st.integers(1, 127), st.floats(0.3, 1.0)
)
SPANS = st.builds(
    lambda pitch, begin, length: (pitch, begin, length),
    st.integers(60, 61),
    st.floats(-1.0, 0.0),
    st.floats(0.0, 1.2),
)
HOPS = st.tuples(st.lists(CANDIDATES, max_size=6), st.lists(SPANS, max_size=4), st.floats(0.05, 0.7))


def random_estimate(
    edge: float, candidates: list[OnsetCandidate], spans: list[tuple[int, float, float]]
) -> LiveEstimate:
    onsets = [OnsetCandidate(s.pitch, edge + s.onset, s.velocity, s.probability) for s in candidates]
    sounding = [
        SoundingSpan(pitch, edge + begin, None if begin + length > 0 else edge + begin + length)
        for pitch, begin, length in spans
    ]
    return LiveEstimate(
        edge - REACH,
        edge,
        0.5,
        tuple(sorted(onsets, key=lambda s: s.onset)),
        tuple(sorted(sounding, key=lambda s: s.begin)),
    )


def test_a_note_that_a_late_onset_ends_is_ended_in_time_too() -> None:
    notes, sent = NoteTracker(), []
    for edge, onset in ((0.128, -0.872), (0.32, -0.68)):  # the second is detected too late to sound
        hop = LiveEstimate(
            edge - REACH, edge, 0.5, (OnsetCandidate(60, onset, 80, 1.0),), (SoundingSpan(60, onset, edge),)
        )
        sent += notes.update(hop, edge - 0.5)
    ended = [note for note in lane(sent, "commit") if note.offset is not None]
    assert [(note.index, note.offset) for note in ended] == [(0, pytest.approx(-0.68))]
    check([*sent, *notes.finish(0.32)])


@pytest.mark.slow
@settings(max_examples=80)
@given(st.lists(HOPS, max_size=40), st.integers(0, 3))
def test_lanes_are_in_order_whatever_is_estimated(hops: list, finish_every: int) -> None:
    notes, sent, edge = NoteTracker(), [], 0.0
    for number, (candidates, spans, latency) in enumerate(hops, 1):
        edge += HOP * (1 + number % 3)
        sent += notes.update(random_estimate(edge, candidates, spans), edge - latency)
        if finish_every and number % (7 * finish_every) == 0:
            sent += notes.finish(edge)
    sent += notes.finish(edge)
    check(sent)


def check(sent: list[LaneNote]) -> None:
    """Each index goes through its lanes once, and no two notes of a pitch overlap in one."""
    of_index: dict[int, list[LaneNote]] = defaultdict(list)
    for note in sent:
        of_index[note.index].append(note)
    for several in of_index.values():
        stages = [(n.lane, n.offset is not None, n.velocity > 0) for n in several]
        assert len(set(stages)) == len(stages), "sent twice"
        assert stages == sorted(stages, key=lambda s: ORDER[s])
        started = ("commit", False, True) in stages
        taken_back = any(n.velocity == 0 for n in several)
        assert started == (("commit", True, True) in stages) or (started and taken_back), "left open"
        final = several[-1]
        assert final.velocity == 0 or final.lane == "revise"
    for name in ("commit", "revise"):
        until: dict[int, float] = defaultdict(lambda: -1e9)
        for note in sent:
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
assert REVISE_AGE < REACH
