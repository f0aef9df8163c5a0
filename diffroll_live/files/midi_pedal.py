"""The sustain pedal in Standard MIDI Files: controller 64, down from 64 on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import mido

from diffroll_live.errors import FileError
from diffroll_live.meter.tempo_map import TempoMap
from diffroll_live.music.pedal import apart
from diffroll_live.types import PedalSpan

SUSTAIN = 64  # the controller
DOWN = 64  # the least value at which the pedal is down
_FULLY, _NOT = 127, 0
LAST_SECOND = 24 * 3600.0

Timed = tuple[int, mido.Message]


def pedal_messages(pedal: Iterable[PedalSpan], channels: Iterable[int], tick: Callable[[float], int]) -> list[Timed]:
    """Write the spans of some channels as messages, each with its tick; no span is shorter than a tick.

    Raises FileError for a span that does not fit a file.
    """
    wanted, timed = frozenset(channels), []
    for span in pedal:
        if not (0 <= span.down <= span.up <= LAST_SECOND and 0 <= span.channel <= 15):
            raise FileError(f"{span} does not fit a MIDI file: it must lie in the first day, on a channel.")
        if span.channel in wanted:
            first = tick(span.down)
            timed.append((first, _message(span.channel, _FULLY)))
            timed.append((max(tick(span.up), first + 1), _message(span.channel, _NOT)))
    return timed


def read_pedal(
    file: mido.MidiFile, tempo: TempoMap, channel_of: Callable[[int], int] = lambda channel: channel
) -> tuple[PedalSpan, ...]:
    """Read the pedal of all tracks, those of a channel together; one that is never released is, with its track.

    ``channel_of`` says as which channel each counts.
    """
    ppq = file.ticks_per_beat
    ticks = [row for track in file.tracks for row in _spans(track)]
    return apart(
        PedalSpan(tempo.position_at(down / ppq), tempo.position_at(up / ppq), channel_of(channel))
        for down, up, channel in ticks
    )


def _spans(track: mido.MidiTrack) -> list[tuple[int, int, int]]:
    """Rows (tick down, tick up, channel)."""
    rows, since, at = [], dict[int, int](), 0
    for message in track:
        at += message.time
        if message.type != "control_change" or message.control != SUSTAIN:
            continue
        if message.value >= DOWN:
            since.setdefault(message.channel, at)
        elif message.channel in since:
            rows.append((since.pop(message.channel), at, message.channel))
    return rows + [(down, at, channel) for channel, down in since.items()]


def _message(channel: int, value: int) -> mido.Message:
    return mido.Message("control_change", channel=channel, control=SUSTAIN, value=value)
