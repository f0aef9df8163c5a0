"""Convert loosely typed OSC arguments to the fields of a message's dataclass, or report which one is wrong."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Annotated, Any, TypeGuard, get_type_hints

import numpy as np

from diffroll_live.errors import ProtocolError
from diffroll_live.osc.codec import Argument, Message
from diffroll_live.types import Floats

MAX_NAME = 64  # bytes
_INT64 = 2**63
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, and halves of a pair

Name = Annotated[str, "name"]  # of a buffer or a job
NameOrNone = Annotated[str, "name or empty"]
Setting = str | float
Samples = bytes | Floats  # raw bytes, or (n,) float32

_FIELD_TYPES: dict[type[Any], dict[str, Any]] = {}  # resolving them is slow, and they never change


def field_types(message: type[Any]) -> dict[str, Any]:
    """Return the resolved type of each field of a message's dataclass, in order."""
    if message not in _FIELD_TYPES:
        hints = get_type_hints(message, include_extras=True)
        _FIELD_TYPES[message] = {item.name: hints[item.name] for item in fields(message)}
    return _FIELD_TYPES[message]


def signature(message: type[Any]) -> str:
    """Write the arguments of a message as PROTOCOL.md does: ``s:job f:t0 [i:low]``."""
    parts = []
    for item in fields(message):
        part = f"{_TAGS[field_types(message)[item.name]]}:{item.name}"
        parts.append(part if item.default is MISSING else f"[{part}]")
    return " ".join(parts)


def fit(message: Message, target: type[Any]) -> Any:
    """Make a ``target`` of a message's arguments. Raises errors.ProtocolError that shows the expected form."""
    types = field_types(target)
    arguments = _gather(message.arguments) if Samples in types.values() else _spread(message.arguments)
    required = sum(item.default is MISSING for item in fields(target))
    if not required <= len(arguments) <= len(types):
        raise ProtocolError(f"{message.address} came with {len(arguments)} arguments; send {usage(message, target)}.")
    values = []
    for (name, kind), value in zip(types.items(), arguments, strict=False):
        try:
            values.append(_CONVERTERS[kind](value))
        except ProtocolError as error:
            raise ProtocolError(f"{name} {error}; send {usage(message, target)}.") from error
    return target(*values)


def usage(message: Message, target: type[Any]) -> str:
    """Write the expected form of a message, for an error's text."""
    return f"{message.address} {signature(target)}".strip()


def _number(value: Argument) -> float:
    if _is_finite(value):
        return float(value)
    raise ProtocolError("must be a finite number")


def _is_finite(value: Argument) -> TypeGuard[float]:
    """Return whether it is a number that a float can hold; JSON's integers may have any number of digits."""
    return isinstance(value, bool | int | float) and abs(value) <= sys.float_info.max


def _integer(value: Argument) -> int:
    if _is_finite(value) and value == int(value) and abs(value) < _INT64:
        return int(value)
    raise ProtocolError("must be a whole number")


def _flag(value: Argument) -> bool:
    if isinstance(value, bool | int | float) and value in {0, 1}:
        return bool(value)
    raise ProtocolError("must be 0 or 1")


def _text(value: Argument) -> str:
    if isinstance(value, str) and not _CONTROL.search(value):
        return value
    raise ProtocolError("must be a string without control characters")


def _name_or_none(value: Argument) -> str:
    name = _text(value)
    if len(name.encode()) <= MAX_NAME:
        return name
    raise ProtocolError(f"must be at most {MAX_NAME} bytes long")


def _name(value: Argument) -> str:
    name = _name_or_none(value)
    if name:
        return name
    raise ProtocolError("must not be empty")


def _setting(value: Argument) -> Setting:
    return _text(value) if isinstance(value, str) else _number(value)


def _samples(value: Argument) -> Samples:
    if isinstance(value, bytes | np.ndarray):
        return value
    raise ProtocolError("must be a blob or a list of floats")


def _spread(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Undo the codec's array: in messages without audio, each number is an argument."""
    if arguments and isinstance(arguments[-1], np.ndarray):
        return arguments[:-1] + tuple(arguments[-1].tolist())
    return arguments


def _gather(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Collect all numbers after name and index in one array; some clients send the index as one of the floats."""
    before, behind = arguments[:2], arguments[2:]
    if len(before) == 2 and isinstance(before[1], np.ndarray):
        run = before[1]
        return before[0], float(run[0]), run[1:]
    if any(isinstance(item, bytes | np.ndarray) for item in behind) or not behind:
        return arguments
    return *before, np.array([_number(item) for item in behind], np.float32)


_CONVERTERS: dict[Any, Callable[[Argument], Any]] = {
    int: _integer,
    float: _number,
    bool: _flag,
    str: _text,
    Name: _name,
    NameOrNone: _name_or_none,
    Setting: _setting,
    Samples: _samples,
}
_TAGS: dict[Any, str] = {
    int: "i",
    float: "f",
    bool: "i",
    str: "s",
    Name: "s",
    NameOrNone: "s",
    Setting: "s|f",
    Samples: "b|f…",
    tuple[int, ...]: "i…",
}
