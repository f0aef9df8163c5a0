"""Jobs from the request to the last note: in order, again, cancelled, superseded, queued."""

from __future__ import annotations

import struct
import time

import pytest
from support.running import RunningDaemon
from support.uploads import upload_tone

from diffroll_live.types import NoteEvent


def test_a_whole_job_is_answered_in_order(any_client):
    upload_tone(any_client, seconds=3.0)
    any_client.send("/diffroll/job/new", "whole", "inpaint", "b")
    any_client.send("/diffroll/job/region", "whole", 1.0, 2.0, 48, 72, 1)
    any_client.send("/diffroll/job/note", "whole", 60, 0.25, 0.5, 99)
    any_client.send("/diffroll/job/set", "whole", "steps", 6.0)
    any_client.send("/diffroll/job/set", "whole", "seed", 11)
    any_client.send("/diffroll/job/run", "whole")
    accepted = any_client.expect("/diffroll/job/accepted")
    assert accepted.args == ("whole", 0)
    job = any_client.collect("whole")
    steps = [r.args[1:] for r in job.before if r.address == "/diffroll/job/progress"]
    assert steps == [(step, 6) for step in range(1, 7)]
    assert job.end.args[1:3] == (len(job.notes), 11) == (7, 11)
    assert job.end.args[3] > 0
    assert [n[1] for n in job.notes] == list(range(7))
    assert (60, 0.25, 0.5, 99) in [n[2:6] for n in job.notes]


def test_variations_carry_their_number(client):
    client.send("/diffroll/job/new", "v", "generate", "")
    client.send("/diffroll/job/set", "v", "seconds", 2.0)
    client.send("/diffroll/job/set", "v", "variations", 3)
    client.send("/diffroll/job/run", "v")
    job = client.collect("v")
    assert job.end.args[1] == len(job.notes) == 12
    assert {(n[6], n[1]) for n in job.notes} == {(v, i) for v in range(3) for i in range(4)}


def test_the_same_seed_gives_the_same_notes(client):
    results = []
    for _ in range(2):
        client.send("/diffroll/generate", "same", 4.0)
        results.append(client.collect("same").notes)
    assert results[0] == results[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "count"),
    [
        (("/diffroll/transcribe", "one", "b"), 4),
        (("/diffroll/inpaint", "one", "b", 0.5, 1.0, 40, 60), 4),
        (("/diffroll/continue", "one", "b", 3.0), 4),
        (("/diffroll/generate", "one", 3.0), 6),
    ],
)
def test_one_line_is_enough(any_client, message, count):
    upload_tone(any_client)
    any_client.send(*message)
    assert any_client.collect("one").end.args[1] == count


def test_a_running_job_is_cancelled_within_one_evaluation(client):
    client.send("/diffroll/job/new", "long", "generate", "")
    client.send("/diffroll/job/set", "long", "steps", 1000)
    client.send("/diffroll/job/run", "long")
    client.expect("/diffroll/job/progress")
    client.send("/diffroll/job/cancel", "long")
    assert client.collect("long").end.address == "/diffroll/job/cancelled"
    client.send("/diffroll/generate", "next", 1.0)  # the worker is free again, long before 1000 steps are over
    assert client.collect("next").end.address == "/diffroll/job/done"


@pytest.mark.slow
def test_a_newer_request_supersedes_the_queued_one(client):
    client.send("/diffroll/job/new", "first", "generate", "")
    client.send("/diffroll/job/set", "first", "steps", 20)
    client.send("/diffroll/job/run", "first")
    client.expect("/diffroll/job/progress")
    client.send("/diffroll/generate", "second", 1.0)
    client.send("/diffroll/generate", "third", 1.0)
    assert client.expect("/diffroll/job/cancelled").args == ("second",)
    assert client.expect("/diffroll/job/accepted").args == ("third", 1)
    client.until("/diffroll/job/done")
    assert client.collect("third").end.address == "/diffroll/job/done"


def test_running_a_job_again_ends_the_run_before(client):
    client.send("/diffroll/job/new", "again", "generate", "")
    client.send("/diffroll/job/set", "again", "steps", 500)
    client.send("/diffroll/job/run", "again")
    client.expect("/diffroll/job/progress")
    client.send("/diffroll/job/set", "again", "steps", 2)
    client.send("/diffroll/job/run", "again")
    assert client.expect("/diffroll/job/cancelled").args == ("again",)
    client.expect("/diffroll/job/accepted")
    job = client.collect("again")
    assert {r.args[2] for r in job.before if r.address == "/diffroll/job/progress"} == {2}


def test_a_full_queue_says_so_at_once(tmp_path):
    with RunningDaemon(tmp_path, queue_size=1) as daemon, daemon.udp() as a, daemon.udp() as b, daemon.udp() as c:
        a.send("/diffroll/job/new", "a", "generate", "")
        a.send("/diffroll/job/set", "a", "steps", 1000)
        a.send("/diffroll/job/run", "a")
        a.expect("/diffroll/job/progress")
        b.ask("/diffroll/generate", "b", 1.0, answer="/diffroll/job/accepted")
        assert c.ask_wrongly("/diffroll/generate", "c", 1.0).args[:2] == ("c", "busy")
        a.send("/diffroll/job/cancel", "a")
        assert b.collect("b").end.address == "/diffroll/job/done"
        c.send("/diffroll/job/run", "c")
        assert c.collect("c").end.address == "/diffroll/job/done"


def test_redecoding_gives_fewer_notes_without_sampling(client):
    client.send("/diffroll/generate", "r", 4.0)
    before = client.collect("r")
    client.send("/diffroll/job/redecode", "r", 4.5 / 127, 0.05)
    after = client.collect("r")
    assert [r.address for r in after.before].count("/diffroll/job/progress") == 0
    assert [n[2:] for n in after.notes] == [n[2:] for n in before.notes if n[5] > 4]
    assert after.end.args[1] == len(after.notes) == 4


def test_notes_can_be_had_again(client):
    client.send("/diffroll/generate", "n", 4.0)
    first = client.collect("n").notes
    client.send("/diffroll/job/notes", "n")
    assert client.collect("n").notes == first


@pytest.mark.slow
def test_many_notes_survive_a_client_that_looks_every_100_ms(daemon):
    with daemon.udp(receive_buffer=106_496) as client:  # the kernel doubles it: 212,992 is the usual default
        client.send("/diffroll/job/new", "many", "generate", "")
        client.send("/diffroll/job/set", "many", "seconds", 600.0)
        client.send("/diffroll/job/set", "many", "density", 4.0)
        client.send("/diffroll/job/run", "many")
        count, done = 0, None
        while done is None:
            time.sleep(0.1)
            while (reply := client.next(0.001)) is not None:
                count += reply.address == "/diffroll/note"
                done = reply if reply.address == "/diffroll/job/done" else done
                assert reply.size <= 1024
        assert count == done.args[1] == 1200


def test_known_notes_come_back_byte_for_byte(client):
    notes = [
        NoteEvent(t, t + d, p, v) for t, d, p, v in [(8.1, 0.3, 21, 1), (8.001, 7.77, 108, 127), (15.5, 1e-2, 60, 64)]
    ]
    client.send("/diffroll/job/new", "known", "generate", "")  # of 8 s, after which nothing is written
    for note in notes:
        client.send("/diffroll/job/note", "known", note.pitch, note.onset, note.duration, note.velocity)
    client.send("/diffroll/job/run", "known")
    back = {n[2:6] for n in client.collect("known").notes}
    wire = {(n.pitch, *struct.unpack(">2f", struct.pack(">2f", n.onset, n.duration)), n.velocity) for n in notes}
    assert wire <= back
