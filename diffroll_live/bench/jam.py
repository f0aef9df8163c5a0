"""From the cue to the first note of a jam's answer, as a musician over UDP meets it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from itertools import count

from diffroll_live.bench.daemon import Link, running_daemon
from diffroll_live.bench.figures import Figure, Progress, Repetitions, Settings, milliseconds
from diffroll_live.bench.material import bars

MOST_MS = 150.0  # from the cue to the first note
N_BARS = 4  # that are played before


def jam(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Play four bars in real time, give the cue, and wait for the first note of the answer."""
    numbers = count()
    with running_daemon(settings) as daemon, Link(daemon.port) as link:
        seconds = tuple(Repetitions(settings, progress).repeat(partial(_answer, link, settings, numbers)))
    name = f"a jam's answer after {settings.jam_seconds:g} s of playing: from the cue to its first note"
    yield Figure(name, "ms", milliseconds(seconds), MOST_MS, "over UDP; on time where it is below the lead of 120 ms")


def _answer(link: Link, settings: Settings, numbers: Iterator[int]) -> float:
    """Seconds from the cue to the first note."""
    name = f"jam-{next(numbers)}"
    link.ask("/diffroll/jam/start", name, "osc", answer="/diffroll/jam/state")
    link.send("/diffroll/jam/set", name, "rest_bars", 0)
    _play(link, name, settings.jam_seconds)
    cued = time.perf_counter()
    link.send("/diffroll/jam/cue", name)
    link.until("/diffroll/note")
    seconds = time.perf_counter() - cued
    link.ask("/diffroll/jam/stop", name, answer="/diffroll/jam/state")
    while link.arrived():
        time.sleep(0.05)
    return seconds


def _play(link: Link, name: str, seconds: float) -> None:
    """Strike and release keys in time."""
    events = [(note.onset, note.pitch, note.velocity) for note in bars(N_BARS)]
    events += [(note.offset, note.pitch, 0) for note in bars(N_BARS)]
    begin = time.perf_counter()
    for at, pitch, velocity in sorted(event for event in events if event[0] < seconds):
        time.sleep(max(0.0, begin + at - time.perf_counter()))
        link.send("/diffroll/jam/note", name, pitch, velocity)
