"""Input devices as buffers: which client captures which, what it learns of them, and the list of devices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from diffroll_live.audio.capture.messages import Block
from diffroll_live.audio.clock import Arrival
from diffroll_live.audio.live_buffer import LiveBuffer
from diffroll_live.audio.pcm import check_layout, from_bytes
from diffroll_live.errors import DiffrollError, InternalError, NoSuchDevice
from diffroll_live.osc import messages as m
from diffroll_live.osc.replies import AudioInput, AudioInputs, AudioListening, AudioReconnected, AudioVanished
from diffroll_live.server.audio.capture import Captures
from diffroll_live.server.audio.live_inputs import LiveInputs
from diffroll_live.server.clients import Client
from diffroll_live.server.surviving import surviving

logger = logging.getLogger(__name__)


class InputHandlers:
    """Handles ``/diffroll/audio/listen`` and ``/diffroll/audio/inputs``."""

    def __init__(self, inputs: LiveInputs) -> None:
        self._inputs = inputs
        self._captures = Captures()
        self._tasks: set[asyncio.Task[None]] = set()
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            m.AudioListen: self._capture,
            m.AudioInputsQuery: lambda client, _: self._spawn(self._send_inputs(client)),
        }

    async def close(self) -> None:
        """Capture nothing more."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._captures.close()

    def sweep(self) -> None:
        """Let silence stand for samples that are overdue."""
        self._inputs.sweep()

    def _capture(self, client: Client, message: m.AudioListen) -> None:
        live = self._inputs.add(client, message.buffer, message.latency_ms)
        feed = _DeviceFeed(self._inputs, client, live)
        live.on_close = lambda: self._spawn(self._captures.unsubscribe(feed))
        self._spawn(self._subscribe(feed, message.device))

    async def _subscribe(self, feed: _DeviceFeed, device: str) -> None:
        with surviving(f"the capture of {device!r}", feed.refused):
            await self._captures.subscribe(device, feed)

    async def _send_inputs(self, client: Client) -> None:
        with surviving("the list of inputs", partial(client.send_error, "/diffroll/audio/inputs")):
            devices = await self._captures.devices()
            client.send(AudioInputs(len(devices)))
            for device in devices:
                client.send(AudioInput(device.name, device.system, device.channels, device.sample_rate, device.is_main))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _DeviceFeed:
    """Brings the samples of a device into the live buffer of a client."""

    def __init__(self, inputs: LiveInputs, client: Client, live: LiveBuffer) -> None:
        self._inputs = inputs
        self._client = client
        self._live = live
        self._vanished = False

    @property
    def closed(self) -> bool:
        """Whether nobody wants more."""
        return self._live.closed

    def opened(self, sample_rate: int) -> None:
        """Begin, or go on; at another rate than before, the buffer starts over."""
        if self.closed:
            return
        try:
            check_layout(sample_rate, 1)
            self._live.open(sample_rate)
        except DiffrollError as error:
            self._inputs.fail(self._client, self._live, error)
            return
        kind = AudioReconnected if self._vanished else AudioListening
        self._client.send(kind(self._live.name, sample_rate))

    def captured(self, block: Block, channels: int) -> None:
        """Pass samples on, as one channel. A fault ends this input and no other."""
        if self.closed:
            return
        try:
            samples = from_bytes(block.data, "f32", channels)
            self._live.write(Arrival(samples, block.at, block.overrun, block.lost))
        except Exception as error:
            logger.exception("a live input failed")
            text = f"The daemon failed ({error}); its log has the details. Open the input again."
            self._inputs.fail(self._client, self._live, InternalError(text))

    def vanished(self, error: NoSuchDevice) -> None:
        """Report that the device is gone."""
        self._vanished = True
        if not self.closed:
            self._client.send(AudioVanished(self._live.name, error.text))

    def refused(self, error: DiffrollError) -> None:
        """Drop the buffer: there is no such device."""
        self._inputs.fail(self._client, self._live, error)
