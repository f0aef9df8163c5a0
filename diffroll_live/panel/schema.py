"""The tables of messages and of options as TypeScript, so that the page is checked against the daemon.

``python -m diffroll_live.panel.schema messages`` and ``... options`` print them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from diffroll_live.limits import CONTROLS, LIVE, Choice, Limit, Option
from diffroll_live.notation.scales import SCALES
from diffroll_live.osc.arguments import Name, NameOrNone, Samples, Setting, field_types
from diffroll_live.osc.messages import CLIENT_MESSAGES
from diffroll_live.osc.replies import DAEMON_MESSAGES
from diffroll_live.server.jam.settings import JamSettings
from diffroll_live.server.job_settings import JobSettings

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


def messages() -> str:
    """Write both tables of messages: a tuple for each of a client's, an interface and names of fields for a reply."""
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


def options() -> str:
    """Write the options of jobs, live inputs and jams: range or choices, default, unit and sentence of each."""
    lines = [
        "// Written by script/build-panel from diffroll_live/limits.py and diffroll_live/server.",
        "",
        "export type Option =",
        '  | { kind: "number"; low: number; high: number; whole: boolean; start: number | null; unit: string;',
        "      sentence: string }",
        '  | { kind: "choice"; names: readonly string[]; start: string; unit: string; sentence: string }',
        '  | { kind: "text"; start: string; unit: string; sentence: string };',
    ]
    for name, table in TABLES.items():
        lines += ["", f"export const {name} = {{"]
        lines += [f"  {_key(key)}: {json.dumps(_option(option))}," for key, option in table.items()]
        lines += ["} as const satisfies Record<string, Option>;"]
    return "\n".join([*lines, "", f"export const SCALES = {json.dumps(list(SCALES))};", ""])


def _option(option: Option) -> dict[str, Any]:
    about = {"unit": option.unit, "sentence": option.sentence}
    if isinstance(option, Limit):
        numbers = {"low": option.low, "high": option.high, "whole": option.whole, "start": option.default}
        return {"kind": "number", **numbers, **about}
    if isinstance(option, Choice):
        return {"kind": "choice", "names": option.names, "start": option.default or "", **about}
    return {"kind": "text", "start": option.default or "", **about}


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _arguments(message: type[Any]) -> list[str]:
    types = field_types(message)
    return [
        f"{_camel(item.name)}{'' if item.default is MISSING else '?'}: {_TYPES[types[item.name]]}"
        for item in fields(message)
    ]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


#: What the page needs to know of options, by the names under which it knows them.
TABLES: Mapping[str, Mapping[str, Option]] = {
    "JOB_OPTIONS": JobSettings.OPTIONS,
    "REGION_OPTIONS": CONTROLS,
    "LIVE_OPTIONS": LIVE,
    "JAM_OPTIONS": JamSettings.OPTIONS,
}
WRITERS: Mapping[str, Callable[[], str]] = {"messages": messages, "options": options}

if __name__ == "__main__":
    sys.stdout.write(WRITERS[sys.argv[1]]())
