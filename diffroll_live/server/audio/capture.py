"""Input devices: each is captured by a process of its own for any number of subscribers, and reopened when lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from diffroll_live.audio.capture.devices import choose
from diffroll_live.audio.capture.messages import (
    HEAD_BYTES,
    Block,
    CaptureMessage,
    InputDevice,
    Opened,
    Refused,
    unpack,
    unpack_head,
)
from diffroll_live.errors import DiffrollError, NoSuchDevice
from diffroll_live.server.surviving import surviving
from diffroll_live.worker.backoff import Backoff

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LAST_PAUSE = 0.25, 5.0  # s between attempts to reopen a lost device
_STEADY_SECONDS = 10.0  # after which a lost device is looked for eagerly again
_START_SECONDS = 30.0  # for an audio system to answer; a busy machine takes its time
_QUIET_SECONDS = 5.0  # without a block, when the process itself does not say why
_END_SECONDS = 5.0  # for the process to leave in order
_PIPE_BYTES = 1 << 20


class Subscriber(Protocol):
    """Gets the samples of a device, and learns what becomes of it."""

    @property
    def closed(self) -> bool:
        """Whether it wants no more."""

    def opened(self, sample_rate: int) -> None:
        """Prepare for samples of this rate, in Hz; called again when a lost device is back."""

    def captured(self, block: Block, channels: int) -> None:
        """Take samples."""

    def vanished(self, error: NoSuchDevice) -> None:
        """Learn that the device is lost; it is reopened when it is back."""

    def refused(self, error: DiffrollError) -> None:
        """Learn that the device cannot be opened at all; nothing more comes."""


class Captures:
    """All devices that are captured, each opened once."""

    def __init__(self) -> None:
        self._captures: dict[str, _Capture] = {}  # by label
        self._changing = asyncio.Lock()  # a device may let nobody in before the last one has left
        self._listing: asyncio.Task[tuple[InputDevice, ...]] | None = None

    async def devices(self) -> tuple[InputDevice, ...]:
        """List the input devices, once for all concurrent callers. Raises errors.NoSuchDevice."""
        if self._listing is None or self._listing.done():
            self._listing = asyncio.get_running_loop().create_task(list_inputs())
        return await asyncio.shield(self._listing)

    async def subscribe(self, wanted: str, subscriber: Subscriber) -> None:
        """Capture a device. Raises errors.NoSuchDevice when the name fits none, or more than one."""
        label = choose(await self.devices(), wanted).label
        async with self._changing:
            if subscriber.closed:
                return
            capture = self._captures.get(label)
            if capture is None or capture.is_over:
                capture = self._captures[label] = _Capture(wanted)
            capture.add(subscriber)

    async def unsubscribe(self, subscriber: Subscriber) -> None:
        """Stop for a subscriber; a device without subscribers is closed."""
        async with self._changing:
            for label, capture in tuple(self._captures.items()):
                if capture.remove(subscriber):
                    del self._captures[label]
                    await capture.close()

    async def close(self) -> None:
        """Close all devices."""
        for capture in tuple(self._captures.values()):
            await capture.close()
        if self._listing is not None:
            self._listing.cancel()
            await asyncio.gather(self._listing, return_exceptions=True)


class _Capture:
    """One device."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._subscribers: list[Subscriber] = []
        self._opened: Opened | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def is_over(self) -> bool:
        """Whether it has been given up."""
        return self._task.done()

    def add(self, subscriber: Subscriber) -> None:
        """Add a subscriber."""
        self._subscribers.append(subscriber)
        if self._opened is not None:
            subscriber.opened(self._opened.sample_rate)

    def remove(self, subscriber: Subscriber) -> bool:
        """Remove a subscriber; True when it was the last one."""
        if subscriber not in self._subscribers:
            return False
        self._subscribers.remove(subscriber)
        return not self._subscribers

    async def close(self) -> None:
        """End the process."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        """Capture the device, and reopen it when it is lost; give up when it cannot be opened the first time."""
        backoff, loop = Backoff(_FIRST_PAUSE, _LAST_PAUSE), asyncio.get_running_loop()
        known = False
        while True:
            began = loop.time()
            reason = await self._capture()
            known, lost, self._opened = known or self._opened is not None, self._opened is not None, None
            if lost or not known:
                self._report(reason, known=known)
            if not known:
                return
            if lost:
                logger.warning("%s", reason.text)
                if loop.time() - began > _STEADY_SECONDS:
                    backoff.reset()
            await asyncio.sleep(backoff.next())

    async def _capture(self) -> NoSuchDevice:
        """Capture the device until it is lost; return why."""
        try:
            async with _process("capture", self._wanted) as reader:
                while (message := await _next(reader, _QUIET_SECONDS if self._opened else _START_SECONDS)) is not None:
                    self._pass_on(message)
        except NoSuchDevice as error:
            return error
        return NoSuchDevice(f"The process that captures the input '{self._wanted}' ended; it is started again.")

    def _pass_on(self, message: CaptureMessage) -> None:
        """Pass on what the process sends. Raises errors.NoSuchDevice when it has lost the device."""
        match message:
            case Opened():
                self._opened = message
                self._for_all(lambda each: each.opened(message.sample_rate))
            case Block() if self._opened is not None:
                channels = self._opened.channels
                self._for_all(lambda each: each.captured(message, channels))
            case Refused(_, text):
                raise NoSuchDevice(text)

    def _report(self, reason: NoSuchDevice, *, known: bool) -> None:
        self._for_all(lambda each: (each.vanished if known else each.refused)(reason))

    def _for_all(self, act: Callable[[Subscriber], None]) -> None:
        """Do something for each subscriber; a failure is reported to that one and does not affect the others."""
        for subscriber in tuple(self._subscribers):
            with surviving(f"the capture of {self._wanted!r}", subscriber.refused):
                act(subscriber)


async def list_inputs() -> tuple[InputDevice, ...]:
    """List the input devices. Raises errors.NoSuchDevice when the audio system does not answer."""
    found: list[InputDevice] = []
    async with _process("list") as reader:
        while True:
            match await _next(reader, _START_SECONDS):
                case InputDevice() as device:
                    found.append(device)
                case Refused(_, text):
                    raise NoSuchDevice(text)
                case _:
                    return tuple(found)


@asynccontextmanager
async def _process(*arguments: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run a capture process, and yield its output.

    It has a session of its own, since Ctrl-C at the terminal is for the daemon. Raises errors.NoSuchDevice when the
    system cannot start it.
    """
    command = (sys.executable, "-m", "diffroll_live.audio.capture.process", *arguments)
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True, limit=_PIPE_BYTES
        )
    except OSError as error:
        raise NoSuchDevice(
            f"The process that captures inputs cannot be started ({error}); close other programs and try again."
        ) from error
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.communicate()  # what is still in the pipe must be read, or it could not end
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _next(reader: asyncio.StreamReader, seconds: float) -> CaptureMessage | None:
    """Read the next message; None when the process has ended, is silent, or sends nonsense."""
    try:
        async with asyncio.timeout(seconds):
            kind, length = unpack_head(await reader.readexactly(HEAD_BYTES))
            return unpack(kind, await reader.readexactly(length))
    except (TimeoutError, asyncio.IncompleteReadError):
        return None
    except (ValueError, TypeError, struct.error) as error:
        logger.error("a capture process sent what cannot be read: %s", error)
        return None
