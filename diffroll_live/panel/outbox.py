"""The way back to a page: replies as lines of JSON, pictures as binary frames. Knows no web framework."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections import deque

from diffroll_live.osc.codec import Message, decode_message

logger = logging.getLogger(__name__)

PICTURE = "/diffroll/picture"
_MAX_WAITING = 100_000  # messages
_LINES = 256  # messages of one text frame


class PanelOutbox:
    """Keeps messages until the page's connection takes them; while the page is away, keeps none."""

    def __init__(self) -> None:
        self._waiting: deque[Message] = deque()
        self._filled = asyncio.Event()
        self.attached = 0  # connections so far; the newest is the one that is served
        self.present = False
        self.closed = False

    def send(self, packet: bytes) -> None:
        """Queue a reply."""
        if not self.present or self.closed:
            return
        if len(self._waiting) >= _MAX_WAITING:
            logger.debug("a page does not read its replies; one is dropped")
            return
        self._waiting.append(decode_message(packet))
        self._filled.set()

    def redirect(self, port: int) -> None:
        """Do nothing: replies go to the page."""

    def drain(self) -> None:
        """Do nothing: the connection is closed with the panel."""

    def close(self) -> None:
        """End the connection."""
        self.closed = True
        self._filled.set()

    def attach(self) -> int:
        """Serve a new connection from now on, whose number is returned; an older one ends."""
        self.attached += 1
        self.present = True
        self._waiting.clear()
        self._filled.set()
        return self.attached

    def detach(self, number: int) -> None:
        """Note that a connection has ended."""
        if number == self.attached:
            self.present = False
            self._waiting.clear()

    async def next(self, number: int) -> str | bytes | None:
        """Wait for the next frame of a connection: lines, or a picture; None when the connection should end."""
        while not self.closed and number == self.attached:
            if self._waiting:
                return self._frame()
            self._filled.clear()
            await self._filled.wait()
        return None

    def _frame(self) -> str | bytes:
        if self._waiting[0].address == PICTURE:
            return picture_frame(self._waiting.popleft())
        lines: list[str] = []
        while self._waiting and self._waiting[0].address != PICTURE and len(lines) < _LINES:
            message = self._waiting.popleft()
            lines.append(json.dumps([message.address, *message.arguments], ensure_ascii=False))
        return "\n".join(lines)


def picture_frame(message: Message) -> bytes:
    """Write a picture as a line of JSON, all its arguments but the levels, and then the levels, a byte each."""
    *header, levels = message.arguments
    return json.dumps([message.address, *header]).encode() + b"\n" + base64.b64decode(str(levels))
