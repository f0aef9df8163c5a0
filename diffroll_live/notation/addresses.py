"""Addresses of clusters as text."""

from __future__ import annotations

import re

from diffroll_live.errors import RequestError

_PLACE = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})")


def parse_cluster(value: str | float) -> str:
    """Return ``ray://HOST:PORT`` as it is, or an empty text, which means no cluster. Raises RequestError."""
    if value:
        split_cluster(str(value))
    return str(value)


def split_cluster(address: str) -> tuple[str, int]:
    """Take ``ray://HOST:PORT`` apart. Raises RequestError."""
    place = _PLACE.fullmatch(address.removeprefix("ray://"))
    if place is None or not address.startswith("ray://") or not 0 < int(place["port"]) <= 65_535:
        raise RequestError(f"must be the address of a cluster, such as ray://127.0.0.1:10001, not {address!r}")
    return place["host"].strip("[]"), int(place["port"])


def parse_head(value: str | float) -> str:
    """Return the ``HOST:PORT`` of a head as it is, or an empty text, which means none. Raises RequestError."""
    if value and not _PLACE.fullmatch(str(value)):
        raise RequestError(f"must be HOST:PORT, such as 192.0.2.7:6379, not {value!r}")
    return str(value)
