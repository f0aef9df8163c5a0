"""Jobs on the DAW's timeline, as a client sees them: real sockets, a fake engine, a MIDI output that remembers."""

from __future__ import annotations

import time

import mido
import pytest
from support.recorder import RecordingScheduler
from support.running import RunningDaemon
from support.waiting import wait_until

from diffroll_live.files.midi_file import read_smf
from diffroll_live.types import NoteEvent


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """A daemon whose timeline is nobody else's."""
    with RunningDaemon(tmp_path_factory.mktemp("daemon"), scheduler=RecordingScheduler()) as running:
        yield running


@pytest.fixture(scope="module")
def client(daemon):
    """The one client that tells positions."""
    with daemon.udp() as one:
        yield one


def placed(daemon: RunningDaemon, job: str) -> list[NoteEvent]:
    """Every note of a job that waits for the playhead."""
    return [note for owner, notes, _ in tuple(daemon.scheduler.placed) if f"/{job}#" in owner for note in notes]


def test_notes_wait_for_the_playhead_at_the_buffers_origin(daemon, client, make_wav):
    path = make_wav(daemon.folder / "take.wav")
    client.ask("/diffroll/audio/file", "take", str(path), 0.0, 0.0, 12.5, answer="/diffroll/audio/ready")
    client.send("/diffroll/job/new", "wait", "continue", "take")
    client.send("/diffroll/job/set", "wait", "seconds", 2.0)
    client.send("/diffroll/job/set", "wait", "when", "transport")
    client.send("/diffroll/job/set", "wait", "channel", 2)
    client.send("/diffroll/job/run", "wait")
    job = client.collect("wait")
    wait_until(lambda: len(placed(daemon, "wait")) == len(job.notes), "all notes")
    notes = placed(daemon, "wait")
    assert {origin for owner, _, origin in daemon.scheduler.placed if "/wait#" in owner} == {12.5}
    assert [(n.pitch, n.onset) for n in notes] == [(n[2], pytest.approx(n[3])) for n in job.notes]
    assert {note.channel for note in notes} == {1}
    assert not daemon.scheduler.notes_of("wait")
    client.ask("/diffroll/job/cancel", "wait", answer="/diffroll/job/cancelled")
    assert ("cancel", *daemon.scheduler.owners_of("wait")) in daemon.scheduler.calls


def test_notes_decoded_anew_take_the_place_of_those_that_wait(daemon, client):
    client.send("/diffroll/job/new", "anew", "generate", "")
    client.send("/diffroll/job/set", "anew", "when", "transport")
    client.send("/diffroll/job/run", "anew")
    client.collect("anew")
    client.send("/diffroll/job/redecode", "anew", 0.1, 0.03)
    again = client.collect("anew")
    assert again.notes
    wait_until(lambda: [call for call, _ in daemon.scheduler.calls[-2:]] == ["cancel", "place"], "the new notes")
    _, notes, origin = daemon.scheduler.placed[-1]
    assert len(notes) == len(again.notes)
    assert origin == 0.0


def test_the_playheads_course_is_told_to_the_midi_output(daemon, client):
    before = len(daemon.scheduler.playheads)
    client.send("/diffroll/transport", 1, 700.0, 97.0)
    client.send("/diffroll/transport", 0, 701.0, 97.0)
    client.ping()
    told = daemon.scheduler.playheads[before:]
    assert [(playhead.playing, playhead.unwrapped) for playhead in told] == [(True, 700.0), (False, 701.0)]


@pytest.mark.realtime
def test_the_tempo_changes_of_a_jobs_stretch_are_saved(daemon, client):
    path = daemon.folder / "ramp.mid"
    client.send("/diffroll/transport", 0, 0.0, 100.0)
    now = time.monotonic()
    for at, tempo in ((0.0, 100.0), (0.05, 100.0), (0.1, 80.0), (0.15, 60.0), (0.2, 60.0)):
        time.sleep(max(0.0, now + at - time.monotonic()))
        client.send("/diffroll/transport", 1, at, tempo)
    client.send("/diffroll/transport", 0, 0.2, 60.0)
    client.send("/diffroll/job/new", "ramp", "generate", "")
    client.send("/diffroll/job/set", "ramp", "save", str(path))
    client.send("/diffroll/job/run", "ramp")
    client.collect("ramp")
    tempi = [round(mido.tempo2bpm(message.tempo)) for message in mido.MidiFile(path) if message.type == "set_tempo"]
    assert tempi == [100, 80, 60]


def test_the_grid_and_the_scale_shape_what_goes_out_and_nothing_else(daemon, client):
    path = daemon.folder / "shaped.mid"
    client.send("/diffroll/transport", 0, 0.0, 60.0, 0.0)
    client.send("/diffroll/job/new", "shaped", "generate", "")
    client.send("/diffroll/job/set", "shaped", "quantize", "1/16")
    client.send("/diffroll/job/set", "shaped", "scale", "F# major")
    client.send("/diffroll/job/set", "shaped", "save", str(path))
    client.send("/diffroll/job/run", "shaped")
    shaped = client.collect("shaped").notes
    classes = {6, 8, 10, 11, 1, 3, 5}
    for _, _, pitch, onset, *_ in shaped:
        assert pitch % 12 in classes
        assert onset / 0.25 == pytest.approx(round(onset / 0.25), abs=1e-4)
    assert sorted((n.pitch, round(n.onset, 2)) for n in read_smf(path)) == sorted(
        (n[2], round(n[3], 2)) for n in shaped
    )
    wait_until(lambda: len(daemon.scheduler.notes_of("shaped")) == len(shaped), "all notes")
    assert [n.pitch for n in daemon.scheduler.notes_of("shaped")] == [n[2] for n in shaped]
    client.send("/diffroll/job/set", "shaped", "quantize", "off")
    client.send("/diffroll/job/set", "shaped", "scale", "off")
    client.send("/diffroll/job/notes", "shaped")
    plain = client.collect("shaped").notes
    assert [n[0:2] for n in plain] == [n[0:2] for n in shaped]
    assert [n[2] for n in plain] != [n[2] for n in shaped]
