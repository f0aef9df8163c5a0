"""Sources of the DAW's time other than OSC: their interface, and the thread that keeps one open."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from diffroll_live.errors import DiffrollError
from diffroll_live.timeline.report import Report
from diffroll_live.timeline.timeline import Timeline
from diffroll_live.worker.backoff import Backoff

logger = logging.getLogger(__name__)

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.5, 8.0

ReportSink = Callable[[Report], None]


class Source(Protocol):
    """Something that reports by itself, or when polled."""

    name: str  # for people
    interval: float  # s between polls

    def poll(self) -> None:
        """Do periodic work. Raises PortClosed when the source is gone."""

    def close(self) -> None:
        """Release it."""


class SourceThread:
    """Opens a source, polls it, and reopens it after growing pauses when it is gone."""

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
        last = ""
        while not self._closing.is_set():
            try:
                source = self._open_source()
            except DiffrollError as error:
                last = _log_once(logging.WARNING, error.text, last)
            except Exception as error:  # noqa: BLE001 - the thread must go on looking, whatever a library raises
                last = _log_once(logging.ERROR, f"The source of the DAW's time cannot be opened ({error!r}).", last)
            else:
                backoff.reset()
                last = _log_once(logging.INFO, f"The DAW's time comes from {source.name}.", last)
                last = _log_once(logging.WARNING, self._follow(source), last)
            self._closing.wait(backoff.next())

    def _follow(self, source: Source) -> str:
        """Poll a source until it is gone or no longer wanted; return why it is gone."""
        reason = ""
        try:
            while not self._closing.wait(source.interval):
                source.poll()
                self._timeline.check(self._clock())
        except DiffrollError as error:
            reason = error.text
        except Exception:
            logger.exception("the source of the DAW's time failed; reopening it")
        try:
            self._timeline.update(Report(self._clock(), playing=False))
            source.close()
        except Exception:
            logger.exception("the source of the DAW's time could not be closed cleanly")
        return reason


def _log_once(level: int, text: str, last: str) -> str:
    """Log a sentence unless it repeats the last one; return the last one."""
    if text and text != last:
        logger.log(level, "%s", text)
    return text or last
