"""The protocol's table as TypeScript, so that the page's messages are checked against the daemon's.

``python -m diffroll_live.panel.schema`` prints it.
"""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields
from typing import Any

from diffroll_live.osc.arguments import Name, NameOrNone, Samples, Setting, field_types
from diffroll_live.osc.messages import CLIENT_MESSAGES
from diffroll_live.osc.replies import DAEMON_MESSAGES

_TYPES: dict[Any, str] = {
    int: "number",
    float: "number",
    bool: "boolean | number",
    str: "string",
    Name: "string",
    NameOrNone: "string",
    Setting: "string | number",
    tuple[int, ...]: "number[]",
}


def typescript() -> str:
    """Write both tables: a tuple type for each message of a client, an interface and field names for each reply."""
    lines = ["// Written by script/build-panel from diffroll_live/osc/messages.py and replies.py.", ""]
    lines += ["export interface Requests {"]
    for address, message in CLIENT_MESSAGES.items():
        if address.startswith("/diffroll/") and Samples not in field_types(message).values():
            lines.append(f'  "{address}": [{", ".join(_arguments(message))}];')
    lines += ["}", "", "export interface Replies {"]
    for address, reply in DAEMON_MESSAGES.items():
        kinds = (f"{_camel(name)}: {_TYPES[kind]}" for name, kind in field_types(reply).items())
        lines.append(f'  "{address}": {{ {"; ".join(kinds)} }};')
    lines += ["}", "", "export const FIELDS: { [A in keyof Replies]: (keyof Replies[A])[] } = {"]
    for address, reply in DAEMON_MESSAGES.items():
        names = ", ".join(f'"{_camel(name)}"' for name in field_types(reply))
        lines.append(f'  "{address}": [{names}],')
    return "\n".join([*lines, "};", ""])


def _arguments(message: type[Any]) -> list[str]:
    types = field_types(message)
    return [
        f"{_camel(item.name)}{'' if item.default is MISSING else '?'}: {_TYPES[types[item.name]]}"
        for item in fields(message)
    ]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


if __name__ == "__main__":
    sys.stdout.write(typescript())
