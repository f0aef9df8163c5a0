"""What a client may send: one dataclass and one row of CLIENT_MESSAGES each. PROTOCOL.md explains them.

A field's type is its OSC type (``bool`` travels as 0 or 1); a field with a default may be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffroll_live.osc import jam_messages as j
from diffroll_live.osc import job_messages as jobs
from diffroll_live.osc import result_messages as res
from diffroll_live.osc import state_messages as st
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


CLIENT_MESSAGES: dict[str, type[Any]] = {
    "/diffroll/hello": Hello,
    "/diffroll/ping": Ping,
    "/diffroll/status": StatusQuery,
    "/diffroll/panic": Panic,
    "/diffroll/watch": w.Watch,
    "/diffroll/history": st.HistoryQuery,
    "/diffroll/midi/ports": st.MidiPortsQuery,
    "/diffroll/doctor": st.DoctorQuery,
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
    "/diffroll/job/new": jobs.JobNew,
    "/diffroll/job/region": jobs.JobRegion,
    "/diffroll/job/region/set": jobs.JobRegionSet,
    "/diffroll/job/note": jobs.JobNote,
    "/diffroll/job/tempo": jobs.JobTempo,
    "/diffroll/job/tempo/forget": jobs.JobTempoForget,
    "/diffroll/job/grid/changes": jobs.JobGridQuery,
    "/diffroll/job/set": jobs.JobSet,
    "/diffroll/job/run": jobs.JobRun,
    "/diffroll/job/cancel": jobs.JobCancel,
    "/diffroll/job/redecode": jobs.JobRedecode,
    "/diffroll/job/play": jobs.JobPlay,
    "/diffroll/job/notes": jobs.JobNotes,
    "/diffroll/job/finish": res.JobFinish,
    "/diffroll/job/save": res.JobSave,
    "/diffroll/job/return": res.JobReturn,
    "/diffroll/job/copy": w.JobCopy,
    "/diffroll/job/picture": w.JobPicture,
    "/diffroll/transcribe": jobs.Transcribe,
    "/diffroll/inpaint": jobs.Inpaint,
    "/diffroll/continue": jobs.Continue,
    "/diffroll/generate": jobs.Generate,
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
