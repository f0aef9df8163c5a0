"""How the daemon is, in one value: for metrics and for whoever else looks in from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diffroll_live.midi.note_queue import NoteTotals
from diffroll_live.osc.watch_replies import WatchedTransport
from diffroll_live.server.clients import ClientTable
from diffroll_live.server.counts import Counts
from diffroll_live.server.live.handlers import HopTotals, LiveHandlers
from diffroll_live.server.midi_output import MidiOut
from diffroll_live.types import ModelInfo
from diffroll_live.worker.queue import Worker, WorkerStatus


@dataclass(frozen=True, slots=True)
class Report:
    """The daemon at one moment. ``counts`` go on growing."""

    model: ModelInfo
    worker: WorkerStatus
    clients: int
    buffer_bytes: int
    hops: HopTotals
    notes: NoteTotals
    counts: Counts
    max_seconds: float  # of one buffer
    transport: WatchedTransport


class Reporter:
    """Makes reports, on the daemon's loop."""

    def __init__(
        self,
        worker: Worker,
        clients: ClientTable,
        live: LiveHandlers,
        midi: MidiOut | None,
        counts: Counts,
        transport: Callable[[], WatchedTransport],
        max_seconds: float,
    ) -> None:
        self._worker, self._clients, self._live, self._midi, self._counts = worker, clients, live, midi, counts
        self._transport, self._max_seconds = transport, max_seconds

    def report(self) -> Report:
        """Report the present."""
        return Report(
            model=self._worker.info,
            worker=self._worker.status(),
            clients=sum(1 for _ in self._clients),
            buffer_bytes=self._clients.total_bytes(),
            hops=self._live.totals(),
            notes=NoteTotals() if self._midi is None else self._midi.totals(),
            counts=self._counts,
            max_seconds=self._max_seconds,
            transport=self._transport(),
        )
