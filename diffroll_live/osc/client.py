"""A client of the daemon: one request at a time over OSC and TCP, with the interface of an engine.

TCP loses nothing, so nothing is sent twice here; examples/daw.py shows a DAW's script over UDP.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
import zlib
from collections import defaultdict, deque
from typing import Any

from diffroll_live.errors import DiffrollError, Incomplete, ProtocolError, TimedOut
from diffroll_live.osc import codec, messages, replies
from diffroll_live.osc import job_messages as jobs
from diffroll_live.osc.bend_replies import Bend
from diffroll_live.osc.client_codec import MAX_PACKET, error_of, read_reply, write_message
from diffroll_live.osc.client_job import GridReader, job_messages, result_of
from diffroll_live.osc.framing import PacketReader, frame
from diffroll_live.osc.grid_replies import JobGrid, JobGridChange
from diffroll_live.osc.pedal_replies import Pedal
from diffroll_live.osc.standing import Standing
from diffroll_live.osc.status_replies import Status
from diffroll_live.types import AudioBuffer, Control, NoteEvent, PedalSpan, Request, Result, StreamedNote

CHUNK_BYTES = 1 << 16
SILENCE = 30.0  # s without a message from the daemon, or with none but of other things, until it is asked
TIMEOUT = 10.0  # s that a silent one then has to answer
ANSWER = 60.0  # s for a single answer from a daemon that is not silent
_READ_BYTES = 1 << 16


class Client:
    """A connection to a daemon. ``welcome`` describes its model.

    Raises errors.TimedOut when no daemon answers: it has ``patience`` seconds to connect, and as many to greet.
    """

    def __init__(self, host: str, port: int, name: str = "client", *, patience: float = TIMEOUT) -> None:
        self._where, self._patience = f"{host}:{port}", patience
        self._stream = PacketReader(MAX_PACKET)
        self._pending: deque[codec.Message] = deque()
        self._is_lost = False  # the daemon is gone or silent: nothing more can be asked
        self._known = time.monotonic()  # when it was last heard how its jobs stand
        self._asked: float | None = None  # and when that was asked again
        self._numbers = itertools.count(1)  # of pings
        self._names = (f"{name}-{number}"[-32:] for number in itertools.count(1))
        try:
            self._socket = socket.create_connection((host, port), timeout=patience)
        except OSError as error:
            raise TimedOut(
                f"No daemon answers at {self._where}. Start one with 'diffroll-live serve', or give its address with "
                "--host and --port."
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a request is several small messages
        self._socket.settimeout(min(SILENCE, patience))
        try:
            self.welcome: replies.Welcome = self._ask(messages.Hello(name), replies.Welcome)
        except BaseException:
            self.close()
            raise
        self._patience = TIMEOUT
        self._socket.settimeout(SILENCE)

    def status(self) -> Status:
        """Ask what the daemon is doing."""
        status: Status = self._ask(messages.StatusQuery(), Status)
        return status

    def run(self, request: Request, control: Control) -> Result:
        """Run a request in the daemon, which plays none of its notes. Pictures are not sent.

        Raises the daemon's error as the class of `errors` with its code, TimedOut when it stops answering.
        """
        job, self._known, self._asked = next(self._names), time.monotonic(), None
        buffer = f"{job}-audio" if request.audio is not None else ""
        try:
            result = self._answer(job, buffer, request, control)
        except BaseException as error:
            if self._is_lost:
                raise
            with contextlib.suppress(TimedOut):
                if not isinstance(error, DiffrollError):
                    self._post(jobs.JobCancel(job))
                self._settle(buffer)
            raise
        if buffer:
            with contextlib.suppress(TimedOut):  # all notes are here
                self._settle(buffer)
        return result

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _answer(self, job: str, buffer: str, request: Request, control: Control) -> Result:
        if request.audio is not None:
            self._send_audio(buffer, request.audio, control)
        for message in job_messages(job, buffer, request):
            self._post(message)
        return self._follow(job, request, control)

    def _settle(self, buffer: str) -> None:
        """Free the buffer, if there is one, and skip what the daemon has to say about it or about the job.

        It answers in order, so that the answer to a ping comes after all of that.
        """
        number = next(self._numbers)
        if buffer:
            self._post(messages.AudioFree(buffer))
        self._post(messages.Ping(number))
        deadline = time.monotonic() + ANSWER
        while self._next() != replies.Pong(number):
            self._check(deadline, "a ping")

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
        """Collect notes until the job is done. Raises errors.UnknownJob when the daemon has lost the job."""
        notes: dict[tuple[int, int], NoteEvent] = {}
        pedal: list[PedalSpan] = []
        points: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)  # of bends
        standing, grid = Standing(job, next(self._numbers)), GridReader(job, request.meter)
        done: Result | None = None
        while done is None or grid.is_awaited:
            reply = self._reply()
            standing.hear(reply)
            match reply:
                case replies.JobProgress(owner, step, steps) if owner == job:
                    control.progress(step, steps)
                case JobGrid(owner) | JobGridChange(owner) if owner == job:
                    self._hear_grid(grid, reply, control)
                case replies.Note(owner, index, pitch, onset, duration, velocity, variation) if owner == job:
                    note = NoteEvent(onset, onset + duration, pitch, velocity)
                    notes[variation, index] = note
                    control.notes((StreamedNote(index, variation, note),))
                case Pedal(owner, down, held) if owner == job:
                    pedal.append(PedalSpan(down, down + held))
                case Bend(owner, index, after, semitones, variation) if owner == job:
                    points[variation, index].append((after, semitones))
                case replies.JobDone(owner, count, seed, latency_ms) if owner == job:
                    if count != len(notes):
                        raise ProtocolError(f"The daemon sent {len(notes)} of {count} notes; send the task again.")
                    done = result_of(request, notes, pedal, points, seed, latency_ms / 1000)
        return done

    def _hear_grid(self, grid: GridReader, reply: JobGrid | JobGridChange, control: Control) -> None:
        """Take a word about a job's bars and beats; ask for what is missing, or pass them on when they are whole."""
        if isinstance(reply, JobGridChange):
            grid.take(reply)
        elif (question := grid.begin(reply)) is not None:
            self._post(question)
        if not grid.is_awaited:
            control.grid(grid.meter)

    def _post(self, message: Any) -> None:
        packet = frame(write_message(message))
        try:
            self._socket.sendall(packet)
        except OSError as error:
            raise self._lost(f"hung up ({error.strerror or error}).") from error

    def _ask(self, message: Any, wanted: type[Any]) -> Any:
        """Send a message and wait for the reply of the wanted kind."""
        self._post(message)
        deadline = time.monotonic() + ANSWER
        while not isinstance(reply := self._reply(), wanted):
            if isinstance(reply, replies.AudioMissing):
                raise Incomplete("The daemon did not get all of the audio; send the task again.")
            self._check(deadline, type(message).__name__)
        return reply

    def _check(self, deadline: float, question: str) -> None:
        """Raise TimedOut when it is too late for an answer."""
        if time.monotonic() > deadline:
            raise self._lost(f"does not answer {question}; start it again.")

    def _lost(self, how: str) -> TimedOut:
        self._is_lost = True
        return TimedOut(f"The daemon at {self._where} {how}")

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
        reply = read_reply(self._pending.popleft())
        self._look_in(reply)
        return reply

    def _look_in(self, reply: Any) -> None:
        """Ask now and then how the jobs stand, whatever else arrives. Raises TimedOut when that is not answered."""
        now = time.monotonic()
        if isinstance(reply, replies.Pong):
            self._known, self._asked = now, None
        elif self._asked is not None:
            self._check(self._asked + ANSWER, "how its jobs stand")
        elif now - self._known > SILENCE:
            self._asked = now
            self._ask_how_jobs_stand()

    def _ask_how_jobs_stand(self) -> None:
        self._post(messages.StatusQuery())
        self._post(messages.Ping(next(self._numbers)))

    def _read(self) -> bytes:
        """Read what has arrived; ask a daemon that is silent for long how its jobs stand."""
        try:
            return self._receive()
        except TimeoutError:
            self._ask_how_jobs_stand()
        self._socket.settimeout(self._patience)
        try:
            return self._receive()
        except TimeoutError as error:
            raise self._lost("has stopped answering; start it again.") from error
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
            raise self._lost("hung up.")
        return data
