"""Where the DAW's time can come from besides OSC: what a source is, and the thread that keeps one open."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from diffroll_live.backoff import Backoff
from diffroll_live.errors import DiffrollError
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.timeline import Timeline

logger = logging.getLogger(__name__)

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.5, 8.0

Hear = Callable[[Report], None]


class Source(Protocol):
    """Something that reports by itself or when it is looked at."""

    name: str  # for people
    interval: float  # s between two looks

    def look(self) -> None:
        """Do what is to be done now and then. Raises PortClosed when the source is gone."""

    def close(self) -> None:
        """Let go of it."""


class SourceThread:
    """Opens a source, looks after it, and opens it again, after a growing pause, when it is gone."""

    def __init__(self, open_source: Callable[[], Source], timeline: Timeline, clock: Callable[[], float]) -> None:
        self._open_source = open_source
        self._timeline = timeline
        self._clock = clock
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the source and end the thread. Safe to call again."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        backoff = Backoff(FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS)
        told = ""
        while not self._closing.is_set():
            try:
                source = self._open_source()
            except DiffrollError as error:
                told = _tell(logging.WARNING, error.text, told)
            else:
                backoff.reset()
                told = _tell(logging.INFO, f"The DAW's time comes from {source.name}.", told)
                told = _tell(logging.WARNING, self._follow(source), told)
            self._closing.wait(backoff.next())

    def _follow(self, source: Source) -> str:
        """Look after a source until it is gone or no longer wanted; say why it is gone."""
        reason = ""
        try:
            while not self._closing.wait(source.interval):
                source.look()
                self._timeline.check(self._clock())
        except DiffrollError as error:
            reason = error.text
        except Exception:
            logger.exception("the source of the DAW's time failed; it is opened again")
        finally:
            source.close()
            self._timeline.hear(Report(self._clock(), playing=False))
        return reason


def _tell(level: int, text: str, told: str) -> str:
    """Log a sentence unless it was the last one; give the last one."""
    if text and text != told:
        logger.log(level, "%s", text)
    return text or told
