"""One live input: its samples go to the inference process hop by hop, the notes in them to MIDI and OSC.

Nothing queues: while one hop is being transcribed the samples of the next ones wait, and are then sent together; hops
that were not sent in time are counted. Knows nothing of devices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from diffroll_live.audio.clock import StampedBlock, join
from diffroll_live.audio.level_meter import SILENT
from diffroll_live.errors import DiffrollError
from diffroll_live.live_types import LaneNote, LiveSettings
from diffroll_live.midi.pedal import PEDAL, PRESSED
from diffroll_live.osc.pedal_replies import LivePedal
from diffroll_live.osc.replies import LiveNote, LiveStatus
from diffroll_live.server.clients import Client
from diffroll_live.server.live.deadline import Deadline, HeldLatency
from diffroll_live.server.live.note_tracker import PREVIEW_AGE, NoteTracker
from diffroll_live.server.live.pedal_tracker import PedalMove, PedalTracker
from diffroll_live.server.midi_output import MidiOut
from diffroll_live.server.surviving import surviving
from diffroll_live.worker.messages import LiveClose, LiveEstimated, LiveFailed, LiveFeed, LiveOpen
from diffroll_live.worker.queue import Worker

HOP_SECONDS = 0.064
STATUS_SECONDS = 1.0
KEPT_HOPS = 20  # maximum waiting; older samples are dropped
_QUIET = 10.0 ** (SILENT / 20.0)  # of a sample; anything up to this is silence

NoteListener = Callable[[LaneNote, float], None]
"""Called on the loop with every report of a note, and the time (s of time.perf_counter) of second 0 of the input."""


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """The counts of a live input."""

    hops: int = 0  # transcribed
    missed: int = 0  # not transcribed in time
    busy: float = 0.0  # s spent transcribing


class LiveSession:
    """Transcribes one input for one client. Made by LiveHandlers; every method is called on the loop.

    ``listeners`` get every report of a note. ``number`` is unique; ``clock`` is that of the MIDI output, in seconds.
    """

    def __init__(
        self,
        client: Client,
        buffer: str,
        rate: int,
        settings: LiveSettings,
        *,
        number: int,
        worker: Worker,
        midi: MidiOut | None,
        clock: Callable[[], float],
        on_close: Callable[[], None],
    ) -> None:
        self.client, self.buffer, self.settings = client, buffer, settings
        self.listeners: list[NoteListener] = []
        self.counts = LiveCounts()
        self.number = number
        self._on_close = on_close
        self._rate, self._worker, self._midi, self._now = rate, worker, midi, clock
        self._hop = round(HOP_SECONDS * rate)  # samples
        self._deadline, self._held = Deadline(HOP_SECONDS), HeldLatency()
        self._latency = settings.latency_ms / 1000.0  # s, that is held
        self._origin = 0.0  # s of time.perf_counter, when sample 0 sounded
        self._end = 0  # number of the next sample
        self._notes = NoteTracker()
        self._sounding: dict[int, int] = {}  # index to channel, from 0
        self._pedal = PedalTracker()
        self._pedal_channel: int | None = None  # on which it is held, from 0
        self._waiting: list[StampedBlock] = []
        self._under_way = False
        self._failed = False  # it cannot be transcribed, as the client has been told
        self._told, self._told_late = LiveCounts(), 0
        self._told_at = 0.0  # s
        self._quiet = True  # since then
        self.resume()

    @property
    def owner(self) -> str:
        """The owner of its notes on the MIDI port."""
        return f"{self.client.key}/live/{self.buffer}#{self.number}"

    def feed(self, block: StampedBlock) -> None:
        """Take finite mono samples, in their order."""
        before, self._end = self._end, block.end
        if block.first > before:
            self._held.skip()
        self._origin = block.at - block.first / self._rate
        self._waiting.append(block)
        while len(self._waiting) > 1 and self._end - self._waiting[0].first > KEPT_HOPS * self._hop:
            self._waiting.pop(0)
        self._quiet = self._quiet and not np.any(np.abs(block.samples) > _QUIET)
        waiting = self._end - self._waiting[0].first
        if waiting >= self._hop and not self._hand_over() and waiting >= 2 * self._hop:
            passed = self._end // self._hop - before // self._hop
            self.counts = replace(self.counts, missed=self.counts.missed + passed)
        self._tell_status()

    def on_event(self, event: LiveEstimated | LiveFailed) -> None:
        """Take the estimate after a hop, or learn that there will be none."""
        with surviving(f"live input {self.buffer} of {self.client.key}", self._fail):
            if isinstance(event, LiveFailed):
                raise event.error
            self._update(event)

    def _update(self, event: LiveEstimated) -> None:
        self._under_way = False
        self.counts = replace(self.counts, hops=self.counts.hops + 1, busy=self.counts.busy + event.seconds)
        now, at_once = self._now(), self.settings.lane == "preview"
        self._latency = self._held.at(now, self.settings.latency_ms / 1000.0)
        due = event.estimate.edge if at_once else self._deadline.due(now, self._latency) - self._origin
        self._held.cover(self._origin + min(due, event.estimate.edge - PREVIEW_AGE))
        self._tell(self._notes.update(event.estimate, due), now if at_once else None)
        if self.settings.pedal == "on":
            self._tell_pedal(self._pedal.update(event.estimate, due), now if at_once else None)
        else:
            self._tell_pedal(self._pedal.finish(event.estimate.edge), now)

    def resume(self) -> None:
        """Start in a new inference process, or in the first one."""
        self._under_way = self._failed = False
        self._held.skip()
        self._waiting.clear()
        if self._worker.is_ready:
            self._worker.send_live(LiveOpen(self.number, self._rate))

    def interrupt(self) -> None:
        """End every note, as the process that would detect their ends is gone; ``resume`` continues."""
        self._under_way = False
        self._silence()

    def _fail(self, error: DiffrollError) -> None:
        """End every note and report why the input is no longer transcribed."""
        self.interrupt()
        self._failed = True
        self.client.send_error(self.buffer, error)

    def close(self) -> None:
        """End every note and stop. Safe to call again."""
        self._worker.send_live(LiveClose(self.number))
        self._silence()
        self._on_close()

    def _hand_over(self) -> bool:
        """Send the waiting samples, unless a hop is being transcribed; return whether they were sent."""
        if self._under_way or self._failed or not self._worker.is_ready or not self._waiting:
            return False
        self._worker.send_live(LiveFeed(self.number, self._waiting[0].first, join(self._waiting)))
        self._waiting.clear()
        self._under_way = True
        return True

    def _silence(self) -> None:
        self._tell(self._notes.finish(self._end / self._rate), self._now())
        self._tell_pedal(self._pedal.finish(self._end / self._rate), self._now())
        self._sounding.clear()
        if self._midi is not None:
            self._midi.cancel(self.owner)

    def _tell(self, notes: tuple[LaneNote, ...], at: float | None) -> None:
        """Deliver reports of notes; committed ones sound ``at`` a time, or the held latency after they were played."""
        for note in notes:
            if self.settings.deliver != "midi":
                duration = 0.0 if note.offset is None else note.offset - note.onset
                row = (note.index, note.lane, note.pitch, note.onset, duration, note.velocity)
                self.client.send(LiveNote(self.buffer, *row))
            self._sound(note, at)
            for listener in self.listeners:
                listener(note, self._origin)

    def _sound(self, note: LaneNote, at: float | None) -> None:
        """Start and end committed notes; a note that is taken back ends at once."""
        if self._midi is None:
            return
        later = self._origin + self._latency
        channel = self._sounding.get(note.index)
        if channel is None and note.lane == "commit" and note.offset is None and self.settings.deliver != "osc":
            channel = self._sounding[note.index] = self.settings.channel - 1
            due = at if at is not None else later + note.onset
            try:
                self._midi.hold(self.owner, channel, note.pitch, note.velocity, due)
            except DiffrollError as error:
                self.client.send_error(self.buffer, error)
        elif channel is not None and (note.offset is not None or not note.velocity):
            due = at if at is not None and note.offset is not None else self._now()
            if at is None and note.offset is not None and note.velocity:
                due = later + note.offset
            self._midi.release(self.owner, channel, note.pitch, due)
            del self._sounding[note.index]

    def _tell_pedal(self, moves: tuple[PedalMove, ...], at: float | None) -> None:
        """Deliver movements of the pedal; they happen ``at`` a time, or as much later as notes sound."""
        for move in moves:
            if self.settings.deliver != "midi":
                self.client.send(LivePedal(self.buffer, int(move.down), move.at))
            due = at if at is not None else self._origin + self._latency + move.at
            self._hold_pedal(due, down=move.down)

    def _hold_pedal(self, due: float, *, down: bool) -> None:
        if self._midi is None:
            return
        if self._pedal_channel is not None:
            self._midi.release(self.owner, self._pedal_channel, PEDAL, due)
            self._pedal_channel = None
        if down and self.settings.deliver != "osc":
            self._pedal_channel = self.settings.channel - 1
            try:
                self._midi.hold(self.owner, self._pedal_channel, PEDAL, PRESSED, due)
            except DiffrollError as error:
                self.client.send_error(self.buffer, error)

    def _tell_status(self) -> None:
        """Report the counts once a second, but not during silence in which nothing goes wrong."""
        now = self._now()
        passed = now - self._told_at
        if passed < STATUS_SECONDS:
            return
        late = self._midi.dropped(self.owner) if self._midi is not None else 0
        load = min(1.0, (self.counts.busy - self._told.busy) / passed)
        seconds = self._end / self._rate
        if not self._quiet or (self.counts.missed, late) != (self._told.missed, self._told_late):
            counts = (self.counts.hops, self.counts.missed, late)
            self.client.send(LiveStatus(self.buffer, seconds, *counts, load, 1000.0 * self._latency))
        self._told, self._told_late, self._told_at, self._quiet = self.counts, late, now, True
