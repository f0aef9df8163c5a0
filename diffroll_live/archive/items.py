"""What passes between an archive's command and the processes that transcribe it: small, frozen, picklable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """A recording of an archive. Texts, since a million paths would take a gigabyte.

    name: its place below the archive's folder, in the report. size: bytes. changed: ns since 1970.
    """

    name: str
    path: str
    midi: str  # its MIDI file, below the folder of results
    size: int
    changed: int


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The notes of a recording of ``seconds``, as a MIDI file for each variation; it took ``computed`` seconds."""

    name: str
    files: tuple[bytes, ...]
    notes: int  # of the first variation
    seconds: float
    computed: float


@dataclass(frozen=True, slots=True)
class Untranscribed:
    """Why there are no notes of a recording, with a code of `errors`."""

    name: str
    code: str
    text: str


Answer = Transcribed | Untranscribed
