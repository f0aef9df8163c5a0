"""Work over the pipe to the inference process. Audio goes beside the rest, as bytes, and only when it is not there yet.

Pickling ten minutes of audio would hold the interpreter for half a second, and with it the MIDI thread; writing bytes
to a pipe does not.
"""

from __future__ import annotations

import itertools
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from diffroll_live.worker.messages import Cancel, Run, Work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from diffroll_live.types import Floats

KEPT_BYTES = 64 * 2**20  # of audio that is kept in the process for more work; the last is kept whatever its size
_NO_SAMPLES = np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class Packet:
    """A message without its samples, those of ``number``; ``n_samples`` follow as bytes, or 0 if they are there.

    ``forgotten`` are the numbers of samples that nothing to come will use.
    """

    message: Work | Cancel
    number: int | None = None
    n_samples: int = 0
    forgotten: tuple[int, ...] = ()


class WorkSender:
    """The daemon's end, for one process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = itertools.count()
        self._there: dict[int, tuple[weakref.ref[Floats], int]] = {}  # number: samples, bytes; the latest last

    def send(self, message: Work | Cancel) -> None:
        """Send a message. Raises OSError when the process is gone."""
        samples = message.plan.audio.samples if isinstance(message, Run) and message.plan.audio is not None else None
        if samples is None:
            self._connection.send(Packet(message))
            return
        assert isinstance(message, Run)
        number = next((key for key, (known, _) in self._there.items() if known() is samples), None)
        new = number is None
        number = next(self._numbers) if number is None else number
        self._there.pop(number, None)
        self._there[number] = weakref.ref(samples), samples.nbytes
        stripped = _with_samples(message, _NO_SAMPLES)
        self._connection.send(Packet(stripped, number, len(samples) if new else 0, self._forget()))
        if new and len(samples):
            self._connection.send_bytes(np.ascontiguousarray(samples).data.cast("B"))

    def _forget(self) -> tuple[int, ...]:
        """Forget what is gone here, and the oldest of what is too much; the last stays."""
        *older, _ = self._there
        gone = [number for number in older if self._there[number][0]() is None]
        for number in gone:
            del self._there[number]
        while len(self._there) > 1 and sum(size for _, size in self._there.values()) > KEPT_BYTES:
            gone.append(next(iter(self._there)))
            del self._there[gone[-1]]
        return tuple(gone)


class WorkReceiver:
    """The inference process' end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._samples: dict[int, Floats] = {}

    def receive(self) -> Work | Cancel:
        """Wait for a message. Raises EOFError when the daemon is gone."""
        packet: Packet = self._connection.recv()
        for number in packet.forgotten:
            del self._samples[number]
        if packet.number is None:
            return packet.message
        if packet.number not in self._samples:
            samples = np.empty(packet.n_samples, np.float32)
            if packet.n_samples:
                self._connection.recv_bytes_into(samples.data.cast("B"))
            self._samples[packet.number] = samples
        assert isinstance(packet.message, Run)
        return _with_samples(packet.message, self._samples[packet.number])


def _with_samples(work: Run, samples: Floats) -> Run:
    assert work.plan.audio is not None
    return replace(work, plan=replace(work.plan, audio=replace(work.plan.audio, samples=samples)))
