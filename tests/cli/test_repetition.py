"""What repeats in the log is written a few times and counted from then on."""

from __future__ import annotations

import logging

from diffroll_live.cli.repetition import BURST, PERIOD, RepetitionFilter


class Log:
    """A logger with the filter, on a clock of the test."""

    def __init__(self) -> None:
        self.now, self.lines = 0.0, list[str]()
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(record.getMessage())
        handler.addFilter(RepetitionFilter(lambda: self.now))
        self.logger = logging.getLogger("test of repetition")
        self.logger.setLevel(logging.DEBUG)
        self.logger.handlers, self.logger.propagate = [handler], False

    def complain(self, about: object) -> None:
        self.logger.warning("%s has failed", about)


def test_what_repeats_is_counted_and_said_with_the_next():
    log = Log()
    for client in range(100):
        log.complain(client)
    assert log.lines == [f"{client} has failed" for client in range(BURST)]
    log.now = PERIOD
    log.complain("another")
    assert log.lines[BURST:] == [f"another has failed ({100 - BURST} more like it were not written)"]
    log.complain("one more")
    assert log.lines[-1] == "one more has failed"


def test_other_messages_and_debugging_are_written():
    log = Log()
    for number in range(BURST + 1):
        log.complain("it")
        log.logger.debug("looked at %d", number)
    log.logger.error("the disk is full")
    assert log.lines.count("it has failed") == BURST
    assert log.lines.count("the disk is full") == 1
    assert sum(line.startswith("looked at") for line in log.lines) == BURST + 1


def test_what_the_event_loop_says_of_one_fault_is_one_kind():
    log = Log()
    for handle in range(100):
        log.logger.error(f"socket.accept() out of system resource\nsocket: <fd={handle}>")  # noqa: G004 - as asyncio
    assert len(log.lines) == BURST


def test_a_flood_of_kinds_is_remembered_within_bounds():
    log = Log()
    (limiter,) = log.logger.handlers[0].filters
    for number in range(2000):
        log.logger.error(f"fault {number}")  # noqa: G004 - every one of another kind
    assert len(log.lines) == 2000
    assert len(limiter._counts) <= 512
