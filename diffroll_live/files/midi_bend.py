"""Bends in Standard MIDI Files, as MPE: a zone's messages, and pitch bend on the channels of its notes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import mido

from diffroll_live.files.midi_notes import TrackNote
from diffroll_live.files.midi_pedal import Timed
from diffroll_live.music.mpe import (
    BEND_RANGE,
    CENTRE,
    DATA,
    DATA_LOW,
    MANAGER,
    PARAMETER_HIGH,
    PARAMETER_LOW,
    RANGE,
    STEP,
    ZONE,
    Expression,
    parameter,
    semitones_of,
)
from diffroll_live.types import Bend, NoteEvent

UPPER = 15  # the manager of the upper zone, which others may write
_HELD = 1.5 * STEP  # s after which a bend that changes has been held before
_PLAIN = 0.01  # semitones, less than which is no bend


@dataclass(frozen=True, slots=True)
class Zones:
    """What a file says of MPE: which manager the channels of zones belong to, and every bend on them."""

    managers: Mapping[int, int] = field(default_factory=dict)  # by channel, of members alone
    turns: Mapping[int, list[tuple[int, float]]] = field(default_factory=dict)  # ticks and semitones, by channel

    def manager(self, channel: int) -> int:
        """The channel that a note is said to be on: of a member, its zone's manager."""
        return self.managers.get(channel, channel)


def zone_messages(expression: Expression) -> list[mido.Message]:
    """What comes first: the zone, if there is one, and the range of bends on each of its channels that is used."""
    if not expression.members:
        return []
    messages = _messages(MANAGER, parameter(ZONE, expression.members))
    for channel in expression.channels:
        if MANAGER < channel <= expression.members:
            messages += _messages(channel, parameter(BEND_RANGE, RANGE, 0))
    return messages


def bend_messages(expression: Expression, tick: Callable[[float], int]) -> list[Timed]:
    """The bends as messages, each with its tick; of several at one tick of a channel, the last."""
    last = {(tick(each.at), each.channel): each.value for values in expression.values for each in values}
    return [
        (at, mido.Message("pitchwheel", channel=channel, pitch=value - CENTRE)) for (at, channel), value in last.items()
    ]


def read_zones(file: mido.MidiFile) -> Zones:
    """Read the zones of a file, wherever they are announced, and the bends on their members."""
    managers: dict[int, int] = {}
    spans: dict[int, float] = defaultdict(lambda: float(RANGE))
    turns: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for track in file.tracks:
        at, chosen = 0, dict[int, dict[int, int]]()
        for message in track:
            at += message.time
            if message.type == "pitchwheel":
                turns[message.channel].append((at, message.pitch + CENTRE))
            elif message.type == "control_change":
                _control(message, chosen.setdefault(message.channel, {}), managers, spans)
    wanted = {channel: sorted(turns[channel], key=lambda turn: turn[0]) for channel in managers}
    return Zones(
        managers,
        {
            channel: [(at, semitones_of(value, spans[channel])) for at, value in rows]
            for channel, rows in wanted.items()
        },
    )


def bends_of(
    zones: Zones, own: Iterable[TrackNote], notes: Iterable[NoteEvent], time: Callable[[int], float]
) -> tuple[Bend, ...]:
    """The bends of a file's ``notes``, which are its ``own`` in seconds; ``time`` is that of a tick."""
    pairs = ((mine, note) for mine, note in zip(own, notes, strict=True) if mine.channel in zones.managers)
    bends = (_bend(zones.turns[mine.channel], mine.onset, mine.offset, note, time) for mine, note in pairs)
    return tuple(sorted(bend for bend in bends if bend is not None))


def _bend(
    turns: Sequence[tuple[int, float]], onset: int, offset: int, note: NoteEvent, time: Callable[[int], float]
) -> Bend | None:
    """The bend of a note between two ticks of a channel with these ``turns``; None where it keeps its pitch."""
    first = bisect_right(turns, onset, key=lambda turn: turn[0])
    last = bisect_left(turns, offset, key=lambda turn: turn[0])
    points = [(0.0, turns[first - 1][1] if first else 0.0)]
    for at, semitones in turns[first:last]:
        after = time(at) - note.onset
        if after - points[-1][0] > _HELD:
            points.append((after - STEP, points[-1][1]))
        points.append((after, semitones))
    if all(abs(semitones) < _PLAIN for _, semitones in points):
        return None
    return Bend(note, tuple((round(after, 4), round(semitones, 3)) for after, semitones in points))


def _control(message: mido.Message, chosen: dict[int, int], managers: dict[int, int], spans: dict[int, float]) -> None:
    """Follow a controller of a channel: which parameter is ``chosen``, and what it is set to."""
    if message.control in (PARAMETER_LOW, PARAMETER_HIGH):
        chosen[message.control] = message.value
        return
    number = chosen.get(PARAMETER_HIGH, 127), chosen.get(PARAMETER_LOW, 127)
    if number == ZONE and message.control == DATA and message.channel in (MANAGER, UPPER):
        lower = message.channel == MANAGER
        n_members = min(message.value, 15)
        members = range(1, 1 + n_members) if lower else range(UPPER - n_members, UPPER)
        managers.update(dict.fromkeys(members, message.channel))
    elif number == BEND_RANGE and message.control == DATA:
        spans[message.channel] = float(message.value)
    elif number == BEND_RANGE and message.control == DATA_LOW:
        spans[message.channel] = int(spans[message.channel]) + message.value / 100


def _messages(channel: int, pairs: list[tuple[int, int]]) -> list[mido.Message]:
    return [mido.Message("control_change", channel=channel, control=control, value=value) for control, value in pairs]
