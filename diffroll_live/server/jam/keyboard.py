"""A MIDI input that is heard for as long as it is wanted: one that is lost is told, and sought until it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from diffroll_live.errors import DiffrollError, PortError
from diffroll_live.midi.input import MidiInput, OnMessage
from diffroll_live.midi.ports import PortChoice

LOOK_SECONDS = 0.25  # between two looks whether the port is there
SEEK_SECONDS = 1.0  # between two attempts to open it again


class Keyboard:
    """Hears the input ``choice``; everything is called on the loop, and off it all that may block.

    ``on_message`` gets a mido.Message and its time, ``on_lost`` why nothing is heard any more, ``on_refused`` why
    nothing could ever be.
    """

    def __init__(
        self,
        choice: PortChoice,
        on_message: OnMessage,
        on_lost: Callable[[DiffrollError], None],
        on_refused: Callable[[DiffrollError], None],
    ) -> None:
        self._choice, self._on_message, self._on_lost, self._on_refused = choice, on_message, on_lost, on_refused
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._listen())

    def close(self) -> None:
        """Hear no more."""
        self._task.cancel()

    async def _listen(self) -> None:
        try:
            port = await self._open()
        except PortError as error:
            self._on_refused(error)
            return
        while True:
            await self._follow(port)
            port = await self._seek()

    async def _follow(self, port: MidiInput) -> None:
        """Hear a port until it is lost."""
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                await self._loop.run_in_executor(None, port.check)
        except PortError as error:
            self._on_lost(error)
        finally:
            await asyncio.shield(self._loop.run_in_executor(None, port.close))

    async def _seek(self) -> MidiInput:
        while True:
            await asyncio.sleep(SEEK_SECONDS)
            try:
                return await self._open()
            except PortError:
                continue  # it was told that the port is gone

    async def _open(self) -> MidiInput:
        """Open the port. One that opens when it is wanted no more is closed. Raises errors.PortError."""
        opening = self._loop.run_in_executor(None, lambda: MidiInput(self._choice, self._pass_on))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise

    def _pass_on(self, message: Any, at: float) -> None:
        self._loop.call_soon_threadsafe(self._on_message, message, at)


def _close_late(opened: asyncio.Future[MidiInput]) -> None:
    if opened.exception() is None:
        opened.get_loop().run_in_executor(None, opened.result().close)
