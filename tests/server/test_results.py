"""Results that no model computed: notes that stay, or finish a job, go into a file, or go back to another client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.osc_client import OscClient
from support.running import RunningDaemon
from support.uploads import upload_tone
from support.waiting import wait_until

from diffroll_live.files.midi_file import read_smf, write_smf
from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.types import NoteEvent

NOTES = ((60, 0.5, 0.25, 80), (64, 1.0, 0.5, 70))


@pytest.fixture
def other(daemon: RunningDaemon) -> Iterator[OscClient]:
    with daemon.tcp() as one:
        yield one


def give(client: OscClient, job: str, notes=NOTES, **settings: str) -> None:
    client.send("/diffroll/job/new", job, "generate", "")
    for note in notes:
        client.send("/diffroll/job/note", job, *note)
    for key, value in settings.items():
        client.send("/diffroll/job/set", job, key, value)


def rows(notes) -> list[tuple]:
    return [note[2:6] for note in notes]


def key_of(watcher: OscClient, name: str) -> str:
    watcher.send("/diffroll/watch", 1)
    while (seen := watcher.expect("/diffroll/watch/client")).args[1] != name:
        pass
    watcher.send("/diffroll/watch", 0)
    return str(seen.args[0])


def test_a_locked_note_stays_inside_a_region_and_another_is_replaced(client):
    upload_tone(client, "take", seconds=4.0)
    client.send("/diffroll/job/new", "fill", "inpaint", "take")
    client.send("/diffroll/job/region", "fill", 1.0, 3.0)
    client.send("/diffroll/job/note", "fill", 100, 1.5, 0.25, 99, 1)
    client.send("/diffroll/job/note", "fill", 101, 1.5, 0.25, 99)
    client.send("/diffroll/job/note", "fill", 102, 3.5, 0.25, 99)
    client.send("/diffroll/job/run", "fill")
    found = rows(client.collect("fill").notes)
    assert (100, 1.5, 0.25, 99) in found
    assert (102, 3.5, 0.25, 99) in found
    assert 101 not in {note[0] for note in found}


def test_a_job_is_finished_with_the_notes_that_it_was_given(client):
    give(client, "mine")
    client.send("/diffroll/job/note", "mine", 67, 0.0, 0.25, 90, 1)
    client.send("/diffroll/job/finish", "mine")
    collected = client.collect("mine")
    assert rows(collected.notes) == [(67, 0.0, 0.25, 90), *NOTES]
    assert collected.end.args[1] == 3
    client.send("/diffroll/job/notes", "mine")
    assert rows(client.collect("mine").notes) == rows(collected.notes)


def test_finished_notes_are_played_like_those_of_a_model(daemon, client):
    give(client, "aloud", deliver="midi")
    client.send("/diffroll/job/finish", "aloud")
    assert client.collect("aloud").notes == []
    played = [notes for owner, notes, _ in daemon.scheduler.played if "/aloud#" in owner and notes]
    assert [[note.pitch for note in notes] for notes in played] == [[60, 64]]


def test_a_variation_is_saved_with_the_bars_of_its_job(daemon, client, tmp_path):
    path = daemon.folder / "saved.mid"
    give(client, "mine")
    client.send("/diffroll/job/tempo", "mine", 0.0, 90.0, 3, 4)
    client.send("/diffroll/job/finish", "mine")
    client.collect("mine")
    client.send("/diffroll/job/save", "mine", str(path))
    assert client.expect("/diffroll/job/saved").args == ("mine", str(path))
    write_smf(
        tmp_path / "same.mid",
        [NoteEvent(t, t + duration, pitch, velocity) for pitch, t, duration, velocity in NOTES],
        steady_meter(90.0, (3, 4)),
    )
    assert path.read_bytes() == (tmp_path / "same.mid").read_bytes()


@pytest.mark.parametrize(
    ("path", "variation", "code"),
    [("/etc/passwd.mid", 0, "file-refused"), ("other.mid", 0, "file-refused"), ("FOLDER/a.mid", 7, "bad-option")],
)
def test_what_cannot_be_saved_is_said(daemon, client, path, variation, code):
    give(client, "mine")
    client.send("/diffroll/job/finish", "mine")
    client.collect("mine")
    where = path.replace("FOLDER", str(daemon.folder))
    assert client.ask_wrongly("/diffroll/job/save", "mine", where, variation).args[1] == code
    assert not Path(where).is_file()


def test_the_bars_of_a_finished_job_are_told(client):
    give(client, "mine")
    client.send("/diffroll/job/tempo", "mine", 0.0, 90.0, 3, 4)
    client.send("/diffroll/job/tempo", "mine", 2.0, 120.0, 4, 4)
    client.send("/diffroll/job/finish", "mine")
    client.collect("mine")
    client.send("/diffroll/job/grid/changes", "mine")
    first, second = client.expect("/diffroll/job/grid/change"), client.expect("/diffroll/job/grid/change")
    assert first.args == ("mine", 0, 2, 0.0, pytest.approx(90.0), 3, 4, 0.0)
    assert second.args == ("mine", 1, 2, 2.0, pytest.approx(120.0), 4, 4, pytest.approx(3.0))


@pytest.mark.slow
def test_a_result_goes_back_the_way_its_client_wanted(daemon, client, other):
    other.send("/diffroll/hello", "the asker")
    path = daemon.folder / "back.mid"
    give(other, "theirs", ((50, 0.0, 1.0, 60),), save=str(path), deliver="both")
    other.send("/diffroll/job/finish", "theirs")
    other.collect("theirs")
    give(client, "mine")
    client.send("/diffroll/job/finish", "mine")
    client.collect("mine")
    client.send("/diffroll/job/return", "mine", key_of(client, "the asker"), "theirs")
    back = other.collect("theirs")
    assert rows(back.notes) == [*NOTES]
    assert back.end.args[:2] == ("theirs", 2)
    assert [note.pitch for note in read_smf(path)] == [60, 64]
    played = [notes for owner, notes, _ in daemon.scheduler.played if "/theirs#" in owner and notes]
    assert [note.pitch for note in played[-1]] == [60, 64]


@pytest.mark.slow
def test_what_cannot_go_back_is_said(client, other):
    give(client, "mine")
    assert client.ask_wrongly("/diffroll/job/return", "mine", "nobody", "x").args[1] == "unknown-job"
    client.send("/diffroll/job/finish", "mine")
    client.collect("mine")
    assert client.ask_wrongly("/diffroll/job/return", "mine", "nobody", "x").args[1] == "bad-option"
    other.send("/diffroll/hello", "empty-handed")
    key = key_of(client, "empty-handed")
    assert client.ask_wrongly("/diffroll/job/return", "mine", key, "x").args[1] == "unknown-job"


def test_a_job_that_runs_is_neither_finished_nor_replaced(client):
    client.send("/diffroll/job/new", "long", "generate", "")
    client.send("/diffroll/job/set", "long", "steps", 100)
    client.send("/diffroll/job/run", "long")
    client.expect("/diffroll/job/progress")
    assert client.ask_wrongly("/diffroll/job/finish", "long").args[1] == "bad-option"
    client.send("/diffroll/job/cancel", "long")
    client.collect("long")
    wait_until(lambda: client.ask("/diffroll/status", answer="/diffroll/status").args[0] == "ready", "the work to end")
