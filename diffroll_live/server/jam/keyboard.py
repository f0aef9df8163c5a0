"""A MIDI input of a jam: when the port is lost, that is reported once, and the port is reopened when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from diffroll_live.errors import DiffrollError
from diffroll_live.midi.input import MidiInput, OnMessage
from diffroll_live.midi.ports import PortChoice
from diffroll_live.server.surviving import surviving

CHECK_SECONDS = 0.25  # between two checks of the open port
REOPEN_SECONDS = 1.0  # between two attempts to reopen it


class Keyboard:
    """Listens to the input ``choice``. Callbacks run on the loop; what may block runs off it.

    ``on_message`` gets a mido.Message and its time, ``on_lost`` the reason why the port was lost, ``on_refused`` the
    reason why it could not be opened at first.
    """

    def __init__(
        self,
        choice: PortChoice,
        on_message: OnMessage,
        on_lost: Callable[[DiffrollError], None],
        on_refused: Callable[[DiffrollError], None],
    ) -> None:
        self._choice, self._on_message, self._on_lost, self._on_refused = choice, on_message, on_lost, on_refused
        self._input = f"MIDI input {choice.port or choice.name}"
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._listen())

    def close(self) -> None:
        """Stop listening."""
        self._task.cancel()

    async def _listen(self) -> None:
        port: MidiInput | None = None
        with surviving(self._input, self._on_refused):
            port = await self._open()
        while port is not None:
            await self._follow(port)
            port = await self._reopen()

    async def _follow(self, port: MidiInput) -> None:
        """Listen to a port until it is lost."""
        try:
            with surviving(self._input, self._on_lost):
                while True:
                    await asyncio.sleep(CHECK_SECONDS)
                    await self._loop.run_in_executor(None, port.check)
        finally:
            with surviving(self._input):
                await asyncio.shield(self._loop.run_in_executor(None, port.close))

    async def _reopen(self) -> MidiInput:
        while True:
            await asyncio.sleep(REOPEN_SECONDS)
            with surviving(self._input):  # the loss has been reported
                return await self._open()

    async def _open(self) -> MidiInput:
        """Open the port; one that opens only after close() is closed again. Raises errors.PortError."""
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
