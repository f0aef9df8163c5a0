"""What the daemon reports of a jam. Rows of replies.DAEMON_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JamState:
    """Report whose turn it is in a jam: listening, answering or stopped."""

    jam: str
    state: str


@dataclass(frozen=True, slots=True)
class JamAhead:
    """Report once a second of an answer how far writing is ahead of what sounds, and how many notes came too late."""

    jam: str
    ms: float  # negative when it has fallen behind
    dropped: int
