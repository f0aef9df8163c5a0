"""Tempo and time signatures as a Standard MIDI File stores them: whole ticks, whole microseconds a beat.

A file of ours says in a text where its tempo is not that of somebody who knows it, so that nobody takes it for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import mido

from diffroll_live.errors import RequestError
from diffroll_live.meter.meter_map import NO_METER, MeterMap, Signature
from diffroll_live.meter.tempo_map import TempoChange, TempoMap
from diffroll_live.music.beats import FEWEST, UNSURE, confidence_of
from diffroll_live.types import NoteEvent

DEFAULT_US = 500_000  # microseconds a beat where a file has no tempo
PLACEHOLDER = "Tempo and bars are not known: 120 in 4/4 is only to count by (diffroll-live)"
_ESTIMATED = re.compile(r"Tempo and bars are estimated, confidence ([01]\.\d\d) \(diffroll-live\)")


@dataclass(frozen=True, slots=True)
class TickTempo:
    """From ``tick`` on, a beat lasts ``beat_us`` microseconds."""

    tick: int
    beat_us: int


def stored_tempi(tempo: TempoMap, ppq: int) -> tuple[TickTempo, ...]:
    """Round the tempo from second 0 on as a file stores it, ``ppq`` ticks a beat; second 0 is tick 0."""
    first, *later = tempo.between(0.0, float("inf"))
    rows = [TickTempo(0, round(60e6 / first.tempo))]
    since = 0.0  # s at the last row
    for change in later:
        ticks = round((change.position - since) * 1e6 * ppq / rows[-1].beat_us)
        row = TickTempo(rows[-1].tick + ticks, round(60e6 / change.tempo))
        since += ticks * rows[-1].beat_us / (1e6 * ppq)
        rows[-1 if ticks == 0 else len(rows) :] = [row]
    return tuple(rows)


def tempo_of(rows: Sequence[TickTempo], ppq: int) -> TempoMap:
    """The tempo that a file means, in seconds from its beginning; its beats are ticks divided by ``ppq``."""
    changes = [TempoChange(0.0, 60e6 / rows[0].beat_us)]
    for before, row in pairwise(rows):
        position = changes[-1].position + (row.tick - before.tick) * before.beat_us / (1e6 * ppq)
        changes.append(TempoChange(position, 60e6 / row.beat_us))
    return TempoMap(tuple(changes))


def conductor_track(rows: Sequence[TickTempo], meter: MeterMap, tick: Callable[[float], int]) -> mido.MidiTrack:
    """Write tempi and signatures as a track; ``tick`` is that of a time in seconds.

    A signature stands at the beginning of the file, and at its first bar line where that lies later. A text says so
    where tempo and bars are estimated, or unknown.
    """
    signatures = {0: meter.bar_at(meter.tempo.beat_at(0.0))}
    bar_line = meter.first_bar(0.0)
    later = [max(0.0, meter.tempo.position_at(signature.beat)) for signature in meter.signatures]
    for t in sorted({bar_line, *(t for t in later if t > bar_line)}):
        signatures[tick(t)] = meter.bar_at(meter.tempo.beat_at(t))
    events = [
        (at, mido.MetaMessage("time_signature", numerator=bar.numerator, denominator=bar.denominator))
        for at, bar in signatures.items()
    ]
    events += [(row.tick, mido.MetaMessage("set_tempo", tempo=row.beat_us)) for row in rows]
    if remark := _remark(meter):
        events.insert(0, (0, mido.MetaMessage("text", text=remark)))
    track, last = mido.MidiTrack(), 0
    for at, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=at - last))
        last = at
    return track


def read_tempo(file: mido.MidiFile) -> TempoMap:
    """Read the tempo of a file, in whatever tracks it stands."""
    rows = [TickTempo(0, DEFAULT_US)]
    for tick, message in _events(file, "set_tempo"):
        row = TickTempo(tick, max(1, message.tempo))
        rows[-1 if tick == rows[-1].tick else len(rows) :] = [row]
    return tempo_of(rows, file.ticks_per_beat)


def meter_of_file(file: mido.MidiFile, tempo: TempoMap, notes: Sequence[NoteEvent]) -> MeterMap | None:
    """Read the bars of a file of this tempo; each of its signatures begins one.

    None where it does not know them: for bars that no music has, where it gives no tempo, and where what it gives is
    the usual 120 in 4/4, which is a placeholder if its text says so or its ``notes`` keep to no such beat.
    """
    meter = _stored_meter(file, tempo)
    if meter is None or not any(_events(file, "set_tempo")):
        return None
    texts = [message.text for _, message in _events(file, "text")]
    is_usual = meter.changes() == NO_METER.changes()
    if is_usual and (PLACEHOLDER in texts or not _keeps_to(tempo, notes)):
        return None
    found = next(filter(None, map(_ESTIMATED.fullmatch, texts)), None)
    return replace(meter, source="estimated", confidence=float(found[1])) if found else meter


def _remark(meter: MeterMap) -> str:
    if meter.source == "none":
        return PLACEHOLDER
    if meter.source == "estimated" and meter.confidence:  # without any, it was chosen, as for a piece from nothing
        return f"Tempo and bars are estimated, confidence {meter.confidence:.2f} (diffroll-live)"
    return ""


def _keeps_to(tempo: TempoMap, notes: Sequence[NoteEvent]) -> bool:
    """Whether notes begin on the beats of a tempo and their fractions; few notes are given the benefit of the doubt."""
    if len(notes) < FEWEST:
        return True
    return confidence_of(tempo.beats_at([note.onset for note in notes])) >= UNSURE


def _stored_meter(file: mido.MidiFile, tempo: TempoMap) -> MeterMap | None:
    signatures = [Signature()]
    for tick, message in _events(file, "time_signature"):
        beat = tick / file.ticks_per_beat
        last, signature = signatures[-1], Signature(beat, message.numerator, message.denominator)
        repeated = (last.numerator, last.denominator) == (signature.numerator, signature.denominator)
        # One that comes again inside the first bar makes it a pickup, and is the first one's bar line.
        replaced = beat == last.beat or (repeated and len(signatures) == 1 and beat < last.beats)
        signatures[-1 if replaced else len(signatures) :] = [signature]
    try:
        return MeterMap(tempo, tuple(signatures), "file")
    except RequestError:
        return None


def _events(file: mido.MidiFile, kind: str) -> Iterator[tuple[int, Any]]:
    """The messages of a kind in all tracks, with their ticks, in order."""
    found = []
    for track in file.tracks:
        at = 0
        for message in track:
            at += message.time
            if message.type == kind:
                found.append((at, message))
    yield from sorted(found, key=lambda event: event[0])
