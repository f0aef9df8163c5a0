"""Where the notes of a job go: over OSC to its client, to the MIDI port, into a file. Knows nothing of the worker."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from diffroll_live.config import ServerConfig
from diffroll_live.errors import DiffrollError, PortError, RequestError
from diffroll_live.files.midi_file import write_smf
from diffroll_live.files.paths import allowed_save_paths
from diffroll_live.meter.meter_map import NO_METER, MeterMap
from diffroll_live.midi.bend import as_keys
from diffroll_live.midi.pedal import as_key
from diffroll_live.music.mpe import MANAGER, express
from diffroll_live.music.quantize import NoteShaping
from diffroll_live.osc import bend_replies
from diffroll_live.osc.pedal_replies import Pedal
from diffroll_live.osc.replies import Late, Note
from diffroll_live.server.clients import Client
from diffroll_live.server.job import Job, NoteKey
from diffroll_live.server.midi_output import LEAD, MidiOut, when_silent
from diffroll_live.timeline.timeline import Timeline
from diffroll_live.types import AudioBuffer, Bend, NoteEvent, PedalSpan, Result

logger = logging.getLogger(__name__)

_BATCH = 500  # notes that are encoded before the loop serves others


@dataclass(slots=True)
class Playback:
    """One playback of a job's notes on the MIDI port.

    ``start`` is the time of their second 0 on the scheduler's clock, which the first notes determine. ``channels`` are
    those of an MPE zone, from 0, where notes bend.
    """

    owner: str
    muted: bool = False
    start: float | None = None
    channels: tuple[int, ...] = ()


class NoteDelivery:
    """Delivers notes."""

    def __init__(self, config: ServerConfig, midi: MidiOut | None, timeline: Timeline) -> None:
        self._config = config
        self._midi = midi
        self._timeline = timeline
        self._plays = itertools.count(1)

    def check(self, job: Job) -> None:
        """Refuse an impossible delivery before anything runs. Raises errors.PortError, errors.FileError."""
        delivery = job.settings.delivery
        if delivery.deliver == "midi" and self._midi is None:
            raise PortError("There is no MIDI output on this machine; set deliver to osc, or see diffroll-live doctor.")
        if delivery.save:
            allowed_save_paths(delivery.save, job.settings.options.variations, self._config.allowed_folders)

    def send(self, client: Client, job: Job, notes: Iterable[tuple[NoteKey, NoteEvent]]) -> None:
        """Send notes over OSC, shaped as the job wants them."""
        shape = self._shape(job)
        for (variation, index), note in ((key, shape.apply(note)) for key, note in notes):
            client.send(
                Note(job.name, index, note.pitch, note.onset, note.offset - note.onset, note.velocity, variation)
            )

    async def send_all(
        self, client: Client, job: Job, notes: Iterable[tuple[NoteKey, NoteEvent]], wanted: Callable[[], bool]
    ) -> None:
        """Send any number of notes over OSC without blocking the loop, for as long as they are wanted."""
        rest = iter(notes)
        while wanted() and (batch := tuple(islice(rest, _BATCH))):
            self.send(client, job, batch)
            await asyncio.sleep(0)

    def sound(
        self, client: Client, job: Job, playback: Playback, notes: Sequence[NoteEvent], bends: Sequence[Bend] = ()
    ) -> None:
        """Play notes on the MIDI port, following the job's delivery settings and its earlier notes.

        Where some bend, they are all there are of the job, and are spread over the channels of an MPE zone.
        """
        if self._midi is None or playback.muted or not notes:
            return
        if job.owner != playback.owner:
            job.owner, job.late = playback.owner, 0
        delivery = job.settings.delivery
        played, playback.channels = self._on_port(job, notes, bends)
        try:
            if delivery.when == "transport":
                self._midi.place(playback.owner, played, job.origin)
                return
            if playback.start is None:
                playback.start = self._midi.now() + LEAD - min(note.onset for note in played)
            self._midi.play(playback.owner, played, playback.start)
        except DiffrollError as error:
            client.send_error(job.name, error)

    async def send_bends(
        self,
        client: Client,
        job: Job,
        notes: Iterable[tuple[NoteKey, NoteEvent]],
        bends: Iterable[Bend],
        wanted: Callable[[], bool],
    ) -> None:
        """Send the bends of notes over OSC, for as long as they are wanted; as ``send_all`` does."""
        curves = {bend.note: bend.points for bend in bends}
        rest = (
            bend_replies.Bend(job.name, index, after, semitones, variation)
            for (variation, index), note in (notes if curves else ())
            for after, semitones in curves.get(note, ())
        )
        while wanted() and (batch := tuple(islice(rest, _BATCH))):
            for point in batch:
                client.send(point)
            await asyncio.sleep(0)

    def send_pedal(self, client: Client, job: Job, pedal: Iterable[PedalSpan]) -> None:
        """Send the spans of the sustain pedal over OSC; quantization leaves them alone."""
        for span in pedal:
            client.send(Pedal(job.name, span.down, span.up - span.down))

    def press(self, client: Client, job: Job, playback: Playback, pedal: Iterable[PedalSpan]) -> None:
        """Play the sustain pedal with the notes of a playback; what of it is over by now is left out."""
        if self._midi is None or playback.muted:
            return
        delivery, begun = job.settings.delivery, -math.inf
        if delivery.when != "transport":
            if playback.start is None:
                return  # no notes, so nothing to hold
            begun = self._midi.now() - playback.start
        channels = playback.channels or (delivery.channel - 1,)
        spans = [PedalSpan(max(span.down, begun), span.up) for span in pedal]
        keys = [as_key(replace(span, channel=each)) for span in spans if span.down < span.up for each in channels]
        if not keys:
            return
        try:
            if delivery.when == "transport":
                self._midi.place(playback.owner, keys, job.origin)
            elif playback.start is not None:
                self._midi.play(playback.owner, keys, playback.start)
        except DiffrollError as error:
            client.send_error(job.name, error)

    def play(self, client: Client, job: Job, variation: int) -> None:
        """Play a variation instead of what was played of the job: from its first note, or on the DAW's timeline.

        Raises errors.RequestError, errors.PortError.
        """
        if self._midi is None:
            raise PortError("There is no MIDI output on this machine; see diffroll-live doctor.")
        if job.result is None:
            raise RequestError(f"The job {job.name!r} has no notes yet; play it when it is done.")
        if not 0 <= variation < len(job.result.variations):
            raise RequestError(f"The job {job.name!r} has no variation {variation}; count from 0.")
        self.silence(job, lambda: None)
        playback = Playback(f"{client.key}/{job.request_id}/{next(self._plays)}")
        self.sound(client, job, playback, job.result.variations[variation], job.result.bends)
        self.press(client, job, playback, job.result.pedal)

    def replay(self, client: Client, job: Job) -> None:
        """Play the final first variation instead of what was played of the job, where there is MIDI."""
        if self._midi is not None and job.result is not None:
            self.play(client, job, 0)

    def silence(self, job: Job, then: Callable[[], None]) -> None:
        """End the sounding notes of a job, then call ``then``."""
        if self._midi is None or not job.owner:
            then()
        else:
            when_silent(self._midi.cancel(job.owner), then)

    def panic(self, then: Callable[[], None]) -> None:
        """End all notes on every port, then call ``then``."""
        if self._midi is None:
            then()
        else:
            when_silent(self._midi.panic(), then)

    def tell_late(self, client: Client) -> None:
        """Tell a client how many notes were too late, when there are more than last time."""
        for job in client.jobs:
            dropped = self._midi.dropped(job.owner) if self._midi is not None and job.owner else 0
            if dropped > job.late:
                job.late = dropped
                client.send(Late(job.name, dropped))

    def placed(self, audio: AudioBuffer) -> AudioBuffer:
        """A live input at the place of the DAW's timeline where it was heard, if the DAW plays; else as it is."""
        position = None if audio.heard_at is None else self._timeline.position_at(audio.heard_at)
        return audio if position is None else replace(audio, origin=position)

    def meter(self, job: Job, audio: AudioBuffer | None) -> MeterMap | None:
        """The bars and beats of a job: the client's, else the DAW's, else None.

        What was heard live has the DAW's only while the DAW moves to a beat: where none goes by, none was played to.
        """
        if job.tempi:
            return job.given_meter
        if audio is None or audio.heard_at is None:
            return self._timeline.meter(audio.origin if audio is not None else job.settings.delivery.origin)
        meter = self._timeline.meter_on_clock(audio.heard_at)
        return meter.from_time(audio.heard_at) if meter is not None else None

    async def save(self, client: Client, job: Job, result: Result) -> None:
        """Write each variation of a job as a MIDI file, if it asked for that; the client is told of a failure."""
        path = job.settings.delivery.save
        if path:
            try:
                await self.save_as(path, job, result)
            except DiffrollError as error:
                client.send_error(job.name, error)

    async def save_as(self, path: str, job: Job, result: Result) -> None:
        """Write each variation of a result as a MIDI file, shaped as the job wants them.

        Raises errors.FileError for a path that is not allowed, or cannot be written.
        """
        loop = asyncio.get_running_loop()
        shape, meter = self._shape(job), job.counted_on or NO_METER
        paths = allowed_save_paths(path, len(result.variations), self._config.allowed_folders)
        bends = [replace(bend, note=shape.apply(bend.note)) for bend in result.bends]
        for each, variation in zip(paths, result.variations, strict=True):
            notes = tuple(sorted(shape.apply(note) for note in variation))
            await loop.run_in_executor(None, partial(write_smf, each, notes, meter, result.pedal, bends))

    def _on_port(
        self, job: Job, notes: Sequence[NoteEvent], bends: Sequence[Bend]
    ) -> tuple[tuple[NoteEvent, ...], tuple[int, ...]]:
        """The notes of a job as they are played, with their bends, and the channels of an MPE zone, if it needs one."""
        shape = self._shape(job)

        def shaped(note: NoteEvent, channel: int = MANAGER) -> NoteEvent:
            return replace(shape.apply(note), channel=channel)

        expression = express(map(shaped, notes), [replace(bend, note=shaped(bend.note)) for bend in bends])
        if expression.members:
            return as_keys(expression), expression.channels
        return tuple(shaped(note, job.settings.delivery.channel - 1) for note in notes), ()

    def _shape(self, job: Job) -> NoteShaping:
        delivery = job.settings.delivery
        scale = job.settings.options.scale
        kept = frozenset(job.given) if delivery.quantize or scale else frozenset[NoteEvent]()
        meter = job.counted_on
        if meter is None or meter.source not in {"given", "estimated"}:
            tempo_map, origin = self._timeline.tempo_map, job.origin  # as it is now
        else:
            tempo_map, origin = meter.tempo, 0.0
        return NoteShaping(delivery.quantize, scale, tempo_map, origin, kept)
