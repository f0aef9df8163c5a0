"""What a client may send: one dataclass and one row of CLIENT_MESSAGES each. PROTOCOL.md explains them.

A field's type is its OSC type (``bool`` travels as 0 or 1); a field with a default may be left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.osc import jam_messages as j
from diffroll_live.osc import timeline_messages as t
from diffroll_live.osc import watch_messages as w
from diffroll_live.osc.arguments import Name, NameOrNone, Samples, Setting


@dataclass(frozen=True, slots=True)
class Hello:
    """Introduce a client; 0 keeps the source port and the default datagram size."""

    name: NameOrNone
    reply_port: int = 0
    max_datagram: int = 0  # bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for a pong with the same number."""

    n: int = 0


@dataclass(frozen=True, slots=True)
class StatusQuery:
    """Ask what the daemon and the client's jobs are doing."""


@dataclass(frozen=True, slots=True)
class Panic:
    """Silence every MIDI port."""


@dataclass(frozen=True, slots=True)
class AudioFile:
    """Read a buffer from a file on the daemon's machine; a duration of 0 is the rest of the file."""

    buffer: Name
    path: str
    start: float = 0.0  # s
    duration: float = 0.0  # s
    origin: float = 0.0  # s


@dataclass(frozen=True, slots=True)
class AudioOpen:
    """Announce a buffer that comes in chunks; one of 0 frames is live and has no end."""

    buffer: Name
    sample_rate: int  # Hz
    channels: int
    frames: int  # samples of one channel
    format: str  # f32 or s16
    chunk_bytes: int
    origin: float = 0.0  # s
    latency_ms: float = 0.0  # of a live buffer's notes; 0 is the daemon's own choice


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Send chunk ``index`` of a buffer: its bytes, or its samples as floats."""

    buffer: Name
    index: int
    data: Samples


@dataclass(frozen=True, slots=True)
class AudioClose:
    """End a buffer of ``chunks`` chunks, or a live one; crc32 is over all bytes as sent, 0 leaves them unchecked."""

    buffer: Name
    chunks: int = 0
    crc32: int = 0


@dataclass(frozen=True, slots=True)
class AudioListen:
    """Capture an input device; an empty name is the machine's default one."""

    buffer: Name
    device: str
    latency_ms: float = 0.0  # of the notes; 0 is the daemon's own choice


@dataclass(frozen=True, slots=True)
class AudioInputsQuery:
    """Ask which input devices there are."""


@dataclass(frozen=True, slots=True)
class AudioFree:
    """Forget a buffer."""

    buffer: Name


@dataclass(frozen=True, slots=True)
class LiveSet:
    """Choose how the notes of a live input come: latency, lane, deliver or channel."""

    buffer: Name
    key: str
    value: Setting


@dataclass(frozen=True, slots=True)
class JobNew:
    """Make a job; an older one of the same name is replaced."""

    job: Name
    task: str
    buffer: NameOrNone


@dataclass(frozen=True, slots=True)
class JobRegion:
    """Add a region where the daemon may write."""

    job: Name
    t0: float  # s
    t1: float  # s
    low: int = LOW_PITCH
    high: int = HIGH_PITCH
    hear: bool = False


@dataclass(frozen=True, slots=True)
class JobNote:
    """Add a note that the client already has."""

    job: Name
    pitch: int
    t: float  # s
    duration: float  # s
    velocity: int


@dataclass(frozen=True, slots=True)
class JobTempo:
    """Give the tempo and the signature from ``t`` on."""

    job: Name
    t: float  # s
    bpm: float  # quarter notes a minute
    numerator: int = 0  # of the signature; 0 where it does not change
    denominator: int = 0
    beat: float = math.nan  # quarter notes at t; NaN where it is not given


@dataclass(frozen=True, slots=True)
class JobSet:
    """Set an option."""

    job: Name
    key: str
    value: Setting


@dataclass(frozen=True, slots=True)
class JobRun:
    """Queue a job."""

    job: Name


@dataclass(frozen=True, slots=True)
class JobCancel:
    """Stop a job and end its notes."""

    job: Name


@dataclass(frozen=True, slots=True)
class JobRedecode:
    """Decode a finished job again without sampling."""

    job: Name
    threshold: float
    min_note: float  # s


@dataclass(frozen=True, slots=True)
class JobPlay:
    """Play a variation of a finished job on the MIDI port."""

    job: Name
    variation: int = 0


@dataclass(frozen=True, slots=True)
class JobNotes:
    """Ask for all notes of a finished job once more."""

    job: Name


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Make and run a transcription."""

    job: Name
    buffer: Name


@dataclass(frozen=True, slots=True)
class Inpaint:
    """Make and run an inpainting of one region."""

    job: Name
    buffer: Name
    t0: float  # s
    t1: float  # s
    low: int = LOW_PITCH
    high: int = HIGH_PITCH


@dataclass(frozen=True, slots=True)
class Continue:
    """Make and run a continuation."""

    job: Name
    buffer: Name
    seconds: float


@dataclass(frozen=True, slots=True)
class Generate:
    """Make and run a generation from nothing."""

    job: Name
    seconds: float


CLIENT_MESSAGES: dict[str, type[Any]] = {
    "/diffroll/hello": Hello,
    "/diffroll/ping": Ping,
    "/diffroll/status": StatusQuery,
    "/diffroll/panic": Panic,
    "/diffroll/watch": w.Watch,
    "/diffroll/audio/file": AudioFile,
    "/diffroll/audio/open": AudioOpen,
    "/diffroll/audio/chunk": AudioChunk,
    "/diffroll/audio/close": AudioClose,
    "/diffroll/audio/listen": AudioListen,
    "/diffroll/audio/inputs": AudioInputsQuery,
    "/diffroll/audio/free": AudioFree,
    "/diffroll/audio/copy": w.AudioCopy,
    "/diffroll/audio/picture": w.AudioPicture,
    "/diffroll/live/set": LiveSet,
    "/diffroll/jam/start": j.JamStart,
    "/diffroll/jam/set": j.JamSet,
    "/diffroll/jam/note": j.JamNote,
    "/diffroll/jam/cue": j.JamCue,
    "/diffroll/jam/listen": j.JamListen,
    "/diffroll/jam/stop": j.JamStop,
    "/diffroll/job/new": JobNew,
    "/diffroll/job/region": JobRegion,
    "/diffroll/job/note": JobNote,
    "/diffroll/job/tempo": JobTempo,
    "/diffroll/job/set": JobSet,
    "/diffroll/job/run": JobRun,
    "/diffroll/job/cancel": JobCancel,
    "/diffroll/job/redecode": JobRedecode,
    "/diffroll/job/play": JobPlay,
    "/diffroll/job/notes": JobNotes,
    "/diffroll/job/copy": w.JobCopy,
    "/diffroll/job/picture": w.JobPicture,
    "/diffroll/transcribe": Transcribe,
    "/diffroll/inpaint": Inpaint,
    "/diffroll/continue": Continue,
    "/diffroll/generate": Generate,
    "/diffroll/transport": t.Transport,
    "/time": t.TransportTime,
    "/play": t.TransportPlay,
    "/stop": t.TransportStop,
    "/tempo/raw": t.TransportTempo,
    "/repeat": t.TransportRepeat,
    "/loop/start/time": t.LoopStart,
    "/loop/end/time": t.LoopEnd,
    "/position/time": t.TransportTime,
    "/transport_play": t.TransportPlay,
    "/transport_stop": t.TransportStop,
}
