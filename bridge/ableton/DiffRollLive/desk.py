"""The script's own port: commands come in from this machine, and whoever sent one is told how it goes.

`/diffroll/ableton/hello`, `/diffroll/ableton/cancel` and one address a verb, with key and value in turn as arguments.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any, List, NamedTuple, Tuple

from .osc import OscError, decode, encode

PREFIX = "/diffroll/ableton/"
MOST = 20  # commands read a tick


class Command(NamedTuple):
    """What somebody wants, and where they are."""

    verb: str
    args: Tuple[Any, ...]
    sender: Any


class Desk:
    """A UDP socket on 127.0.0.1, which programs on other machines cannot reach. Raises OSError when it is taken."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise

    def poll(self) -> List[Command]:
        """Give the commands that have come; what is none is passed over."""
        commands: List[Command] = []
        for _ in range(MOST):
            try:
                packet, sender = self._socket.recvfrom(4096)
                message = decode(packet)
            except BlockingIOError:
                break
            except (OSError, OscError):  # an asker that has gone, a packet that is none
                continue
            if message.address.startswith(PREFIX):
                commands.append(Command(message.address[len(PREFIX) :], message.args, sender))
        return commands

    def tell(self, sender: Any, word: str, *args: Any) -> None:
        """Answer whoever sent a command; nobody is told when they have gone."""
        with contextlib.suppress(OSError):
            self._socket.sendto(encode(PREFIX + word, *args), sender)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
