"""The codec as a client sees it: the messages that it may send to bytes, the daemon's replies and errors back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from diffroll_live.errors import DiffrollError, ProtocolError
from diffroll_live.osc import codec, messages, replies

MAX_PACKET = 1 << 22  # bytes that the daemon may send as one packet


def write_message(message: Any) -> bytes:
    """Write one of `messages` as a packet. Raises errors.ProtocolError for a value that OSC cannot hold."""
    values = [getattr(message, name) for name in type(message).__dataclass_fields__]
    tags = "".join(next(tag for kind, tag in _TAGS if isinstance(value, kind)) for value in values)
    return codec.encode(_ADDRESSES[type(message)], tags, tuple(values))


def read_reply(message: codec.Message) -> Any:
    """Make one of `replies` of a message. Raises errors.ProtocolError for an address that no reply has."""
    kind = replies.DAEMON_MESSAGES.get(message.address)
    if kind is None:
        raise ProtocolError(f"The daemon sent {message.address}, which this version does not know; update it.")
    if kind is replies.AudioMissing:
        return replies.AudioMissing(str(message.arguments[0]), tuple(message.arguments[1:]))  # type: ignore[arg-type]
    return kind(*message.arguments)


def error_of(reply: replies.Error) -> DiffrollError:
    """Make the error of `errors` that has the reply's code."""
    return _ERRORS.get(reply.code, DiffrollError)(reply.text)


def _leaves(kind: type[DiffrollError]) -> Iterator[type[DiffrollError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _leaves(child)


_TAGS = ((int, "i"), (float, "f"), (str, "s"), (bytes, "b"))  # a bool is an int
_ADDRESSES = {kind: address for address, kind in reversed(messages.CLIENT_MESSAGES.items())}
_ERRORS = {kind.code: kind for kind in reversed(tuple(_leaves(DiffrollError)))}
