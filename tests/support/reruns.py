"""Tests that are tried again: those that go by a real clock three times, the others twice; all are counted at the end.

A real clock is that of a JACK server, of another program or of the room. A busy machine may stand still for a while,
and among thousands of tests that talk to processes one is hit now and then. A counterexample that hypothesis has found
is none the less for being tried again, so its tests are tried once.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import is_hypothesis_test


@pytest.hookimpl(tryfirst=True)  # before -m looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a JACK server, and say how often each test may be tried again."""
    for item in items:
        if "jack_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.realtime)
        if item.get_closest_marker("realtime"):
            item.add_marker(pytest.mark.flaky(reruns=2))
        elif not is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many reruns the run needed, and which tests needed them."""
    reruns = Counter(report.nodeid for report in terminalreporter.stats.get("rerun", ()))
    terminalreporter.section("reruns")
    terminalreporter.line(f"{reruns.total()} reruns were needed.")
    for test, count in reruns.most_common():
        terminalreporter.line(f"{count} of {test}")
