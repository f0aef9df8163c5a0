"""What the daemon reports of results that are kept. Rows of replies.DAEMON_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobSaved:
    """Confirm that a variation of a job is in a MIDI file."""

    job: str
    path: str
