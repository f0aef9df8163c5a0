"""Where the notes of a job go: the MIDI thread, files with the DAW's tempo, or OSC alone."""

from __future__ import annotations

import mido
import pytest
from support.fake_engine import GLIDE, PEDAL
from support.recorder import RecordingScheduler
from support.running import RunningDaemon

from diffroll_live.files.midi_file import read_score, read_smf
from diffroll_live.midi.bend import BEND
from diffroll_live.midi.pedal import PEDAL as KEY


def handed_over(client):
    """Wait until all notes so far are with the MIDI thread: a panic is answered after what was asked before it."""
    client.send("/diffroll/panic")
    client.until("/diffroll/panicked")


def test_notes_go_to_midi_on_one_axis(daemon, client):
    client.send("/diffroll/job/new", "midi", "generate", "")
    client.send("/diffroll/job/set", "midi", "deliver", "both")
    client.send("/diffroll/job/set", "midi", "channel", 3)
    client.send("/diffroll/job/set", "midi", "variations", 2)
    client.send("/diffroll/job/run", "midi")
    job = client.collect("midi")
    handed_over(client)
    owners = daemon.scheduler.owners_of("midi")
    assert len(owners) == 1
    played = daemon.scheduler.notes_of("midi")
    assert [(n.pitch, n.onset) for n in played] == [(n[2], n[3]) for n in job.notes if n[6] == 0]
    assert {n.channel for n in played} == {2}
    starts = {start for owner, _, start in daemon.scheduler.played if owner in owners}
    assert len(starts) == 1


@pytest.mark.parametrize(("key", "value"), [("deliver", "osc"), ("when", "never")])
def test_midi_stays_silent_when_told_so(daemon, client, key, value):
    name = f"quiet-{value}"
    client.send("/diffroll/job/new", name, "generate", "")
    client.send("/diffroll/job/set", name, key, value)
    client.send("/diffroll/job/run", name)
    assert client.collect(name).notes
    handed_over(client)
    assert not daemon.scheduler.notes_of(name)
    client.send("/diffroll/job/play", name)
    handed_over(client)
    assert daemon.scheduler.notes_of(name)


def test_midi_only_sends_no_notes_over_osc_but_counts_them(daemon, client):
    client.send("/diffroll/job/new", "only", "generate", "")
    client.send("/diffroll/job/set", "only", "deliver", "midi")
    client.send("/diffroll/job/run", "only")
    job = client.collect("only")
    handed_over(client)
    assert not job.notes
    assert job.end.args[1] == len(daemon.scheduler.notes_of("only"))


def test_cancel_and_panic_silence_before_they_answer(daemon, client):
    client.send("/diffroll/job/new", "loud", "generate", "")
    client.send("/diffroll/job/set", "loud", "steps", 40)
    client.send("/diffroll/job/run", "loud")
    client.expect("/diffroll/note")
    client.send("/diffroll/panic")
    client.until("/diffroll/panicked")
    assert ("panic", "") in daemon.scheduler.calls
    client.send("/diffroll/job/cancel", "loud")
    client.collect("loud")
    (owner,) = daemon.scheduler.owners_of("loud")
    assert daemon.scheduler.calls.index(("cancel", owner)) > daemon.scheduler.calls.index(("play", owner))


@pytest.mark.parametrize("name", ["fails-half-way", "dies-half-way"])
def test_a_job_that_failed_is_silenced_before_its_error_is_told(daemon, client, name):
    client.send("/diffroll/generate", name, 4.0)
    job = client.collect(name)
    assert job.end.args[1] == "internal"
    assert job.notes
    (owner,) = daemon.scheduler.owners_of(name)
    assert [call for call, who in daemon.scheduler.calls if who == owner] == ["play", "cancel"]


def test_late_notes_are_told(daemon, client):
    client.send("/diffroll/generate", "late", 2.0)
    client.collect("late")
    handed_over(client)
    (owner,) = daemon.scheduler.owners_of("late")
    daemon.scheduler.late[owner] = 3
    assert client.expect("/diffroll/late").args == ("late", 3)


@pytest.fixture
def own_daemon(tmp_path):
    """A daemon that has heard of no timeline, and a client of it."""
    with RunningDaemon(tmp_path, scheduler=RecordingScheduler()) as running, running.udp() as one:
        yield running, one


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "metre"),
    [
        (("/diffroll/transport", 1, 2.0, 90.0), (6, 8)),
        (("/diffroll/transport", 1, 2.0, 90.0, 1.0, 7, 3), (4, 4)),
        (("/tempo/raw", 90.0), (6, 8)),
    ],
)
def test_a_midi_file_is_saved_for_each_variation_with_the_daws_tempo_and_metre(own_daemon, message, metre):
    daemon, client = own_daemon
    path = daemon.folder / "out.mid"
    client.send("/diffroll/transport", 0, 0.0, 133.0, 0.0, 6, 8)
    client.send(*message)
    client.send("/diffroll/job/new", "save", "generate", "")
    client.send("/diffroll/job/set", "save", "save", str(path))
    client.send("/diffroll/job/set", "save", "variations", 2)
    client.send("/diffroll/job/run", "save")
    job = client.collect("save")
    for variation, file in enumerate([path, daemon.folder / "out-2.mid"]):
        written = [(n.pitch, n.velocity) for n in read_smf(file)]
        assert written == [(n[2], n[5]) for n in job.notes if n[6] == variation]
        tempi = [message.tempo for message in mido.MidiFile(file) if message.type == "set_tempo"]
        assert tempi == [mido.bpm2tempo(90)]
        signs = [message for message in mido.MidiFile(file) if message.type == "time_signature"]
        assert {(sign.numerator, sign.denominator) for sign in signs} == {metre}


@pytest.mark.parametrize(
    "message",
    [
        ("/diffroll/transport", 1, 10.5, 120.0),
        ("/diffroll/transport", True, 10.5, 120.0, 3.5, 3, 4),
        ("/time", 3.25),
        ("/play", 1.0),
        ("/stop", 1.0),
        ("/tempo/raw", 97.5),
        ("/repeat", 1.0),
        ("/loop/start/time", 1.0),
        ("/loop/end/time", 5.0),
        ("/position/time", "00:01:30.5"),
        ("/transport_play",),
        ("/transport_stop", 1.0),
    ],
)
def test_timeline_messages_are_taken_as_they_are(client, message):
    client.send(*message)
    client.send("/diffroll/ping", 1)
    assert client.next().address == "/diffroll/pong"


def test_midi_wanted_where_there_is_none_is_an_error(tmp_path):
    with RunningDaemon(tmp_path) as daemon, daemon.udp() as client:
        client.send("/diffroll/job/new", "m", "generate", "")
        client.send("/diffroll/job/set", "m", "deliver", "midi")
        assert client.ask_wrongly("/diffroll/job/run", "m").args[:2] == ("m", "no-such-port")
        client.send("/diffroll/job/set", "m", "deliver", "both")
        client.send("/diffroll/job/run", "m")
        assert client.collect("m").notes


def test_the_pedal_goes_wherever_the_notes_go(daemon, client):
    path = daemon.folder / "pedalled.mid"
    client.send("/diffroll/job/new", "pedalled", "generate", "")
    client.send("/diffroll/job/set", "pedalled", "save", str(path))
    client.send("/diffroll/job/set", "pedalled", "quantize", "1/4")
    client.send("/diffroll/job/set", "pedalled", "channel", 5)
    client.send("/diffroll/job/set", "pedalled", "when", "transport")
    client.send("/diffroll/job/run", "pedalled")
    spans = [client.until("/diffroll/pedal")[0].args[1:] for _ in PEDAL]
    assert spans == [(span.down, span.up - span.down) for span in PEDAL]
    client.until("/diffroll/job/done")
    assert read_score(path).pedal == PEDAL
    handed_over(client)
    placed = [
        note
        for owner, notes, _ in daemon.scheduler.placed
        if "/pedalled#" in owner
        for note in notes
        if note.pitch == KEY
    ]
    assert [(note.onset, note.offset, note.channel) for note in placed] == [(s.down, s.up, 4) for s in PEDAL]
    client.send("/diffroll/job/notes", "pedalled")
    assert client.until("/diffroll/pedal")[0].args[1:] == spans[0]


def test_a_pedal_that_nobody_wants_is_not_written(daemon, client):
    path = daemon.folder / "dry.mid"
    client.send("/diffroll/job/new", "pedalled-not", "generate", "")
    client.send("/diffroll/job/set", "pedalled-not", "pedal", "off")
    client.send("/diffroll/job/set", "pedalled-not", "save", str(path))
    client.send("/diffroll/job/run", "pedalled-not")
    client.until("/diffroll/job/done")
    assert not read_score(path).pedal


def bent_job(client, name, **options):
    """Run a job whose every other note bends; its points by note, in the order in which they come, and its end."""
    client.send("/diffroll/job/new", name, "generate", "")
    for key, value in {"bend": "on", "seconds": 2.0, **options}.items():
        client.send("/diffroll/job/set", name, key, value)
    client.send("/diffroll/job/run", name)
    return points_of(client)


def points_of(client):
    points = {}
    while (reply := client.until("/diffroll/bend", "/diffroll/job/done")[0]).address == "/diffroll/bend":
        _, index, after, semitones, variation = reply.args
        points.setdefault((variation, index), []).append((after, semitones))
    return points


def test_bends_go_over_osc_and_into_files(daemon, client):
    path = daemon.folder / "bent.mid"
    points = bent_job(client, "bent", save=str(path), quantize="1/2", variations=2)
    assert list(points.values()) == [list(GLIDE)] * 4
    assert len(read_score(path).bends) == 2
    assert len(read_score(path.with_name("bent-2.mid")).bends) == 2
    client.send("/diffroll/job/notes", "bent")
    assert points_of(client) == points


@pytest.mark.parametrize(("when", "calls"), [("now", "played"), ("transport", "placed")])
def test_on_the_port_each_note_of_a_job_with_bends_has_a_channel(daemon, client, when, calls):
    name = f"bent-{when}"
    bent_job(client, name, when=when, channel=5)
    handed_over(client)
    rows = [note for owner, notes, _ in getattr(daemon.scheduler, calls) if f"/{name}#" in owner for note in notes]
    notes, bends = [note for note in rows if note.pitch < KEY], [note for note in rows if note.pitch == BEND]
    assert sorted(note.channel for note in notes) == [1, 2, 3, 4]
    assert {bend.channel for bend in bends} == {1, 2, 3, 4}
    for note in notes:
        first = min((bend for bend in bends if bend.channel == note.channel), key=lambda bend: bend.onset)
        assert first.onset == note.onset
        assert rows.index(first) < rows.index(note)


def test_a_job_in_which_nothing_bends_keeps_its_channel(daemon, client):
    bent_job(client, "straight", channel=5)
    handed_over(client)
    notes = daemon.scheduler.notes_of("straight")
    assert len(notes) == 4
    assert {note.channel for note in notes} == {4}


def test_without_the_option_nothing_bends(daemon, client):
    assert not bent_job(client, "bent-not", bend="off")
    handed_over(client)
    assert {note.channel for note in daemon.scheduler.notes_of("bent-not")} == {0}


def test_a_job_with_bends_can_be_played_again(daemon, client):
    bent_job(client, "bent-again", when="never")
    client.send("/diffroll/job/play", "bent-again", 0)
    handed_over(client)
    rows = [note for _, notes, _ in daemon.scheduler.played for note in notes if note.pitch == BEND]
    assert rows
