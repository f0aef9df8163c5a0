"""The address space as OSCQuery describes it (Vidvox' OSCQuery proposal), made of the message tables alone."""

from __future__ import annotations

from dataclasses import MISSING, fields
from inspect import cleandoc
from typing import Any

from diffroll_live.discovery.ranges import range_of
from diffroll_live.osc.arguments import Samples, Setting, field_types, signature
from diffroll_live.osc.messages import CLIENT_MESSAGES
from diffroll_live.osc.replies import DAEMON_MESSAGES

Node = dict[str, Any]

READ, WRITE = 1, 2  # bits of ACCESS
#: What the daemon sends that has a value at any time; all else it sends is an event of one client's.
LIVE = ("/diffroll/welcome", "/diffroll/status", "/diffroll/watch/transport")
_TAGS: dict[Any, str] = {int: "i", bool: "i", float: "f", Setting: "s", Samples: "b"}


def tree() -> Node:
    """Describe every address, without values."""
    root = _container("/")
    for address, kind in (DAEMON_MESSAGES | CLIENT_MESSAGES).items():
        if address not in LIVE:
            _place(root, address, _node(address, kind, WRITE if address in CLIENT_MESSAGES else 0))
    for address in LIVE:
        node = _node(address, DAEMON_MESSAGES[address], READ)
        asked = CLIENT_MESSAGES.get(address)
        if asked is not None:
            node["DESCRIPTION"] += f" Sent without arguments: {_sentence(asked)}"
        _place(root, address, node)
    return root


def find(root: Node, path: str) -> Node | None:
    """Find the node of an address."""
    node = root
    for name in filter(None, path.split("/")):
        node = node.get("CONTENTS", {}).get(name)
        if node is None:
            return None
    return node


def _node(address: str, kind: type[Any], access: int) -> Node:
    names = [item.name for item in fields(kind)]
    required = sum(item.default is MISSING for item in fields(kind))
    arguments = signature(kind)
    node: Node = {
        "FULL_PATH": address,
        "ACCESS": access,
        "DESCRIPTION": f"{_sentence(kind)} Arguments: {arguments}." if arguments else _sentence(kind),
    }
    if not names:
        return node
    tags = "".join(_TAGS.get(each, "i" if each == tuple[int, ...] else "s") for each in field_types(kind).values())
    node["TYPE"] = tags
    node["RANGE"] = [range_of(kind, name) for name in names]
    if access == WRITE:
        others = [tags[:count] for count in range(max(required, 1), len(tags))]
        others += [tags[:-1] + "f"] if Setting in field_types(kind).values() else []
        node |= {"OVERLOADS": [{"TYPE": each} for each in others]} if others else {}
    return node


def _sentence(kind: type[Any]) -> str:
    return cleandoc(kind.__doc__ or "")


def _container(path: str) -> Node:
    return {"FULL_PATH": path, "ACCESS": 0, "CONTENTS": {}}


def _place(root: Node, address: str, node: Node) -> None:
    """Put a node where it belongs; an address with others below it has contents of its own."""
    *above, last = address.strip("/").split("/")
    parent, path = root, ""
    for name in above:
        path += f"/{name}"
        parent = parent.setdefault("CONTENTS", {}).setdefault(name, _container(path))
    siblings = parent.setdefault("CONTENTS", {})
    contents = siblings.get(last, {}).get("CONTENTS")
    siblings[last] = node | ({"CONTENTS": contents} if contents else {})
