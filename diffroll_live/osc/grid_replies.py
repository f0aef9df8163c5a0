"""What the daemon says of bars and beats; rows of replies.DAEMON_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobGrid:
    """Report the tempo and the bars that a job is written on, where its first region begins."""

    job: str
    source: str  # one of meter.Source
    confidence: float  # 0..1
    bpm: float  # quarter notes a minute
    numerator: int
    denominator: int
    first_bar_t: float  # s, of the first bar line from 0 on


@dataclass(frozen=True, slots=True)
class JobGridChange:
    """Report one of the ``count`` changes of tempo or signature of a job's bars and beats."""

    job: str
    index: int
    count: int
    t: float  # s
    bpm: float  # quarter notes a minute
    numerator: int
    denominator: int
    beat: float  # quarter notes at t
