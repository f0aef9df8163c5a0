"""A daemon over TCP that does as it is asked but for one address, which it refuses or answers as the test wants."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

from diffroll_live.osc import job_messages as jobs
from diffroll_live.osc import messages as m
from diffroll_live.osc import replies as r
from diffroll_live.osc import status_replies as s
from diffroll_live.osc.codec import decode_message
from diffroll_live.osc.framing import PacketReader, frame
from diffroll_live.osc.server_codec import read_message, write_reply

Answer = Callable[[Any], tuple[Any, ...]]

NOTE = (60, 0.0, 0.5, 90, 0)
ANSWERS: dict[type[Any], Answer] = {
    m.Hello: lambda _: (r.Welcome(1, "0", "fake", "cpu", 16_000, 1800.0, "0" * 64),),
    m.Ping: lambda ping: (r.Pong(ping.n),),
    m.StatusQuery: lambda _: (s.Status("ready", 0, "", 0.0),),
    m.AudioOpen: lambda opening: (r.AudioOpened(opening.buffer, 4),),
    m.AudioClose: lambda closing: (r.AudioReady(closing.buffer, 1.0, 16_000),),
    m.AudioFree: lambda freeing: (r.AudioFreed(freeing.buffer),),
    jobs.JobRun: lambda run: (r.JobAccepted(run.job, 0), r.Note(run.job, 0, *NOTE), r.JobDone(run.job, 1, 0, 1.0)),
}
KINDS = {kind.__name__: kind for kind in m.CLIENT_MESSAGES.values()}


def refuse(code: str) -> Answer:
    """Answer with an error about the job, the buffer or the client."""
    return lambda message: (r.Error(str(next(iter(vars_of(message)), "packet")), code, "As planned."),)


def vars_of(message: Any) -> list[Any]:
    return [getattr(message, name) for name in type(message).__dataclass_fields__]


class RefusingDaemon:
    """Serves one connection; ``answers`` may be changed at any time."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = ANSWERS | {KINDS[name]: answer for name, answer in answers.items()}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            pass  # whoever still waits for a client need not any more
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as the daemon's are
        stream = PacketReader(1 << 22)
        with connection, contextlib.suppress(ConnectionError):  # the client has given up
            while data := connection.recv(1 << 16):
                stream.feed(data)
                for packet in stream.packets():
                    message = read_message(decode_message(packet))
                    for reply in self.answers.get(type(message), lambda _: ())(message):
                        connection.sendall(frame(write_reply(reply)[0]))
