"""The events of a live input, as lines for programs or as a display that is kept up to date. Output only."""

from __future__ import annotations

import json
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol, Self

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from diffroll_live.audio.level_meter import FLOOR
from diffroll_live.music.roll import pitch_name
from diffroll_live.osc import replies as r

_ADDRESSES = {kind: address for address, kind in r.DAEMON_MESSAGES.items()}
_PREFIX = "/diffroll/"
_NOTES = 8  # last ones that are shown
_AGES = 200  # last notes whose latency is shown
_QUIETEST, _CELLS = -60.0, 40  # dBFS at the left end of the level, and its width
TELLING = 5.0  # ms of latency above what was asked for that are worth telling
_LOUD = -6.0  # dBFS of a peak that is close to clipping


class View(Protocol):
    """Shows the events of a live input."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, reply: Any) -> None:
        """Take a reply of the daemon."""


class JsonLines:
    """Prints each reply as a line of JSON: ``event`` is its address without /diffroll/, the rest are its arguments."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, reply: Any) -> None:
        """Print a reply."""
        event = _ADDRESSES[type(reply)].removeprefix(_PREFIX)
        click.echo(json.dumps({"event": event, **asdict(reply)}))


class Screen:
    """Draws level, latency and the last notes, ten times a second. ``latency`` is the one that was asked for, in ms."""

    def __init__(self, source: str, sink: Callable[[], str], latency: float) -> None:
        self._source, self._sink, self._latency = source, sink, latency
        self._state = "loading the model ..."
        self._level = r.AudioLevel("", FLOOR, FLOOR)
        self._status: r.LiveStatus | None = None
        self._status_at = 0.0  # s of time.monotonic
        self._overrun: r.AudioOverrun | None = None
        self._notes: dict[int, r.LiveNote] = {}
        self._ages: deque[float] = deque(maxlen=_AGES)  # ms from an onset to its detection
        self._live = Live(get_renderable=self._draw, refresh_per_second=10, console=Console())

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._state = "ended"
        self._live.stop()

    def show(self, reply: Any) -> None:
        """Keep the contents of a reply for the next refresh."""
        match reply:
            case r.AudioListening(_, rate) | r.AudioReconnected(_, rate):
                self._state = f"listening at {rate} Hz; Ctrl-C ends it"
            case r.AudioVanished(_, text):
                self._state, self._level = text, r.AudioLevel("", FLOOR, FLOOR)
            case r.AudioLevel():
                self._level = reply
            case r.AudioOverrun():
                self._overrun = reply
            case r.LiveStatus():
                self._status, self._status_at = reply, time.monotonic()
            case r.LiveNote():
                self._note(reply)
            case r.Error():
                self._state = reply.text

    def _note(self, note: r.LiveNote) -> None:
        """Keep a note, and how long it took to detect one that has begun."""
        known = self._notes.get(note.index)
        is_new = note.lane == "commit" and (known is None or known.lane == "preview")
        if is_new and self._status is not None:
            heard = self._status.seconds + time.monotonic() - self._status_at
            self._ages.append(1000.0 * (heard - note.t))
        if note.velocity:
            self._notes[note.index] = note
        else:
            self._notes.pop(note.index, None)
        while len(self._notes) > _NOTES:
            self._notes.pop(next(iter(self._notes)))

    def _draw(self) -> RenderableType:
        lines = (f"input   {self._source}: {self._state}", f"output  {self._sink()}")
        return Group(*map(Text, lines), self._draw_level(), Text(self._numbers()), self._draw_notes())

    def _draw_level(self) -> Text:
        """Draw a bar of the RMS level with a mark at the peak."""
        rms, peak = (_cell(value) for value in (self._level.rms, self._level.peak))
        bar = "".join("|" if cell == peak else "=" if cell < rms else " " for cell in range(_CELLS + 1))
        style = "red" if self._level.peak > _LOUD else "green"
        numbers = f" {self._level.rms:6.1f} dBFS, peak {self._level.peak:6.1f}"
        return Text.assemble("level   [", (bar, style), "]", numbers)

    def _numbers(self) -> str:
        parts = [self._latencies()]
        if self._ages:
            ages = sorted(self._ages)
            p95 = ages[int(0.95 * (len(ages) - 1))]
            parts.append(f"decided after {statistics.median(ages):.0f} ms (95 % within {p95:.0f})")
        if self._status is not None:
            status = self._status
            parts.append(f"load {100 * status.load:.0f} %, hops missed {status.missed}, notes late {status.late}")
        if self._overrun is not None:
            parts.append(f"overruns {self._overrun.count} ({self._overrun.seconds:.2f} s)")
        return "; ".join(parts)

    def _latencies(self) -> str:
        """Tell the latency, and the longer one that is held in its place."""
        held = self._status.latency_ms if self._status is not None else 0.0
        if held < self._latency + TELLING:
            return f"latency {self._latency:g} ms"
        return f"latency {self._latency:g} ms asked, {held:.0f} ms held: the machine is busy"

    def _draw_notes(self) -> Table:
        table = Table("note", "at", "length", "velocity", box=None, padding=(0, 2, 0, 0))
        for note in reversed(self._notes.values()):
            length = f"{note.duration:.2f} s" if note.duration else "sounds"
            table.add_row(pitch_name(note.pitch), f"{note.t:.2f} s", length, str(note.velocity))
        return table


def _cell(decibels: float) -> int:
    """Return the position of a level on the bar; -1 below its left end."""
    if decibels < _QUIETEST:
        return -1
    return round((min(0.0, decibels) - _QUIETEST) / -_QUIETEST * _CELLS)
