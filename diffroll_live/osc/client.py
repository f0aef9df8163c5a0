"""A client of the daemon: one request at a time over OSC and TCP, with the interface of an engine.

TCP loses nothing, so nothing is sent twice here; examples/daw.py shows a DAW's script over UDP.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import socket
import struct
import zlib
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any, cast

from diffroll_live.errors import DiffrollError, ProtocolError, TimedOut, UnknownBuffer
from diffroll_live.meter import Source, steady_meter
from diffroll_live.music.plan import plan_request
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.osc import codec, messages, replies
from diffroll_live.osc.client_codec import MAX_PACKET, error_of, read_reply, write_message
from diffroll_live.osc.framing import PacketReader, frame
from diffroll_live.types import AudioBuffer, Control, NoteEvent, Options, Request, Result, StreamedNote, Timings

CHUNK_BYTES = 1 << 16
SILENCE = 30.0  # s without a message from the daemon until it is pinged
TIMEOUT = 10.0  # s that it then has to answer
_READ_BYTES = 1 << 16


class Client:
    """A connection to a daemon. ``welcome`` describes its model.

    Raises errors.TimedOut when no daemon answers: it has ``patience`` seconds to connect, and as many to greet.
    """

    def __init__(self, host: str, port: int, name: str = "client", *, patience: float = TIMEOUT) -> None:
        self._where, self._patience = f"{host}:{port}", patience
        self._stream = PacketReader(MAX_PACKET)
        self._pending: deque[codec.Message] = deque()
        self._names = (f"{name}-{number}"[-32:] for number in itertools.count(1))
        try:
            self._socket = socket.create_connection((host, port), timeout=patience)
        except OSError as error:
            raise TimedOut(
                f"No daemon answers at {self._where}. Start one with 'diffroll-live serve', or give its address with "
                "--host and --port."
            ) from error
        self._socket.settimeout(min(SILENCE, patience))
        try:
            self.welcome: replies.Welcome = self._ask(messages.Hello(name), replies.Welcome)
        except BaseException:
            self.close()
            raise
        self._patience = TIMEOUT
        self._socket.settimeout(SILENCE)

    def status(self) -> replies.Status:
        """Ask what the daemon is doing."""
        status: replies.Status = self._ask(messages.StatusQuery(), replies.Status)
        return status

    def run(self, request: Request, control: Control) -> Result:
        """Run a request in the daemon, which plays none of its notes. Pictures are not sent.

        Raises the daemon's error as the class of `errors` with its code, TimedOut when it stops answering.
        """
        job = next(self._names)
        buffer = f"{job}-audio" if request.audio is not None else ""
        try:
            result = self._answer(job, buffer, request, control)
        except TimedOut:  # there is nothing left to clean up
            raise
        except BaseException as error:
            with contextlib.suppress(TimedOut):
                if not isinstance(error, DiffrollError):
                    self._post(messages.JobCancel(job))
                self._free(buffer)
            raise
        self._free(buffer)
        return result

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _answer(self, job: str, buffer: str, request: Request, control: Control) -> Result:
        if request.audio is not None:
            self._send_audio(buffer, request.audio, control)
        for message in _job_messages(job, buffer, request):
            self._post(message)
        return self._follow(job, request, control)

    def _free(self, buffer: str) -> None:
        """Free a buffer, if the daemon has it, and skip what it still sends about the abandoned job."""
        if not buffer:
            return
        self._post(messages.AudioFree(buffer))
        while True:
            match self._next():
                case replies.AudioFreed(name) if name == buffer:
                    return
                case replies.Error(UnknownBuffer.code) as error if buffer in error.text:
                    return

    def _send_audio(self, name: str, audio: AudioBuffer, control: Control) -> None:
        data = audio.samples.astype("<f4").tobytes()
        opening = messages.AudioOpen(name, audio.sample_rate, 1, len(audio.samples), "f32", CHUNK_BYTES, audio.origin)
        self._ask(opening, replies.AudioOpened)
        chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
        for index, chunk in enumerate(chunks):
            self._post(messages.AudioChunk(name, index, chunk))
            control.progress(index + 1, len(chunks))
        checksum = zlib.crc32(data)
        self._ask(messages.AudioClose(name, len(chunks), checksum - (checksum >> 31 << 32)), replies.AudioReady)

    def _follow(self, job: str, request: Request, control: Control) -> Result:
        """Collect notes until the job is done."""
        notes: dict[tuple[int, int], NoteEvent] = {}
        while True:
            match self._reply():
                case replies.JobProgress(_, step, steps):
                    control.progress(step, steps)
                case replies.JobGrid(owner, source, confidence, bpm, numerator, denominator, bar_at) if owner == job:
                    control.grid(steady_meter(bpm, (numerator, denominator), bar_at, cast(Source, source), confidence))
                case replies.Note(owner, index, pitch, onset, duration, velocity, variation) if owner == job:
                    note = NoteEvent(onset, onset + duration, pitch, velocity)
                    notes[variation, index] = note
                    control.notes((StreamedNote(index, variation, note),))
                case replies.JobDone(owner, count, seed, latency_ms) if owner == job:
                    if count != len(notes):
                        raise ProtocolError(f"The daemon sent {len(notes)} of {count} notes; send the task again.")
                    return _result(request, notes, seed, latency_ms / 1000)

    def _post(self, message: Any) -> None:
        packet = frame(write_message(message))
        try:
            self._socket.sendall(packet)
        except OSError as error:
            raise TimedOut(f"The daemon at {self._where} hung up ({error.strerror or error}).") from error

    def _ask(self, message: Any, wanted: type[Any]) -> Any:
        """Send a message and wait for the reply of the wanted kind."""
        self._post(message)
        while not isinstance(reply := self._reply(), wanted):
            pass
        return reply

    def _reply(self) -> Any:
        """Wait for the next reply. Raises it if it is an error, and TimedOut when the daemon closes the connection."""
        reply = self._next()
        if isinstance(reply, replies.Error):
            raise error_of(reply)
        return reply

    def _next(self) -> Any:
        """Wait for the next message, errors included. Raises TimedOut when the daemon closes the connection."""
        while not self._pending:
            self._stream.feed(self._read())
            try:
                packets = self._stream.packets()
                self._pending.extend(codec.decode_message(each) for each in packets)
            except ProtocolError as error:
                raise ProtocolError(
                    f"Whatever answers at {self._where} does not speak OSC; give the daemon's address."
                ) from error
        return read_reply(self._pending.popleft())

    def _read(self) -> bytes:
        """Read what has arrived; ping a daemon that is silent for long."""
        try:
            return self._receive()
        except TimeoutError:
            self._post(messages.Ping())
        self._socket.settimeout(self._patience)
        try:
            return self._receive()
        except TimeoutError as error:
            raise TimedOut(f"The daemon at {self._where} has stopped answering; start it again.") from error
        finally:
            self._socket.settimeout(SILENCE)

    def _receive(self) -> bytes:
        """Read from the socket. Raises TimeoutError, and TimedOut when the daemon has closed the connection."""
        try:
            data = self._socket.recv(_READ_BYTES)
        except TimeoutError:
            raise
        except OSError:
            data = b""
        if not data:
            raise TimedOut(f"The daemon at {self._where} hung up.")
        return data


def _job_messages(job: str, buffer: str, request: Request) -> Iterator[Any]:
    """Give the messages that describe a request, option by option."""
    yield messages.JobNew(job, request.task, buffer)
    for region in request.regions:
        yield messages.JobRegion(job, region.onset, region.offset, region.low, region.high, region.hear)
    for note in filter(_is_sent, request.known):
        yield messages.JobNote(job, note.pitch, note.onset, note.duration, note.velocity)
    for change in request.meter.changes() if request.meter is not None else ():
        yield messages.JobTempo(job, change.t, change.bpm, change.numerator, change.denominator, change.beat)
    for key in Options.__dataclass_fields__:
        value = getattr(request.options, key)
        if value is not None:
            yield messages.JobSet(job, key, value)
    yield messages.JobSet(job, "deliver", "osc")
    yield messages.JobRun(job)


def _is_sent(note: NoteEvent) -> bool:
    """Whether the daemon takes a known note: others, such as key switches, are kept here alone."""
    return LOW_PITCH <= note.pitch <= HIGH_PITCH


def _result(request: Request, notes: dict[tuple[int, int], NoteEvent], seed: int, seconds: float) -> Result:
    """Put the kept notes in place of what came back of them, since OSC has no channels and rounds times."""
    kept = plan_request(request, math.inf).kept
    variations = []
    for number in range(request.options.variations):
        returned = Counter(_as_sent(note) for note in kept if _is_sent(note))
        new = []
        for note in (note for (variation, _), note in notes.items() if variation == number):
            returned[_as_sent(note)] -= 1
            if returned[_as_sent(note)] < 0:
                new.append(note)
        variations.append(tuple(sorted([*kept, *new])))
    return Result(request.id, tuple(variations), seed, Timings(total=seconds))


def _as_sent(note: NoteEvent) -> tuple[float, int, int]:
    """What OSC keeps of a note."""
    (onset,) = struct.unpack(">f", struct.pack(">f", note.onset))
    return onset, note.pitch, note.velocity
