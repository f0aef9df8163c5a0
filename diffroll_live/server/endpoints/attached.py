"""What an endpoint outside this package needs of the daemon, such as the panel's: its clients, and its dispatcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from diffroll_live.osc.codec import Message
from diffroll_live.server.clients import Client, ClientTable
from diffroll_live.server.report import Report


@dataclass(frozen=True, slots=True)
class Attachment:
    """The daemon as an endpoint sees it, on the daemon's loop; ``port`` is the one for OSC.

    ``take`` handles the messages of a client and never raises; ``report`` says how the daemon is.
    """

    port: int
    clients: ClientTable
    take: Callable[[Client, Sequence[Message]], None]
    report: Callable[[], Report]


#: Opens an endpoint on the daemon's loop; it is closed when the daemon ends.
OpenAttachment = Callable[[Attachment], AbstractAsyncContextManager[None]]
