"""A script without sockets: a client that talks to the daemon through the files of the spool."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

from support.waiting import wait_until

NAME = "0123456789abcdef"


def put(spool: Path, name: str, content: bytes) -> None:
    """Leave a file as a script does."""
    draft = spool / "in" / "draft.part"
    draft.write_bytes(content)
    draft.replace(spool / "in" / name)


class Script:
    """A client that talks through files."""

    def __init__(self, spool: Path, name: str = NAME) -> None:
        self.spool, self.name, self.sent, self.read = spool, name, 0, 0
        self.lines: deque[list[Any]] = deque()

    def send(self, *messages: list[Any]) -> None:
        self.sent += 1
        put(self.spool, f"{self.name}.{self.sent:06d}.jsonl", "".join(json.dumps(m) + "\n" for m in messages).encode())

    def next(self) -> list[Any]:
        if not self.lines:
            path = self.spool / "out" / f"{self.name}.{self.read + 1:06d}.jsonl"
            wait_until(path.exists, f"an answer in {path.name}")
            self.lines.extend(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
            path.unlink()
            self.read += 1
        return self.lines.popleft()

    def until(self, address: str) -> list[list[Any]]:
        answers = [self.next()]
        while answers[-1][0] != address:
            answers.append(self.next())
        return answers
