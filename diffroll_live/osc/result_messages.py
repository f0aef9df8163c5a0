"""What a client may do with notes that need no computing: finish, save, give back. Rows of CLIENT_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass

from diffroll_live.osc.arguments import Name


@dataclass(frozen=True, slots=True)
class JobFinish:
    """End a job with the notes that it was given, as if it had been run."""

    job: Name


@dataclass(frozen=True, slots=True)
class JobSave:
    """Write a variation of a finished job into a MIDI file."""

    job: Name
    path: str
    variation: int = 0


@dataclass(frozen=True, slots=True)
class JobReturn:
    """Make a variation of a finished job the result of one that another client has, delivered as that one wanted."""

    job: Name
    client: str
    target: Name
    variation: int = 0
