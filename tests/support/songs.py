"""MIDI files as DAWs write them: several tracks, drums, programs, controllers, texts and system exclusives."""

from __future__ import annotations

from pathlib import Path

import mido

PPQ = 480
BAR = 4 * PPQ
SYSEX = mido.Message("sysex", data=(0x7E, 0x7F, 9, 1))

Event = tuple[int, mido.Message | mido.MetaMessage]  # its tick


def note(tick: int, length: int, pitch: int, velocity: int = 80, channel: int = 0) -> list[Event]:
    return [
        (tick, mido.Message("note_on", note=pitch, velocity=velocity, channel=channel)),
        (tick + length, mido.Message("note_off", note=pitch, velocity=0, channel=channel)),
    ]


def conductor(bpm: float = 100.0) -> list[Event]:
    """Two bars of 4/4, then 3/4; a little slower from the fifth bar on."""
    tempo = mido.bpm2tempo(bpm)
    return [
        (0, mido.MetaMessage("track_name", name="Sonata")),
        (0, mido.MetaMessage("set_tempo", tempo=tempo)),
        (0, mido.MetaMessage("time_signature", numerator=4, denominator=4)),
        (2 * BAR, mido.MetaMessage("time_signature", numerator=3, denominator=4)),
        (4 * BAR, mido.MetaMessage("set_tempo", tempo=round(tempo * 1.1))),
        (4 * BAR, mido.MetaMessage("marker", text="slower")),
    ]


def piano(bars: int = 8, channel: int = 0) -> list[Event]:
    """Broken chords in eighths, with program, pedal, a text and a system exclusive."""
    events: list[Event] = [
        (0, mido.MetaMessage("track_name", name="Piano")),
        (0, mido.Message("program_change", program=4, channel=channel)),
        (0, SYSEX),
        (3 * BAR, mido.MetaMessage("text", text="dolce")),
    ]
    for bar in range(bars):
        events += [
            (bar * BAR, mido.Message("control_change", control=64, value=127, channel=channel)),
            (bar * BAR + BAR - 10, mido.Message("control_change", control=64, value=0, channel=channel)),
        ]
        for at, pitch in enumerate((48, 55, 64, 67, 72, 67, 64, 55)):
            events += note(bar * BAR + at * PPQ // 2, PPQ // 2, pitch + (bar % 4), channel=channel)
    return events


def strings(bars: int = 8) -> list[Event]:
    """A long note in each bar, on two channels."""
    events: list[Event] = [
        (0, mido.MetaMessage("track_name", name="Strings")),
        (0, mido.Message("program_change", program=48, channel=2)),
        (0, mido.Message("pitchwheel", pitch=100, channel=2)),
    ]
    for bar in range(bars):
        events += note(bar * BAR, BAR, 60 + bar % 3, 120, 2 + bar % 2)
    return events


def drums(bars: int = 8) -> list[Event]:
    """A hi-hat on every eighth: more notes than any other part has."""
    events: list[Event] = [(0, mido.MetaMessage("track_name", name="Drums"))]
    for step in range(bars * 16):
        events += note(step * PPQ // 4, PPQ // 8, 42, 90, 9)
    return events


def track_of(events: list[Event]) -> mido.MidiTrack:
    track, last = mido.MidiTrack(), 0
    for tick, message in sorted(events, key=lambda event: (event[0], getattr(event[1], "type", "") == "note_on")):
        track.append(message.copy(time=tick - last))
        last = tick
    return track


def write_song(path: Path, *tracks: list[Event], kind: int = 1) -> Path:
    """Write a file of a conductor, a piano, strings and drums, or of other tracks; format 0 has them all in one."""
    parts = list(tracks) or [conductor(), piano(), strings(), drums()]
    if kind == 0:
        parts = [[event for part in parts for event in part]]
    mido.MidiFile(type=kind, ticks_per_beat=PPQ, tracks=[track_of(part) for part in parts]).save(path)
    return path


def events_of(path: Path) -> list[list[tuple[int, str]]]:
    """Every event of every track with its tick, as text."""
    rows = []
    for track in mido.MidiFile(path).tracks:
        tick, events = 0, []
        for message in track:
            tick += message.time
            events.append((tick, str(message.copy(time=0))))
        rows.append(events)
    return rows
