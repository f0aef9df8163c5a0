"""A client of our Remote Script, DiffRollLive: sends a command, relays its progress and returns its result."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Self

from diffroll_live.errors import DiffrollError, ProtocolError, TimedOut
from diffroll_live.integrations.ableton.jobs import Written
from diffroll_live.osc.client_codec import error_of
from diffroll_live.osc.codec import Message, decode_message, encode
from diffroll_live.osc.replies import Error
from diffroll_live.types import Task

PORT = 7771
GREETING = 1.0  # s for an answer: ten of Live's ticks
SILENCE = 60.0  # s of silence before giving up; each network evaluation is reported
_PREFIX = "/diffroll/ableton/"
_VERBS: dict[Task, str] = {
    "transcribe": "transcribe",
    "inpaint": "fill",
    "continue": "continue",
    "generate": "generate",
}


class RemoteScript:
    """A connection to the script. Raises errors.TimedOut if it is not running."""

    def __init__(self, port: int = PORT) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        try:
            self._send("hello")
            self.findings = " ".join(map(str, self._until("welcome", GREETING).arguments))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def run(self, task: Task, options: dict[str, float | str], say: Callable[[str], None]) -> Written:
        """Run a command. Raises the script's failure as the error with its code, TimedOut if Live falls silent."""
        self._send(_VERBS[task], *(word for option in options.items() for word in option))
        try:
            count, where = self._until("done", SILENCE, say).arguments[:2]
        except KeyboardInterrupt:
            self._send("cancel")
            raise
        if not isinstance(count, int):
            raise ProtocolError("The Remote Script returned no number of notes; install it again.")
        return Written(count, str(where))

    def cancel(self) -> None:
        """Cancel the script's job. Raises errors.UnknownJob if it has none."""
        self._send("cancel")
        self._until("done", GREETING)

    def _send(self, word: str, *args: float | str) -> None:
        tags = "".join("s" if isinstance(arg, str) else "if"[isinstance(arg, float)] for arg in args)
        try:
            self._socket.send(encode(_PREFIX + word, tags, args))
        except OSError as error:
            raise self._absent() from error

    def _until(self, wanted: str, timeout: float, say: Callable[[str], None] = lambda text: None) -> Message:
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                message = decode_message(self._socket.recv(65536), max_arguments=16)
            except TimeoutError:
                break
            except OSError as error:
                raise self._absent() from error
            word = message.address.removeprefix(_PREFIX)
            if word == wanted:
                return message
            if word == "failed":
                raise _failure(message)
            if word == "said":
                say(" ".join(map(str, message.arguments)))
                deadline = time.monotonic() + timeout
        raise self._absent()

    @staticmethod
    def _absent() -> TimedOut:
        return TimedOut(
            "The Remote Script DiffRollLive does not answer. Choose it as a control surface in Live's settings (Link, "
            "Tempo & MIDI); 'diffroll-live install-bridge ableton' installs it."
        )


def _failure(message: Message) -> DiffrollError:
    code, text = (*map(str, message.arguments), "", "")[:2]
    return error_of(Error("Live", code, text))
