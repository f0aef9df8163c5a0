"""What the daemon plays on its virtual port, recorded by a real Ardour on a real JACK server and read from the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mido
import pytest
from support.ardour import RATE, Ardour
from support.ardour_notes import assert_alike, moved
from support.osc_client import UdpClient
from support.running import RunningDaemon
from support.waiting import wait_until

from diffroll_live.midi.ports import PortChoice
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import MidiSink
from diffroll_live.types import NoteEvent

pytestmark = pytest.mark.realtime

ATTEMPTS = 3  # a busy machine may be too slow for JACK, or the daemon too late for a note
PLAYED = (
    NoteEvent(0.0, 0.3, 60, 100),
    NoteEvent(0.0, 0.6, 64, 1),
    NoteEvent(0.0, 0.9, 67, 127),
    NoteEvent(0.5, 0.8, 60, 33),
    NoteEvent(1.0, 1.2, 60, 34),
    NoteEvent(1.3, 2.0, 21, 64),
    NoteEvent(1.3, 1.8, 108, 65),
)


class LateNote(Exception):
    """The daemon was too late for a note, and dropped it."""


def test_notes_from_the_virtual_port_are_recorded(jack, tmp_path):
    for attempt in range(1, ATTEMPTS + 1):
        with Ardour(tmp_path / f"ardour {attempt}", [], jack.environment) as ardour:
            try:
                found, wanted, lost = record(ardour, tmp_path)
            except LateNote:
                continue
            except AssertionError:
                if not ardour.dropped():
                    raise
                continue
        assert_alike(found, wanted, 0.1 + lost)
        return
    raise AssertionError(f"in {ATTEMPTS} attempts, JACK has dropped Ardour or the daemon a note")


def record(ardour: Ardour, folder: Path) -> tuple[list[NoteEvent], list[NoteEvent], float]:
    """Let a job play into a track that records; give its notes as recorded, as sent, and how many s JACK lost."""
    scheduler = Scheduler(lambda: MidiSink(PortChoice("jack")))
    scheduler.start()
    with RunningDaemon(folder, scheduler=scheduler) as daemon, daemon.udp() as client:
        roll(ardour, "diffroll-live:notes")
        before = ardour.lag()
        wanted = play_a_job(client)
        wait_for_seconds(ardour, max(note.offset for note in wanted) + 0.5)
        lost = abs(ardour.lag() - before)  # where JACK did not get its turn, its time stood still
        ardour.osc("/transport_stop")
        while (reply := client.next(0.5)) is not None:
            if reply.address == "/diffroll/late":
                raise LateNote
    wait_until(lambda: len(ardour.regions()) == 1, "the recorded region")
    found = read_notes(ardour.file_of(ardour.regions()[0].name))
    return moved(found, -found[0].onset), wanted, lost


def roll(ardour: Ardour, port: str) -> None:
    """Make a MIDI track that hears a JACK port, and record on it."""
    ardour.lua(f"""
        local midi = ARDOUR.ChanCount (ARDOUR.DataType ("midi"), 1)
        local track = Session:new_midi_track (midi, midi, false, ARDOUR.PluginInfo (), nil, nil, 1, "take", 1,
          ARDOUR.TrackMode.Normal, true):front ()
        track:input ():nth (0):disconnect_all ()
        assert (track:input ():nth (0):connect ("{port}") == 0)
        track:rec_enable_control ():set_value (1, PBD.GroupControlDisposition.NoGroup)""")
    ardour.osc("/rec_enable_toggle", 1.0)
    wait_until(lambda: ardour.lua("return Session:record_status ()") != "0", "Ardour to be ready to record")
    ardour.osc("/transport_play")
    wait_until(lambda: ardour.lua("return Session:actively_recording ()") == "true", "Ardour to record")
    wait_for_seconds(ardour, 0.2)


def wait_for_seconds(ardour: Ardour, seconds: float) -> None:
    """Wait until Ardour has rolled for so long from now on."""
    end = int(ardour.lua("return Session:transport_sample ()")) + seconds * RATE
    wait_until(lambda: int(ardour.lua("return Session:transport_sample ()")) > end, "Ardour to roll on")


def play_a_job(client: UdpClient) -> list[NoteEvent]:
    """Have the daemon play notes on its port; give them as it sent them over OSC."""
    client.send("/diffroll/job/new", "take", "generate", "")
    client.send("/diffroll/job/region", "take", 4.0, 8.0)
    client.send("/diffroll/job/set", "take", "density", 0.0)
    for note in PLAYED:
        client.send("/diffroll/job/note", "take", note.pitch, note.onset, note.duration, note.velocity)
    client.send("/diffroll/job/run", "take")
    replies = client.collect("take").notes
    notes = [NoteEvent(t, t + length, pitch, velocity) for _, _, pitch, t, length, velocity, _ in replies]
    assert len(notes) > len(PLAYED)  # and at least one that the engine wrote
    return notes


def read_notes(path: Path) -> list[NoteEvent]:
    """Read a MIDI file at 120 beats a minute: times in s from its start."""
    sounding: dict[int, NoteEvent] = {}
    notes, now = [], 0.0
    midi = mido.MidiFile(path)
    for message in mido.merge_tracks(midi.tracks):
        now += message.time * 0.5 / midi.ticks_per_beat
        if message.type == "note_on" and message.velocity:
            assert message.note not in sounding
            sounding[message.note] = NoteEvent(now, now, message.note, message.velocity)
        elif message.type in ("note_on", "note_off"):
            notes.append(replace(sounding.pop(message.note), offset=now))
    assert not sounding
    return sorted(notes)
