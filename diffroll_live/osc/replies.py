"""What the daemon may send: one dataclass and one row of DAEMON_MESSAGES each.

A field is an int, a float, a str or a tuple of ints: some hosts drop a message that holds any other type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffroll_live.osc import bend_replies as b
from diffroll_live.osc import grid_replies as g
from diffroll_live.osc import jam_replies as j
from diffroll_live.osc import pedal_replies as p
from diffroll_live.osc import result_replies as res
from diffroll_live.osc import state_replies as st
from diffroll_live.osc import status_replies as s
from diffroll_live.osc import watch_replies as w


@dataclass(frozen=True, slots=True)
class Welcome:
    """Answer a hello."""

    protocol: int
    version: str
    model: str
    device: str
    sample_rate: int  # Hz, of the model's front end
    max_seconds: float  # of one buffer
    weights: str  # the SHA-256 of all that the model consists of


@dataclass(frozen=True, slots=True)
class Pong:
    """Answer a ping."""

    n: int


@dataclass(frozen=True, slots=True)
class Panicked:
    """Confirm that all notes are off."""


@dataclass(frozen=True, slots=True)
class AudioReady:
    """Report that a buffer is complete and can be used."""

    buffer: str
    seconds: float
    sample_rate: int  # Hz


@dataclass(frozen=True, slots=True)
class AudioOpened:
    """Invite chunks; every ``window`` of them are acknowledged."""

    buffer: str
    window: int


@dataclass(frozen=True, slots=True)
class AudioAck:
    """Report how many distinct chunks have arrived."""

    buffer: str
    received: int


@dataclass(frozen=True, slots=True)
class AudioMissing:
    """List chunks to send again before the next close."""

    buffer: str
    index: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AudioListening:
    """Report that an input device is being captured."""

    buffer: str
    sample_rate: int  # Hz


@dataclass(frozen=True, slots=True)
class AudioLevel:
    """Report the level of a live input over the last tenth of a second; of silence, only its beginning."""

    buffer: str
    rms: float  # dBFS
    peak: float  # dBFS


@dataclass(frozen=True, slots=True)
class AudioOverrun:
    """Report how often samples have been lost so far, and how many seconds of them as far as is known."""

    buffer: str
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class AudioVanished:
    """Report that an input device is gone; the daemon keeps looking for it until the buffer is closed."""

    buffer: str
    text: str


@dataclass(frozen=True, slots=True)
class AudioReconnected:
    """Report that an input device is back."""

    buffer: str
    sample_rate: int  # Hz


@dataclass(frozen=True, slots=True)
class AudioInputs:
    """Announce the list of input devices; one message follows for each."""

    count: int


@dataclass(frozen=True, slots=True)
class AudioInput:
    """Describe an input device; ``main`` is 1 for the machine's default one."""

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
    """Report that a job is queued behind ``ahead`` others."""

    job: str
    ahead: int


@dataclass(frozen=True, slots=True)
class JobProgress:
    """Report how many network evaluations are done."""

    job: str
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Note:
    """Deliver one note of a result."""

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
    """End a job that was cancelled; no note of it sounds any more."""

    job: str


@dataclass(frozen=True, slots=True)
class Late:
    """Report how many notes came too late to be played."""

    job: str
    dropped: int


@dataclass(frozen=True, slots=True)
class LiveNote:
    """Deliver a note of a live input; the same index again replaces the note, whichever lane it came in."""

    buffer: str
    index: int
    lane: str  # preview, commit or revise
    pitch: int
    t: float  # s
    duration: float  # s; 0 while it sounds
    velocity: int  # 0 takes the note back


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """Report once a second how a live input is doing, unless it is silent."""

    buffer: str
    seconds: float  # since it began
    hops: int  # transcribed
    missed: int  # hops that were not transcribed in time
    late: int  # notes that came too late to be played
    load: float  # share of the time since the last status that transcribing took
    latency_ms: float  # that is held; more than was asked for while hops come late


@dataclass(frozen=True, slots=True)
class Error:
    """Report what is wrong with the job, buffer or address ``about``, and how to fix it."""

    about: str
    code: str
    text: str


DAEMON_MESSAGES: dict[str, type[Any]] = {
    "/diffroll/welcome": Welcome,
    "/diffroll/pong": Pong,
    "/diffroll/status": s.Status,
    "/diffroll/status/client": s.StatusClient,
    "/diffroll/status/job": s.StatusJob,
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
    "/diffroll/job/grid": g.JobGrid,
    "/diffroll/job/grid/change": g.JobGridChange,
    "/diffroll/note": Note,
    "/diffroll/job/saved": res.JobSaved,
    "/diffroll/job/done": JobDone,
    "/diffroll/job/cancelled": JobCancelled,
    "/diffroll/late": Late,
    "/diffroll/live/note": LiveNote,
    **p.PEDAL_MESSAGES,
    **b.BEND_MESSAGES,
    "/diffroll/live/status": LiveStatus,
    "/diffroll/jam/state": j.JamState,
    "/diffroll/jam/ahead": j.JamAhead,
    "/diffroll/picture": w.Picture,
    "/diffroll/watch/client": w.WatchedClient,
    "/diffroll/watch/job": w.WatchedJob,
    "/diffroll/watch/buffer": w.WatchedBuffer,
    "/diffroll/watch/error": w.WatchedError,
    "/diffroll/watch/transport": w.WatchedTransport,
    "/diffroll/watch/daemon": w.WatchedDaemon,
    "/diffroll/history": st.History,
    "/diffroll/history/job": st.HistoryJob,
    "/diffroll/midi/ports": st.MidiPorts,
    "/diffroll/midi/port": st.MidiPort,
    "/diffroll/doctor": st.Doctor,
    "/diffroll/doctor/finding": st.DoctorFinding,
    "/diffroll/error": Error,
}
