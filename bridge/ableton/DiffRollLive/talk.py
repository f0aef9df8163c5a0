"""A job's talk with the daemon, message by message, from hello to the last note.

The talk is a generator that is resumed with each message, and with None at each tick; it never waits by itself.
It takes notes only for the job that it has asked for, and nothing that it is sent is more than numbers and names.
"""

from __future__ import annotations

import binascii
import math
import os
import time
from typing import Any, Callable, Dict, Generator, List, NamedTuple, Optional, Sequence, Tuple

from .failures import Failure
from .link import Link
from .osc import Message, bundles, encode
from .sustain import sustained

PROTOCOL = 1
PATIENCE = 1.0  # s for an answer to hello, and between questions whether a silent daemon is still there
ATTEMPTS = 4
MAX_NOTES = 200000
ARGUMENTS = {
    "/diffroll/job/progress": 3,
    "/diffroll/job/done": 2,
    "/diffroll/pedal": 3,
}  # what is shorter is passed over


class Note(NamedTuple):
    """A note, in seconds on the axis of the job."""

    pitch: int
    time: float
    duration: float
    velocity: int


class Region(NamedTuple):
    """Where the daemon may write: seconds [begin, end) on the same axis, pitches low to high, both included."""

    begin: float
    end: float
    low: int
    high: int
    hear: int  # 1 lets it hear the audio there


class Tempo(NamedTuple):
    """The tempo from a second of the same axis on, in quarter notes a minute, the signature, and the beat there.

    Beats are quarter notes; bars are counted from beat 0.
    """

    time: float
    bpm: float
    numerator: int
    denominator: int
    beat: float


class Question(NamedTuple):
    """A job as the daemon is asked for it. Without a path it needs no audio."""

    task: str
    path: str
    start: float  # s, in the file
    duration: float  # s
    origin: float  # s, in the DAW
    regions: Sequence[Region]
    known: Sequence[Note]
    options: Sequence[Tuple[str, Any]]
    tempi: Sequence[Tempo] = ()


Key = Tuple[int, int]  # variation and index
Talk = Generator[None, Optional[Message], List[Note]]


class Conversation:
    """One job, asked and answered."""

    def __init__(self, link: Link, question: Question, say: Callable[[str], None]) -> None:
        token = binascii.hexlify(os.urandom(6)).decode("ascii")
        self.job, self._buffer = "live-" + token, "audio-" + token
        self._link = link
        self._question = question
        self._say = say
        self._talk = self._run()
        next(self._talk)

    def tick(self) -> Optional[List[Note]]:
        """Go on as far as possible; give the notes when all have come. Raises Failure."""
        messages = self._link.poll()
        self._link.tick()
        try:
            for message in messages:
                self._talk.send(message)
            self._talk.send(None)
        except StopIteration as end:
            self._free()
            return list(end.value)
        except Failure:
            self._free()
            raise
        return None

    def cancel(self) -> None:
        """Tell the daemon that the notes are no longer wanted."""
        self._link.send(encode("/diffroll/job/cancel", self.job))
        self._free()

    def _free(self) -> None:
        if self._question.path:
            self._link.send(encode("/diffroll/audio/free", self._buffer))

    def _run(self) -> Talk:
        self._link.forget()
        yield from self._greet()
        self._link.queue(bundles(self._request()))
        while not self._link.idle:
            yield
        return (yield from self._collect())

    def _greet(self) -> Generator[None, Optional[Message], None]:
        for _ in range(ATTEMPTS):
            self._link.send(encode("/diffroll/hello", "Ableton Live"))
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                message = yield
                if message is not None and message.address == "/diffroll/error":
                    self._raise(message)
                if message is not None and message.address == "/diffroll/welcome":
                    if message.args[:1] != (PROTOCOL,):
                        raise Failure("bad-message", "The daemon speaks another protocol; update script and daemon.")
                    return
        raise Failure("timed-out", "The daemon does not answer; if it has just been started, press again in a moment.")

    def _request(self) -> List[bytes]:
        ask, job = self._question, self.job
        packets = []
        if ask.path:
            place = (ask.start, ask.duration, ask.origin)
            packets.append(encode("/diffroll/audio/file", self._buffer, ask.path, *place))
        packets.append(encode("/diffroll/job/new", job, ask.task, self._buffer if ask.path else ""))
        packets += [encode("/diffroll/job/region", job, *r) for r in ask.regions]
        packets += [encode("/diffroll/job/note", job, n.pitch, n.time, n.duration, n.velocity) for n in ask.known]
        packets += [encode("/diffroll/job/tempo", job, *row) for row in ask.tempi]
        packets += [encode("/diffroll/job/set", job, *option) for option in (*ask.options, ("deliver", "osc"))]
        packets.append(encode("/diffroll/job/run", job))
        return packets

    def _collect(self) -> Talk:
        notes: Dict[Key, Note] = {}
        pedal: Dict[float, float] = {}
        watch = _Watch(self._link, self.job)
        while True:
            message = yield
            if message is None:
                watch.tick()
                continue
            watch.heard(message)
            if message.address == "/diffroll/error":
                self._raise(message)
            elif message.args[:1] == (self.job,) and self._take(message, notes, pedal):
                if len(notes) == message.args[1]:
                    return sustained([notes[key] for key in sorted(notes) if key[0] == 0], pedal)
                watch.ask_again()  # those that have come are kept: the same come once more

    def _take(self, message: Message, notes: Dict[Key, Note], pedal: Dict[float, float]) -> bool:
        """Take what the daemon says of our job; tell whether that was the end. Raises Failure."""
        if len(message.args) < ARGUMENTS.get(message.address, 1):
            return False
        if message.address == "/diffroll/job/progress":
            self._say("{}: {} of {}".format(self._question.task, *message.args[1:3]))
        elif message.address == "/diffroll/job/cancelled":
            raise Failure("cancelled", "The daemon cancelled the job; nothing was changed.")
        elif message.address == "/diffroll/note" and len(notes) < MAX_NOTES:
            key, note = read_note(message)
            notes[key] = note
        elif message.address == "/diffroll/pedal" and all(map(_finite, message.args[1:3])) and len(pedal) < MAX_NOTES:
            down, held = message.args[1:3]
            pedal[down] = down + held
        return message.address == "/diffroll/job/done"

    def _raise(self, message: Message) -> None:
        """Raise what the daemon says went wrong, unless it is about an earlier job, or about Live's position."""
        about, code, text = (str(arg) for arg in (*message.args, "", "", "")[:3])
        named = about.startswith(("live-", "audio-", "/diffroll/transport"))
        if not named or about in (self.job, self._buffer):
            raise Failure(code, text)


class _Watch:
    """Notices that the daemon has fallen silent, or has come up anew and knows nothing of the job."""

    def __init__(self, link: Link, job: str) -> None:
        self._link = link
        self._job = job
        self._quiet_since = time.monotonic()
        self._asked = 0  # in vain
        self._strange = 0  # answers that do not know the job
        self._sent_again = 0

    def tick(self) -> None:
        """Ask a silent daemon how the job stands. Raises Failure when it does not answer."""
        if time.monotonic() - self._quiet_since < PATIENCE:
            return
        if self._asked >= 10 * ATTEMPTS:
            raise Failure("timed-out", "The daemon has stopped answering; start it again. Nothing was changed.")
        self._quiet_since = time.monotonic()
        self._asked += 1
        self._link.send(encode("/diffroll/status"))

    def heard(self, message: Message) -> None:
        """Take note that the daemon lives. Raises Failure when it no longer knows the job."""
        self._quiet_since = time.monotonic()
        self._asked = 0
        if message.address == "/diffroll/status/job" and len(message.args) >= 3:
            self._row(message)
        elif message.address == "/diffroll/status":
            self._strange += 1
            if self._strange > ATTEMPTS:
                raise Failure("unknown-job", "The daemon was started anew and has lost the job; press again.")

    def _row(self, message: Message) -> None:
        """Read how a job stands; when ours has ended and we were not told, ask for its notes."""
        name, _, state = message.args[:3]
        if name != self._job:
            return
        self._strange = 0
        if state == "done":
            self.ask_again()
        elif state == "new":  # the message that runs it, or the error that answered it, was lost on the way
            raise Failure("incomplete", "The daemon did not get the whole job; press again.")
        elif state in ("failed", "cancelled"):
            raise Failure("cancelled", "The job has ended without notes; press again.")

    def ask_again(self) -> None:
        """Ask for all notes once more. Raises Failure when that has been in vain too often."""
        self._sent_again += 1
        if self._sent_again > ATTEMPTS:
            raise Failure("incomplete", "Notes keep getting lost on the way from the daemon; nothing was changed.")
        self._link.send(encode("/diffroll/job/notes", self._job))


def read_note(message: Message) -> Tuple[Key, Note]:
    """Read a note, with its variation and index. Raises Failure for what is no note."""
    try:
        _, index, pitch, onset, duration, velocity, variation = message.args[:7]
        whole = all(isinstance(value, int) for value in (index, pitch, velocity, variation))
        sane = whole and 0 <= pitch <= 127 and 1 <= velocity <= 127 and 0 <= index < MAX_NOTES
        if sane and _finite(onset) and _finite(duration) and duration > 0:
            return (variation, index), Note(pitch, float(onset), float(duration), velocity)
    except ValueError:
        pass
    raise Failure("bad-message", "The daemon sent a note that is none; update script and daemon.")


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 1e6
