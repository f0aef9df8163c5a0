"""Work over the pipe to the inference process. Audio goes beside the rest, as bytes, and only when it is not there yet.

Pickling ten minutes of audio would hold the interpreter for half a second, and with it the MIDI thread; writing bytes
to a pipe does not.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from diffroll_live.worker.messages import Run, Work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from diffroll_live.types import Floats

_NO_SAMPLES = np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class WorkPacket:
    """Work without its samples. ``n_samples`` follow as bytes; None: they are those of the work before."""

    work: Work
    n_samples: int | None = None


class WorkSender:
    """The daemon's end, for one process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._there: weakref.ref[Floats] | None = None  # what the process has; freed with the buffer

    def send(self, work: Work) -> None:
        """Send a piece of work. Raises OSError when the process is gone."""
        samples = work.plan.audio.samples if isinstance(work, Run) and work.plan.audio is not None else None
        if samples is None:
            self._connection.send(WorkPacket(work, 0))
            return
        known = self._there is not None and self._there() is samples
        self._connection.send(WorkPacket(_with_samples(work, _NO_SAMPLES), None if known else len(samples)))
        if not known:
            self._connection.send_bytes(np.ascontiguousarray(samples).data.cast("B"))
            self._there = weakref.ref(samples)


class WorkReceiver:
    """The inference process' end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._samples = _NO_SAMPLES

    def receive(self) -> Work:
        """Wait for a piece of work. Raises EOFError when the daemon is gone."""
        parcel: WorkPacket = self._connection.recv()
        if parcel.n_samples:
            self._samples = np.empty(parcel.n_samples, np.float32)
            self._connection.recv_bytes_into(self._samples.data.cast("B"))
        return parcel.work if parcel.n_samples == 0 else _with_samples(parcel.work, self._samples)


def _with_samples(work: Work, samples: Floats) -> Work:
    assert isinstance(work, Run)
    assert work.plan.audio is not None
    return replace(work, plan=replace(work.plan, audio=replace(work.plan.audio, samples=samples)))
