"""What the daemon may send: one dataclass and one row of DAEMON_MESSAGES each, and their encoding.

Only the tags i, f and s are used, since some hosts drop a message that holds any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffroll_live.osc.arguments import field_types
from diffroll_live.osc.codec import encode

DEFAULT_DATAGRAM = 1024  # bytes


@dataclass(frozen=True, slots=True)
class Welcome:
    """Answer a hello."""

    protocol: int
    version: str
    model: str
    device: str
    sample_rate: int  # Hz, of the model's front end
    max_seconds: float  # of one buffer


@dataclass(frozen=True, slots=True)
class Pong:
    """Answer a ping."""

    n: int


@dataclass(frozen=True, slots=True)
class Status:
    """Tell what the daemon is doing; ``load`` is the busy share of the last ten seconds."""

    state: str  # ready, busy or restarting
    queued: int
    job: str  # the asking client's running job
    load: float  # 0..1


@dataclass(frozen=True, slots=True)
class StatusJob:
    """Tell how one of the asking client's jobs stands."""

    job: str
    task: str
    state: str
    progress: float  # 0..1


@dataclass(frozen=True, slots=True)
class Panicked:
    """Confirm that all notes are off."""


@dataclass(frozen=True, slots=True)
class AudioReady:
    """Tell that a buffer is whole and usable."""

    buffer: str
    seconds: float
    sample_rate: int  # Hz


@dataclass(frozen=True, slots=True)
class AudioOpened:
    """Tell that chunks may come, with an ack for every ``window`` of them."""

    buffer: str
    window: int


@dataclass(frozen=True, slots=True)
class AudioAck:
    """Tell how many distinct chunks have arrived."""

    buffer: str
    received: int


@dataclass(frozen=True, slots=True)
class AudioMissing:
    """List chunks to send again before the next close."""

    buffer: str
    index: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AudioListening:
    """Tell that an input device is heard."""

    buffer: str
    sample_rate: int  # Hz


@dataclass(frozen=True, slots=True)
class AudioLevel:
    """Tell how loud a live input was in the last tenth of a second; of silence, only that it began."""

    buffer: str
    rms: float  # dBFS
    peak: float  # dBFS


@dataclass(frozen=True, slots=True)
class AudioOverrun:
    """Tell how often samples were lost so far, and how many seconds of them are known of."""

    buffer: str
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class AudioVanished:
    """Tell that an input device is gone; it is sought until the buffer is closed."""

    buffer: str
    text: str


@dataclass(frozen=True, slots=True)
class AudioReconnected:
    """Tell that a vanished input device is heard again."""

    buffer: str
    sample_rate: int  # Hz


@dataclass(frozen=True, slots=True)
class AudioInputs:
    """Tell how many input devices there are; each follows."""

    count: int


@dataclass(frozen=True, slots=True)
class AudioInput:
    """Tell of an input device; ``main`` is 1 for the machine's default one."""

    name: str
    system: str
    channels: int
    sample_rate: int  # Hz
    main: int


@dataclass(frozen=True, slots=True)
class AudioFreed:
    """Confirm that a buffer is forgotten."""

    buffer: str


@dataclass(frozen=True, slots=True)
class JobAccepted:
    """Tell that a job is queued behind ``ahead`` others."""

    job: str
    ahead: int


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Tell how many network evaluations are done."""

    job: str
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Note:
    """Bring one note of a result."""

    job: str
    index: int
    pitch: int
    t: float  # s
    duration: float  # s
    velocity: int
    variation: int


@dataclass(frozen=True, slots=True)
class JobDone:
    """End a job that sent ``notes`` notes."""

    job: str
    notes: int
    seed: int
    latency_ms: float


@dataclass(frozen=True, slots=True)
class JobCancelled:
    """End a job that was cancelled; it sounds no more."""

    job: str


@dataclass(frozen=True, slots=True)
class Late:
    """Tell how many notes came too late to be played."""

    job: str
    dropped: int


@dataclass(frozen=True, slots=True)
class LiveNote:
    """Tell of a note of a live input; the same index again replaces what was told of it before, in any lane."""

    buffer: str
    index: int
    lane: str  # preview, commit or revise
    pitch: int
    t: float  # s
    duration: float  # s; 0 while it sounds
    velocity: int  # 0 takes the note back


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """Tell once a second how a live input is heard, unless it is silent."""

    buffer: str
    seconds: float  # since its begin
    hops: int  # heard
    missed: int  # hops that could not be heard in time
    late: int  # notes that came too late to be played
    load: float  # share of the time since the last status that hearing took


@dataclass(frozen=True, slots=True)
class JamState:
    """Tell whose turn it is in a jam: listening, answering or stopped."""

    jam: str
    state: str


@dataclass(frozen=True, slots=True)
class JamAhead:
    """Tell once a second of an answer how far writing is ahead of what sounds, and how many notes came too late."""

    jam: str
    ms: float  # negative when it has fallen behind
    dropped: int


@dataclass(frozen=True, slots=True)
class Error:
    """Tell what is wrong with the job, buffer or address ``about``, and how to mend it."""

    about: str
    code: str
    text: str


DAEMON_MESSAGES: dict[str, type[Any]] = {
    "/diffroll/welcome": Welcome,
    "/diffroll/pong": Pong,
    "/diffroll/status": Status,
    "/diffroll/status/job": StatusJob,
    "/diffroll/panicked": Panicked,
    "/diffroll/audio/ready": AudioReady,
    "/diffroll/audio/opened": AudioOpened,
    "/diffroll/audio/ack": AudioAck,
    "/diffroll/audio/missing": AudioMissing,
    "/diffroll/audio/listening": AudioListening,
    "/diffroll/audio/level": AudioLevel,
    "/diffroll/audio/overrun": AudioOverrun,
    "/diffroll/audio/vanished": AudioVanished,
    "/diffroll/audio/reconnected": AudioReconnected,
    "/diffroll/audio/inputs": AudioInputs,
    "/diffroll/audio/input": AudioInput,
    "/diffroll/audio/freed": AudioFreed,
    "/diffroll/job/accepted": JobAccepted,
    "/diffroll/job/progress": JobProgress,
    "/diffroll/note": Note,
    "/diffroll/job/done": JobDone,
    "/diffroll/job/cancelled": JobCancelled,
    "/diffroll/late": Late,
    "/diffroll/live/note": LiveNote,
    "/diffroll/live/status": LiveStatus,
    "/diffroll/jam/state": JamState,
    "/diffroll/jam/ahead": JamAhead,
    "/diffroll/error": Error,
}
_TAGS = {str: "s", float: "f"}
_ADDRESSES = {kind: address for address, kind in DAEMON_MESSAGES.items()}


def encode_reply(reply: Any, limit: int) -> tuple[bytes, ...]:
    """Write a reply as datagrams of at most ``limit`` bytes.

    A list of missing chunks becomes several messages; the text of an error is cut.
    Raises errors.ProtocolError for a value that OSC cannot hold.
    """
    if isinstance(reply, AudioMissing):
        room = (limit - len(_write(AudioMissing(reply.buffer, ())))) // 5 - 1  # 4 bytes and a tag each
        parts = range(0, len(reply.index), room)
        return tuple(_write(AudioMissing(reply.buffer, reply.index[at : at + room])) for at in parts)
    datagram = _write(reply)
    if isinstance(reply, Error) and len(datagram) > limit:
        surplus = len(datagram) - limit + 4
        text = reply.text.encode()[: max(0, len(reply.text.encode()) - surplus)].decode(errors="ignore")
        return (_write(Error(reply.about, reply.code, text)),)
    return (datagram,)


def _write(reply: Any) -> bytes:
    tags = ""
    values: list[int | float | str] = []
    for name, kind in field_types(type(reply)).items():
        value = getattr(reply, name)
        items = value if isinstance(value, tuple) else (value,)
        tags += _TAGS.get(kind, "i") * len(items)
        values.extend(items)
    return encode(_ADDRESSES[type(reply)], tags, tuple(values))
