"""The messages between the daemon and its inference process: work one way, events the other. Picklable values."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from diffroll_live.errors import Cancelled, DiffrollError

if TYPE_CHECKING:
    from diffroll_live.live_types import LiveEstimate
    from diffroll_live.meter.meter_map import MeterMap
    from diffroll_live.picture_types import Estimate
    from diffroll_live.types import Floats, ModelInfo, RequestPlan, Result, StreamedNote


@dataclass(frozen=True, slots=True)
class Run:
    """Answer a request. ``serial`` identifies this piece of work in every event about it.

    ``client`` is whose share of the computing it takes; what is ``urgent`` goes before all that is not.
    """

    serial: int
    plan: RequestPlan
    client: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Redecode:
    """Decode a finished request again, which takes so little that it is urgent."""

    serial: int
    request_id: str
    threshold: float
    min_note: float  # s
    client: str = ""

    @property
    def urgent(self) -> bool:
        """Whether it goes before other work."""
        return True


Work = Run | Redecode


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a piece of work; answered by Failed, unless it has ended before."""

    serial: int


@dataclass(frozen=True, slots=True)
class LiveOpen:
    """Begin to transcribe a live input of ``rate`` Hz. ``session`` identifies it in every message about it."""

    session: int
    rate: int


@dataclass(frozen=True, slots=True)
class LiveFeed:
    """The next samples of a live input, (n_samples,), the first is number ``first``; answered by LiveEstimated."""

    session: int
    first: int
    samples: Floats


@dataclass(frozen=True, slots=True)
class LiveClose:
    """Forget a live input."""

    session: int


LiveMessage = LiveOpen | LiveFeed | LiveClose


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded and warm."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The engine could not be made, for the ``attempt``-th time in a row."""

    error: DiffrollError
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Died:
    """The process ended by itself. ``serial`` is the work whose turn it was; the rest can begin again."""

    exit_code: int | None
    serial: int | None


@dataclass(frozen=True, slots=True)
class Started:
    """A piece of work has begun."""

    serial: int


@dataclass(frozen=True, slots=True)
class Computed:
    """Seconds of computing since the last report, by client."""

    seconds: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Progressed:
    """``step`` of ``steps`` network evaluations are done."""

    serial: int
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Estimated:
    """A step of the trajectory."""

    serial: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Gridded:
    """The bars and beats that notes are written on."""

    serial: int
    meter: MeterMap


@dataclass(frozen=True, slots=True)
class Noted:
    """Notes that are certain."""

    serial: int
    notes: tuple[StreamedNote, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """A piece of work is done."""

    serial: int
    result: Result


@dataclass(frozen=True, slots=True)
class Failed:
    """A piece of work ended without a result; errors.Cancelled when that was asked for."""

    serial: int
    error: DiffrollError = field(default_factory=lambda: Cancelled("The job was cancelled."))


@dataclass(frozen=True, slots=True)
class LiveEstimated:
    """The estimate after a feed, which took ``seconds`` to compute."""

    session: int
    estimate: LiveEstimate
    seconds: float


@dataclass(frozen=True, slots=True)
class LiveFailed:
    """A live input cannot be transcribed."""

    session: int
    error: DiffrollError


WorkEvent = Started | Progressed | Estimated | Gridded | Noted | Finished | Failed
Event = Ready | StartFailed | Died | WorkEvent | LiveEstimated | LiveFailed
Report = Event | Computed
"""Whatever the process sends; who has submitted work hears of events alone."""


def describe_exit(exit_code: int | None) -> str:
    """Say in words how the process ended."""
    if exit_code is not None and exit_code < 0:
        name: Any = -exit_code
        if -exit_code in signal.valid_signals():
            name = signal.Signals(-exit_code).name
        hint = "; the system may have run out of memory" if exit_code == -9 else ""
        return f"ended by {name}{hint}"
    return f"ended with code {exit_code}"
