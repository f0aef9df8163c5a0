"""The error codes that a daemon may answer, as PROTOCOL.md lists them. Needs nothing but Python's own library."""

from __future__ import annotations

import re

from support.paths import BRIDGE

_SECTION = (BRIDGE / "PROTOCOL.md").read_text(encoding="utf-8").partition("## Errors")[2].partition("\n## ")[0]
CODES = tuple(re.findall(r"^\| `([a-z-]+)` \|", _SECTION, re.MULTILINE))
