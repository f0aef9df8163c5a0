"""Tests that go by a real clock: found by their marker or their JACK server, tried three times, and counted at the end.

The clock is that of a JACK server, of another program or of the room, and a busy machine may stop for a while.
"""

from __future__ import annotations

from collections import Counter

import pytest


@pytest.hookimpl(tryfirst=True)  # before -m looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a JACK server; let each of these tests fail only when it fails three times."""
    for item in items:
        if "jack_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.realtime)
        if item.get_closest_marker("realtime"):
            item.add_marker(pytest.mark.flaky(reruns=2))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many reruns the run needed, and which tests needed them."""
    reruns = Counter(report.nodeid for report in terminalreporter.stats.get("rerun", ()))
    terminalreporter.section("reruns")
    terminalreporter.line(f"{reruns.total()} reruns were needed.")
    for test, count in reruns.most_common():
        terminalreporter.line(f"{count} of {test}")
