"""What a client may send about jobs: rows of messages.CLIENT_MESSAGES, which says how they are written."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.osc.arguments import Name, NameOrNone, Setting


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
class JobRegionSet:
    """Set a control of a region; regions are counted from 0 in the order in which they were added."""

    job: Name
    region: int
    key: str
    value: Setting


@dataclass(frozen=True, slots=True)
class JobNote:
    """Add a note that the client already has; one that is locked stays within the regions, too."""

    job: Name
    pitch: int
    t: float  # s
    duration: float  # s
    velocity: int
    locked: bool = False


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
class JobTempoForget:
    """Forget all tempi and signatures that were given, so that others can be."""

    job: Name


@dataclass(frozen=True, slots=True)
class JobGridQuery:
    """Ask for every change of tempo and signature of the bars and beats that a job was written on."""

    job: Name


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
