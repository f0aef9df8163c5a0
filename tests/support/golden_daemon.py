"""The daemon's side of the golden session on a UDP socket: what it said then, to whatever client sends the same now."""

from __future__ import annotations

import socket
import threading
from typing import Any, Self

from pythonosc.osc_message import OscMessage

from support import golden_session
from support.osc_client import build

PAUSE = 0.005  # s between datagrams, as the daemon paces itself


class GoldenDaemon:
    """Answers each message as the session did after the next message of that address; ``heard`` is what came.

    ``answers`` has a list of answers to each address; it may be changed, for what no session holds.
    """

    def __init__(self) -> None:
        self.heard: list[tuple[str, tuple[Any, ...]]] = []
        self.answers = answers_of(golden_session.load())
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            packet, sender = self._socket.recvfrom(65536)
            if self._stop.is_set():
                return
            message = OscMessage(packet)
            self.heard.append((message.address, tuple(message.params)))
            for address, args in self.answers[message.address].pop(0):
                self._stop.wait(PAUSE)
                self._socket.sendto(build(address, *args), sender)


def answers_of(lines: list[dict[str, Any]]) -> dict[str, list[list[tuple[str, tuple[Any, ...]]]]]:
    """What followed each message of the client, by its address, in order."""
    found: dict[str, list[list[tuple[str, tuple[Any, ...]]]]] = {}
    for line in lines:
        if line["from"] == "client":
            answer: list[tuple[str, tuple[Any, ...]]] = []
            found.setdefault(line["address"], []).append(answer)
        else:
            answer.append((line["address"], tuple(zip(line["tags"], line["args"], strict=True))))
    return found
