"""What the daemon reports of how notes glide: rows of replies.DAEMON_MESSAGES."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bend:
    """Deliver one point of a note's bend; the pitch moves in a straight line to the next."""

    job: str
    index: int  # of the note, in its variation
    after: float  # s since the note's onset
    semitones: float  # from the note's pitch
    variation: int


BEND_MESSAGES: dict[str, type[Any]] = {
    "/diffroll/bend": Bend,
}
