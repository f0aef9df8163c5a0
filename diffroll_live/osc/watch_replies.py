"""What the daemon reports for the eye: the clients, their jobs, buffers and errors, the transport, and pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchedClient:
    """Report a client by its key and by the name it gave itself; ``here`` is 0 when it has left."""

    client: str
    name: str
    here: int


@dataclass(frozen=True, slots=True)
class WatchedJob:
    """Report how a job of another client stands; notes and seed are those of its result."""

    client: str
    job: str
    task: str
    buffer: str
    state: str
    progress: float  # 0..1
    notes: int
    seed: int


@dataclass(frozen=True, slots=True)
class WatchedBuffer:
    """Report a buffer of another client."""

    client: str
    buffer: str
    state: str
    seconds: float


@dataclass(frozen=True, slots=True)
class WatchedError:
    """Report an error that another client received."""

    client: str
    about: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class WatchedTransport:
    """Report the DAW's transport, and the source that it is followed by; ``told`` is 0 until that has told anything."""

    source: str
    playing: int
    position: float  # s
    tempo: float  # quarter notes a minute
    numerator: int
    denominator: int
    told: int


@dataclass(frozen=True, slots=True)
class WatchedDaemon:
    """Report how the daemon itself is doing, since it started."""

    memory_mb: float  # of all its processes; 0 where the system does not say
    restarts: int  # of the inference process
    losses: int  # times that live inputs have lost samples
    midi: str  # where notes go, or why they go nowhere
    playing: int  # whether there is a MIDI port to play on
    jack_xruns: int  # of the JACK server that MIDI or the transport uses; -1 where neither does


@dataclass(frozen=True, slots=True)
class Picture:
    """Deliver some frames of a picture, ``rows`` levels each from the lowest pitch up, as base64 of bytes 0 to 255.

    ``step`` counts the estimates of a trajectory from 0, of ``steps``; ``first`` is the first frame of ``frames``.
    """

    about: str
    kind: str  # spectrogram, posterior or trajectory
    step: int
    steps: int
    rows: int
    rate: float  # frames per second
    frames: int  # of the whole picture
    first: int
    levels: str
