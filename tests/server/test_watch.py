"""A client that watches learns what the others do, as it happens, and may copy it; one that does not learns nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.osc_client import OscClient, Reply
from support.running import RunningDaemon
from support.uploads import upload_tone


@pytest.fixture
def other(daemon: RunningDaemon) -> Iterator[OscClient]:
    with daemon.tcp() as one:
        yield one


def seen(watcher: OscClient, address: str, wanted: Callable[[tuple], bool]) -> Reply:
    """Read up to the report that is wanted."""
    while True:
        reply = watcher.expect(address)
        if wanted(reply.args):
            return reply


def key_of(watcher: OscClient, name: str) -> str:
    return str(seen(watcher, "/diffroll/watch/client", lambda args: args[1] == name and args[2] == 1).args[0])


@pytest.mark.slow
def test_a_job_of_another_client_appears_by_itself(client, other):
    client.send("/diffroll/watch")
    other.send("/diffroll/hello", "a DAW")
    key = key_of(client, "a DAW")
    upload_tone(other, "take")
    assert seen(client, "/diffroll/watch/buffer", lambda args: args[2] == "ready").args == (key, "take", "ready", 2.0)
    other.send("/diffroll/transcribe", "mine", "take")
    done = seen(client, "/diffroll/watch/job", lambda args: args[4] == "done")
    assert done.args == (key, "mine", "transcribe", "take", "done", 1.0, 4, 0)


@pytest.mark.slow
def test_its_errors_and_its_end_appear_too(client, other):
    client.send("/diffroll/watch")
    other.send("/diffroll/hello", "clumsy")
    key = key_of(client, "clumsy")
    other.send("/diffroll/job/run", "nothing")
    assert seen(client, "/diffroll/watch/error", lambda args: args[0] == key).args[1:3] == ("nothing", "unknown-job")
    other.close()
    assert seen(client, "/diffroll/watch/client", lambda args: args[2] == 0).args[0] == key


@pytest.mark.slow
def test_copies_are_the_watchers_own(client, other):
    client.send("/diffroll/watch")
    other.send("/diffroll/hello", "generous")
    key = key_of(client, "generous")
    upload_tone(other, "take")
    other.send("/diffroll/transcribe", "theirs", "take")
    notes = other.collect("theirs").notes
    client.send("/diffroll/audio/copy", "ours", key, "take")
    assert client.expect("/diffroll/audio/ready").args == ("ours", 2.0, 16_000)
    client.send("/diffroll/job/copy", "ours", key, "theirs")
    copied = client.collect("ours").notes
    assert [note[1:] for note in copied] == [note[1:] for note in notes]
    client.send("/diffroll/job/redecode", "ours", 0.99, 0.0)
    assert len(client.collect("ours").notes) < len(notes)
    other.send("/diffroll/job/notes", "theirs")
    assert other.collect("theirs").notes == notes


@pytest.mark.slow
def test_a_job_that_runs_is_followed_from_its_first_note_to_its_end(client, other):
    client.send("/diffroll/watch")
    other.send("/diffroll/hello", "in a hurry")
    key = key_of(client, "in a hurry")
    other.send("/diffroll/generate", "before", 1.0)
    other.send("/diffroll/job/new", "next", "generate", "")
    other.send("/diffroll/job/set", "next", "deliver", "midi")
    other.send("/diffroll/job/set", "next", "steps", 50)
    other.send("/diffroll/job/run", "next")
    seen(client, "/diffroll/watch/job", lambda args: args[1] == "next" and args[4] in {"queued", "running"})
    client.send("/diffroll/job/copy", "ours", key, "next")
    followed = client.collect("ours")
    assert followed.end.address == "/diffroll/job/done"
    assert len(followed.notes) == followed.end.args[1] > 0
    assert [reply.args[0] for reply in followed.before if reply.address == "/diffroll/job/progress"][-1] == "ours"
    client.send("/diffroll/job/redecode", "ours", 0.01, 0.0)
    assert client.collect("ours").notes  # though its own client wanted none over OSC


@pytest.mark.slow
def test_whoever_follows_a_job_learns_that_it_was_cancelled_and_may_leave(client, other):
    client.send("/diffroll/watch")
    other.send("/diffroll/hello", "undecided")
    key = key_of(client, "undecided")
    other.send("/diffroll/job/new", "long", "generate", "")
    other.send("/diffroll/job/set", "long", "steps", 500)
    other.send("/diffroll/job/run", "long")
    seen(client, "/diffroll/watch/job", lambda args: args[1] == "long" and args[4] == "running")
    client.send("/diffroll/job/copy", "left", key, "long")
    client.send("/diffroll/job/copy", "kept", key, "long")
    client.send("/diffroll/job/cancel", "left")
    assert client.expect("/diffroll/job/cancelled").args == ("left",)
    other.send("/diffroll/job/cancel", "long")
    assert client.expect("/diffroll/job/cancelled").args == ("kept",)


def test_what_is_not_there_cannot_be_copied(client, other):
    other.send("/diffroll/generate", "running", 1.0)
    assert client.ask_wrongly("/diffroll/audio/copy", "b", "nobody", "b").args[1] == "bad-option"
    assert client.ask_wrongly("/diffroll/job/copy", "j", "nobody", "j").args[1] == "bad-option"


def test_the_transport_is_reported_as_it_is_followed(tmp_path):
    with RunningDaemon(tmp_path) as daemon, daemon.udp() as client, daemon.tcp() as other:
        client.send("/diffroll/watch")
        assert client.expect("/diffroll/watch/transport").args[-1] == 0  # nobody has told of one yet
        other.send("/diffroll/transport", 0, 12.5, 90.0, 0.0, 3, 4)
        seen(client, "/diffroll/watch/transport", lambda args: args == ("osc", 0, 12.5, 90.0, 3, 4, 1))


@pytest.mark.slow
def test_whoever_stops_watching_hears_no_more(client, other):
    client.send("/diffroll/watch", 1)
    client.expect("/diffroll/watch/transport")
    client.send("/diffroll/watch", 0)
    client.ping()
    other.send("/diffroll/watch")
    other.expect("/diffroll/watch/client")
    client.send("/diffroll/ping", 1)
    _, before = client.until("/diffroll/pong")
    assert before == []
