"""What the user may set: ``settings.json`` beside this file, and the options that come with a command.

The file is not part of the script; where it is missing, the defaults below hold.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, Mapping, NamedTuple, Tuple

from .failures import Failure

PATH = Path(__file__).resolve().parent / "settings.json"

CHANNEL = 16
BUTTONS = {
    "transcribe": ("cc", CHANNEL, 102),
    "fill": ("cc", CHANNEL, 103),
    "continue": ("cc", CHANNEL, 104),
    "generate": ("cc", CHANNEL, 105),
    "cancel": ("cc", CHANNEL, 106),
}
# What may be chosen for a job, mostly options of the daemon: least and greatest value, whole or not, or the words.
NUMBERS = {
    "seconds": (0.1, 600.0, False),
    "steps": (1, 1000, True),
    "guidance": (0.0, 20.0, False),
    "seed": (0, 2**31 - 1, True),
    "temperature": (0.0, 5.0, False),
    "density": (0.0, 4.0, False),
    "threshold": (0.01, 0.99, False),
    "min_note": (0.0, 10.0, False),
    "hear": (0, 1, True),  # of the region of a fill
}
WORDS = {"quality": ("draft", "live", "best"), "pedal": ("on", "off")}


class Settings(NamedTuple):
    """All that can be set, with what holds otherwise."""

    daemon_port: int = 7770
    command_port: int = 7771
    seconds: float = 8.0  # of new music
    context_seconds: float = 30.0  # that a fill hears on either side
    buttons: Dict[str, Tuple[str, int, int]] = BUTTONS  # a verb's kind, MIDI channel (1 to 16) and number
    options: Mapping[str, Any] = MappingProxyType({})  # for every job that has them


DEFAULTS = Settings()


def load(path: Path = PATH) -> Settings:
    """Read the file, if there is one. Raises Failure that names what is wrong in it."""
    if not path.is_file():
        return DEFAULTS
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure("bad-option", f"{path} cannot be read: {error}.") from None
    unknown = sorted(set(given) - set(Settings._fields)) if isinstance(given, dict) else ["what is no object"]
    if unknown:
        raise Failure(
            "bad-option", "{} holds {}; it may hold {}.".format(path, unknown[0], ", ".join(Settings._fields))
        )
    return DEFAULTS._replace(**{key: _checked(key, value) for key, value in given.items()})


def check_option(key: Any, value: Any) -> Tuple[str, Any]:
    """Give an option of the daemon with its value in the type that it has. Raises Failure."""
    if key in WORDS and value in WORDS[key]:
        return key, value
    low, high, whole = NUMBERS.get(key, (1, 0, False))  # the range of an unknown key is empty
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if number and low <= value <= high and (not whole or value == int(value)):
        return key, int(value) if whole else float(value)
    raise Failure("bad-option", f"{key} cannot be {value}.")


def _checked(key: str, value: Any) -> Any:
    if key == "options" and isinstance(value, dict):
        return dict(check_option(name, choice) for name, choice in value.items())
    if key == "buttons" and isinstance(value, dict):
        return dict(BUTTONS, **{verb: _button(verb, button) for verb, button in value.items()})
    if key in ("daemon_port", "command_port") and _whole(value, 1, 65535):
        return value
    if key == "seconds":
        return check_option(key, value)[1]
    if key == "context_seconds" and isinstance(value, (int, float)) and 0 <= value <= 600:
        return float(value)
    raise Failure("bad-option", f"{PATH}: {key} cannot be {json.dumps(value)}.")


def _button(verb: str, value: Any) -> Tuple[str, int, int]:
    if verb in BUTTONS and isinstance(value, list) and len(value) == 3:
        kind, channel, number = value
        if kind in ("cc", "note") and _whole(channel, 1, 16) and _whole(number, 0, 127):
            return kind, channel, number
    raise Failure("bad-option", f'{PATH}: the button of {verb} must be like ["cc", 16, 102].')


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def as_options(words: Tuple[Any, ...]) -> Dict[str, Any]:
    """Read key, value, key, value as they come with a command. Raises Failure."""
    if len(words) % 2:
        raise Failure("bad-option", "An option has no value; send key and value in turn.")
    return dict(check_option(key, value) for key, value in zip(words[::2], words[1::2]))  # noqa: B905 - Python 3.7
