"""What a client may ask in order to show the daemon to a person: everyone's jobs and buffers, and pictures of them."""

from __future__ import annotations

from dataclasses import dataclass

from diffroll_live.osc.arguments import Name


@dataclass(frozen=True, slots=True)
class Watch:
    """Follow, or stop following, what the other clients do."""

    on: bool = True


@dataclass(frozen=True, slots=True)
class AudioCopy:
    """Make a buffer of one that another client has."""

    buffer: Name
    client: str
    source: Name


@dataclass(frozen=True, slots=True)
class JobCopy:
    """Make a job of a finished one that another client has, with its notes, options and regions."""

    job: Name
    client: str
    source: Name


@dataclass(frozen=True, slots=True)
class AudioPicture:
    """Ask for the spectrogram of a buffer."""

    buffer: Name


@dataclass(frozen=True, slots=True)
class JobPicture:
    """Ask for what a finished job kept for the eye: its posteriorgram, or the trajectory of its sampling."""

    job: Name
    kind: str  # posterior or trajectory
