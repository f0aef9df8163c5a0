"""How the daemon itself is doing: its memory, what has gone wrong, where its notes go."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

from diffroll_live.audio.jack.xruns import XRUNS
from diffroll_live.midi.reconnecting_sink import PortState
from diffroll_live.osc.watch_replies import WatchedDaemon
from diffroll_live.server.counts import Counts
from diffroll_live.server.midi_output import MidiOut

_MEMORY_SECONDS = 2.0  # between two looks at it
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6 if hasattr(os, "sysconf") else 0.0


class Vitals:
    """Counts and measures; ``report`` says it all. ``losses`` counts how often live inputs have lost samples."""

    def __init__(
        self,
        midi: MidiOut | None,
        counts: Counts,
        losses: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._midi, self._counts, self._losses, self._clock = midi, counts, losses, clock
        self._memory, self._measured = 0.0, -math.inf

    def report(self) -> WatchedDaemon:
        """Say how the daemon is doing."""
        now = self._clock()
        if now - self._measured >= _MEMORY_SECONDS:
            self._memory, self._measured = float(round(resident_mb())), now
        midi = PortState(False, "There is no MIDI output.") if self._midi is None else self._midi.state
        jack = -1 if XRUNS.count is None else XRUNS.count
        return WatchedDaemon(self._memory, self._counts.restarts, self._losses(), midi.text, int(midi.is_open), jack)


def resident_mb() -> float:
    """The resident memory of this process and its children, in MB (10^6 bytes); 0 where /proc does not say."""
    pids = [os.getpid(), *(child.pid for child in multiprocessing.active_children())]
    return _PAGE_MB * sum(_pages(pid) for pid in pids if pid is not None)


def _pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
