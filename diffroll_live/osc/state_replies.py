"""What the daemon reports of itself and its surroundings. Rows of replies.DAEMON_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class History:
    """Announce what was asked for, oldest first; one message follows for each."""

    count: int


@dataclass(frozen=True, slots=True)
class HistoryJob:
    """Report a job that has ended, of any client, and the options that it had where they were not the defaults."""

    client: str
    name: str  # of the client
    job: str
    task: str
    buffer: str
    outcome: str  # done, failed or cancelled
    seed: int
    notes: int
    ago: float  # s since it ended
    latency_ms: float
    options: str  # such as "quality best, temperature 0.8"


@dataclass(frozen=True, slots=True)
class MidiPorts:
    """Announce the MIDI ports of this machine; one message follows for each."""

    count: int


@dataclass(frozen=True, slots=True)
class MidiPort:
    """Describe a MIDI port; ``ours`` is 1 for one that the daemon plays on or listens to."""

    direction: str  # in: the daemon can listen to it; out: it can play on it
    name: str
    ours: int


@dataclass(frozen=True, slots=True)
class Doctor:
    """Announce what was found on this machine; one message follows for each finding."""

    count: int


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """Report what a check found: good, poor or bad, in words, and what to do about it."""

    topic: str
    state: str
    text: str
    fix: str
