"""The nouns of live input: what the model estimates after a hop, and what becomes of a note, lane by lane.

All times are seconds since the first sample of the live input. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from diffroll_live.limits import LIVE, Option

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Lane = Literal["preview", "commit", "revise"]
Deliver = Literal["osc", "midi", "both"]


@dataclass(frozen=True, slots=True)
class OnsetCandidate:
    """An onset, with the ``probability`` that the model gives it."""

    pitch: int
    onset: float  # s
    velocity: int  # 1..127
    probability: float


@dataclass(frozen=True, slots=True)
class SoundingSpan:
    """A span of time in which a pitch sounds; ``end`` is None where it still does."""

    pitch: int
    begin: float  # s
    end: float | None  # s


@dataclass(frozen=True, slots=True)
class LiveEstimate:
    """What the model estimates between ``since`` and ``edge``, where the audio ends so far.

    candidates and spans are sorted by time. A span that began before ``since`` begins there or a little earlier.
    ``threshold`` is the probability that makes a candidate a note.
    """

    since: float  # s
    edge: float  # s
    threshold: float
    candidates: tuple[OnsetCandidate, ...]
    spans: tuple[SoundingSpan, ...]
    pedal: tuple[tuple[float, float], ...] = ()  # s, in which it is down; one that still is ends in infinity


@dataclass(frozen=True, slots=True)
class LaneNote:
    """A note as one lane has it; the same ``index`` again replaces what came before, in whichever lane.

    ``offset`` is None while the note sounds; a ``velocity`` of 0 takes the note back.
    """

    lane: Lane
    index: int
    pitch: int
    onset: float  # s
    offset: float | None  # s
    velocity: int  # 0..127


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What a client may set on a live input; limits.LIVE says what each option means."""

    OPTIONS: ClassVar[Mapping[str, Option]] = LIVE

    latency_ms: float = LIVE["latency"].default
    lane: Lane = LIVE["lane"].default
    deliver: Deliver = LIVE["deliver"].default
    channel: int = LIVE["channel"].default  # 1..16
    pedal: str = LIVE["pedal"].default


class LiveTranscriber(Protocol):
    """Transcribes one live input; ``engine/live`` has the real one, tests bring fakes."""

    def update(self, first: int, samples: npt.NDArray[np.float32]) -> LiveEstimate:
        """Take (n_samples,) samples, the first of which is number ``first`` of the input, and give an estimate."""


class StreamOpener(Protocol):
    """Whatever can transcribe live: an engine, or a part of one."""

    def open_stream(self, rate: int) -> LiveTranscriber:
        """Open a transcriber of a live input of ``rate`` Hz, for the calling thread; see types.Engine."""
