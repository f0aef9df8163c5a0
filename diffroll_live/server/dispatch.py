"""Dispatches a client's packets to the handlers of their messages, and turns errors into replies."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from diffroll_live.osc.codec import Malformed, Message, decode
from diffroll_live.osc.messages import CLIENT_MESSAGES
from diffroll_live.osc.replies import DAEMON_MESSAGES
from diffroll_live.osc.server_codec import read_message
from diffroll_live.server.clients import Client
from diffroll_live.server.surviving import surviving

logger = logging.getLogger(__name__)

Handlers = Mapping[type[Any], Callable[[Client, Any], None]]

_PACKET = "packet"  # what an error is about when no address could be read


class Dispatcher:
    """Answers packets, one after the other."""

    def __init__(self, *handler_tables: Handlers) -> None:
        self._handlers: dict[type[Any], Callable[[Client, Any], None]] = {}
        for handlers in handler_tables:
            self._handlers.update(handlers)
        self._open = True

    def close(self) -> None:
        """Ignore further packets: the daemon is shutting down."""
        self._open = False

    def receive(self, client: Client, packet: bytes) -> None:
        """Handle a packet. Never raises: errors are sent to the client."""
        if self._open:
            self.take(client, decode(packet))

    def take(self, client: Client, elements: Sequence[Message | Malformed]) -> None:
        """Handle what has been read of a packet, one message after the other. Never raises."""
        for element in elements if self._open else ():
            if self._is_to_be_answered(client, element):
                self._handle(client, element)

    def _is_to_be_answered(self, client: Client, element: Message | Malformed) -> bool:
        address = element.address
        if address in DAEMON_MESSAGES and _is_ours(element):
            # Answering a daemon's own messages would let two daemons, or one that hears itself, talk for ever.
            logger.debug("%s sent %s, which is the daemon's to send", client.key, address)
            return False
        # A DAW's surface sends its faders and the names of its tracks too; errors about each would only drown it.
        return not (client.is_surface and _is_foreign(address) and address not in CLIENT_MESSAGES)

    def _handle(self, client: Client, message: Message | Malformed) -> None:
        if _is_foreign(message.address) and message.address in CLIENT_MESSAGES:
            client.is_surface = True
        about = message.address or _PACKET
        with surviving(f"{about} of {client.key}", lambda error: client.send_error(about, error)):
            if isinstance(message, Malformed):
                raise message.error
            parsed = read_message(message)
            about = getattr(parsed, "job", "") or getattr(parsed, "buffer", "") or about
            self._handlers[type(parsed)](client, parsed)


def _is_foreign(address: str) -> bool:
    """Return whether an address belongs to a DAW's own surface rather than to our protocol."""
    return bool(address) and not address.startswith("/diffroll/")


def _is_ours(element: Message | Malformed) -> bool:
    """Return whether it is a reply. ``/diffroll/status`` is a question and, with arguments, its answer."""
    return element.address not in CLIENT_MESSAGES or (isinstance(element, Message) and len(element.arguments) > 0)
