"""The codec as the daemon sees it: a client's messages from OSC, its own replies to packets."""

from __future__ import annotations

from typing import Any

from diffroll_live.errors import DiffrollError, UnknownAddress
from diffroll_live.osc.arguments import field_types, fit
from diffroll_live.osc.codec import Message, encode
from diffroll_live.osc.messages import CLIENT_MESSAGES
from diffroll_live.osc.replies import DAEMON_MESSAGES, AudioMissing, Error

DEFAULT_DATAGRAM = 1024  # bytes


def read_message(message: Message) -> Any:
    """Turn an OSC message into the dataclass that its address names.

    Raises errors.UnknownAddress, and errors.ProtocolError when the arguments do not fit. Patterns are not matched.
    """
    target = CLIENT_MESSAGES.get(message.address)
    if target is None:
        raise UnknownAddress(f"The daemon has no address {message.address}; PROTOCOL.md lists them all.")
    return fit(message, target)


def write_reply(reply: Any, limit: int = DEFAULT_DATAGRAM) -> tuple[bytes, ...]:
    """Write a reply as packets of at most ``limit`` bytes.

    A list of missing chunks becomes several messages; the text of an error is cut.
    Raises errors.ProtocolError for a value that OSC cannot hold.
    """
    if isinstance(reply, AudioMissing):
        room = (limit - len(_write(AudioMissing(reply.buffer, ())))) // 5 - 1  # 4 bytes and a tag each
        parts = range(0, len(reply.index), room)
        return tuple(_write(AudioMissing(reply.buffer, reply.index[at : at + room])) for at in parts)
    packet = _write(reply)
    if isinstance(reply, Error) and len(packet) > limit:
        surplus = len(packet) - limit + 4
        text = (
            _readable(reply.text)
            .encode()[: max(0, len(reply.text.encode(errors="replace")) - surplus)]
            .decode(errors="ignore")
        )
        return (_write(Error(reply.about, reply.code, text)),)
    return (packet,)


def write_error(about: str, error: DiffrollError) -> bytes:
    """Write an error as a packet for someone who is no client, of at most DEFAULT_DATAGRAM bytes."""
    return write_reply(Error(about, error.code, error.text))[0]


def _write(reply: Any) -> bytes:
    tags = ""
    values: list[int | float | str] = []
    for name, kind in field_types(type(reply)).items():
        value = getattr(reply, name)
        items = value if isinstance(value, tuple) else (value,)
        tags += _TAGS.get(kind, "i") * len(items)
        values.extend(_readable(item) if isinstance(item, str) else item for item in items)
    return encode(_ADDRESSES[type(reply)], tags, tuple(values))


def _readable(text: str) -> str:
    """Replace what UTF-8 cannot hold: half a surrogate pair, as in names of files that are not UTF-8 themselves."""
    return text.encode(errors="replace").decode()


_TAGS = {str: "s", float: "f"}
_ADDRESSES = {kind: address for address, kind in DAEMON_MESSAGES.items()}
