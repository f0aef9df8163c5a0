"""The balance of a long run: every note that begins must end, and it is told when one does not."""

from __future__ import annotations

import json
from collections import Counter

from diffroll_live.bench.note_balance import Balance, GrowingCount, NoteBalance


def on(pitch: int, velocity: int = 80, channel: int = 0) -> bytes:
    return bytes((0x90 | channel, pitch, velocity))


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes((0x80 | channel, pitch, 0))


def test_notes_that_begin_and_end_are_even():
    balance = Balance(notes=NoteBalance(), memory=[1.0])
    balance.notes.update([on(60), on(64), off(60), on(64, 0), on(60, channel=3), bytes((0xB3, 123, 0))])
    assert (balance.notes.on, balance.notes.off, balance.notes.hanging) == (3, 3, 0)
    assert balance.is_even


def test_a_note_that_hangs_is_seen():
    balance = Balance(memory=[1.0])
    balance.notes.update([on(60)])
    assert balance.notes.hanging == 1
    assert not balance.is_even
    assert "NOT EVEN" in "".join(balance.lines())


def test_a_note_that_sounds_twice_at_once_is_seen():
    balance = Balance(memory=[1.0])
    balance.notes.update([on(60), on(60), off(60)])
    assert balance.notes.doubled == 1
    assert not balance.is_even


def test_what_sounds_when_the_port_is_lost_ends_with_it():
    balance = Balance(memory=[1.0])
    balance.notes.update([on(60), on(61), off(61)])
    balance.notes.lose_port()
    assert balance.notes.lost == 1
    assert balance.is_even


def test_growth_is_told_without_processes_that_come_and_go():
    assert Balance(memory=[100.0, 900.0, 900.0, 0.0, 0.0, 0.0, 900.0, 130.0, 900.0]).growth == 30.0


def test_counts_that_are_told_again_are_added_once_and_may_begin_anew():
    tally = GrowingCount()
    assert [tally.update("a", count) for count in (3, 3, 5)] == [3, 0, 2]
    assert tally.update("b", 2) == 2
    assert tally.update("a", 1) == 1
    assert tally.total == 8


def test_what_a_daemon_must_not_do_is_said():
    assert Balance(memory=[100.0] * 40, kills=2, recoveries=[3.0, 9.9]).faults == ()
    assert "stood" in Balance(memory=[1.0]).lines()
    slow = Balance(memory=[1.0], kills=3, recoveries=[10.1, 2.0], unanswered={"job-7"})
    assert slow.faults == (
        "1 jobs or buffers were never answered",
        "1 times the inference process was not back within 10 s",
        "1 times the inference process did not come back",
    )
    assert Balance(memory=[*[100.0] * 20, *[106.0] * 20]).faults == ("memory has grown by 6 MB",)
    assert Balance(memory=[100.0, 200.0]).faults == ()  # too short to tell


def test_the_balance_is_a_json_document():
    balance = Balance(memory=[1.0], done=Counter(job=3), replies=Counter({"error busy": 1}), unanswered={"b", "a"})
    balance.notes.update([on(60)])
    kept = json.loads(json.dumps(balance.document()))
    assert kept["done"] == {"job": 3}
    assert kept["replies"] == {"error busy": 1}
    assert kept["unanswered"] == ["a", "b"]
    assert kept["notes"] == {"on": 1, "off": 0, "lost": 0, "doubled": 0, "unasked": 0}
    assert kept["faults"] == ["notes do not come out even", "2 jobs or buffers were never answered"]
