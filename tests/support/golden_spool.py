"""The daemon's side of the golden session in a spool folder: what it said then, to a script that transcribes now."""

from __future__ import annotations

import json
import threading
from collections import deque
from pathlib import Path
from typing import Any, Self

from diffroll_live.server.endpoints.spool_folder import SpoolFolder
from support import golden_session
from support.golden_daemon import answers_of

LOOK = 0.02  # s between two looks into the folder


class GoldenSpool:
    """Greets, reads a recording and transcribes as the session's daemon did; ``heard`` is what came.

    The names of the job and of the buffer are the script's own. ``answers`` may be changed, for what no daemon says.
    """

    def __init__(self, path: Path) -> None:
        self.heard: list[list[Any]] = []
        session = answers_of(golden_session.load())
        self.answers = {
            "/diffroll/hello": session["/diffroll/hello"][0],
            "/diffroll/audio/file": session["/diffroll/audio/close"][-1],  # the buffer is ready
            "/diffroll/job/run": session["/diffroll/transcribe"][0],
        }
        self._folder = SpoolFolder.open(path)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._folder.close()

    def _serve(self) -> None:
        owed: dict[str, deque[str]] = {}
        while not self._stop.wait(LOOK):
            for client, content in self._folder.exchange(owed):
                assert isinstance(content, bytes), content
                for line in content.splitlines():
                    owed.setdefault(client, deque()).extend(self._answer(json.loads(line)))

    def _answer(self, message: list[Any]) -> list[str]:
        self.heard.append(message)
        address, about = message[0], message[1:2]
        said = [(reply, [value for _, value in args]) for reply, args in self.answers.get(address, ())]
        if address != "/diffroll/hello":
            said = [(reply, [*about, *values[1:]]) for reply, values in said]
        return [json.dumps([reply, *values]) for reply, values in said]
