"""A conversation with a stock AbletonOSC: one question at a time, since its answers have no number.

It listens on port 11000, always answers to port 11001, and polls its socket every 100 ms. When a question fails it
sends `/live/error` and leaves the other pending messages for its next poll.
"""

from __future__ import annotations

import logging
import socket
import time
from typing import Self

from diffroll_live.errors import PortError, ProtocolError, RequestError, TimedOut
from diffroll_live.osc.codec import Argument, Message, decode_message, encode

logger = logging.getLogger(__name__)

PORT = 11000  # it listens here
REPLY_PORT = 11001  # and answers here
TIMEOUT = 1.0  # s for one answer: ten of its polls
ATTEMPTS = 4
MAX_ARGUMENTS = 4096  # per answer; 800 notes
_LOCAL = "127.0.0.1"
_TEST, _ERROR = "/live/test", "/live/error"
_TAGS: tuple[tuple[type, str], ...] = ((int, "i"), (float, "f"), (str, "s"))

Value = int | float | str | bool


class AbletonOsc:
    """The only client that AbletonOSC can answer, for as long as it is open. Use as a context manager.

    Raises errors.PortError if another program uses the reply port, errors.TimedOut if there is no answer.
    """

    def __init__(self, port: int = PORT, reply_port: int = REPLY_PORT) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._where = (_LOCAL, port)
        try:
            self._socket.bind((_LOCAL, reply_port))
        except OSError as error:
            self._socket.close()
            raise PortError(
                f"Port {reply_port}, to which AbletonOSC answers, is in use; close the other program that uses it."
            ) from error
        try:
            self.ask(_TEST)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the port."""
        self._socket.close()

    def ask(self, address: str, *key: Value, extra: tuple[Value, ...] = ()) -> tuple[Argument, ...]:
        """Ask an idempotent question; return what follows ``key``, which the answer repeats.

        Raises errors.RequestError with AbletonOSC's message if it fails, errors.TimedOut if there is no answer.
        """
        packet = _encode(address, (*key, *extra))
        for _ in range(ATTEMPTS):
            self._forget()
            self._socket.sendto(packet, self._where)
            deadline = time.monotonic() + TIMEOUT
            while (answer := self._next(deadline)) is not None:
                if answer.address == _ERROR:
                    raise _refusal(answer)
                if answer.address == address and answer.arguments[: len(key)] == key:
                    return answer.arguments[len(key) :]
        raise TimedOut(
            "Ableton Live does not answer. Choose AbletonOSC as a control surface in its settings (Link, Tempo & "
            "MIDI), or install our own script with 'diffroll-live install-bridge ableton'."
        )

    def tell(self, address: str, *args: Value) -> None:
        """Send a command that has no answer, and wait until it is done. Raises errors.RequestError, TimedOut.

        A question that always works is sent after it, and answered once the command has finished or failed.
        """
        self._forget()
        self._socket.sendto(_encode(address, args), self._where)
        self._socket.sendto(_encode(_TEST, ()), self._where)
        deadline, failure = time.monotonic() + TIMEOUT, None
        while (answer := self._next(deadline)) is not None:
            if answer.address == _ERROR:
                failure = _refusal(answer)
            elif answer.address == _TEST:
                break
        else:
            self.ask(_TEST)  # Live may be busy, or a datagram was lost
        if failure is not None:
            raise failure

    def _forget(self) -> None:
        """Discard answers to earlier questions."""
        while self._next(time.monotonic()) is not None:
            pass

    def _next(self, deadline: float) -> Message | None:
        """Return the next message, even after the deadline if it has already arrived; otherwise None."""
        while True:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.0))
            try:
                packet, sender = self._socket.recvfrom(65536)
                message = decode_message(packet, MAX_ARGUMENTS)
            except (TimeoutError, BlockingIOError):
                return None
            except ConnectionError:  # a closed port on Windows
                continue
            except ProtocolError as error:
                logger.debug("not understood: %s", error)
                continue
            if sender != self._where:
                continue
            return message


def _refusal(answer: Message) -> RequestError:
    return RequestError(f"AbletonOSC reported: {' '.join(map(str, answer.arguments))}")


def _encode(address: str, args: tuple[Value, ...]) -> bytes:
    return encode(address, "".join(map(_tag, args)), args)


def _tag(value: Value) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return next(tag for kind, tag in _TAGS if isinstance(value, kind))
