"""Live input to a daemon with a real inference process, a fake engine in it, and a MIDI output that remembers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.fake_engine import CRASH, LIVE_PITCH
from support.musician import Musician
from support.recorder import RecordingScheduler
from support.running import RunningDaemon


@pytest.fixture
def scheduler() -> RecordingScheduler:
    return RecordingScheduler()


@pytest.fixture
def daemon(tmp_path: Any, scheduler: RecordingScheduler) -> Iterator[RunningDaemon]:
    with RunningDaemon(tmp_path, scheduler=scheduler) as running:
        yield running


@pytest.mark.realtime
def test_a_killed_engine_ends_the_notes_and_the_input_goes_on(
    daemon: RunningDaemon, scheduler: RecordingScheduler
) -> None:
    def held(what: str) -> int:
        return sum(state == what for _, _, state in scheduler.held)

    with daemon.tcp() as client:
        musician = Musician(client)
        client.send("/diffroll/live/set", "live", "latency", 300)
        musician.play(0.5, lambda: held("on") == 1)
        assert {pitch for pitch, _, _ in scheduler.held} == {LIVE_PITCH}
        musician.play(CRASH, lambda: any(call == "cancel" for call, _ in scheduler.calls))  # kill -9, by itself
        assert held("off") == 1
        musician.play(0.0, lambda: daemon.worker.is_ready)
        musician.play(0.5, lambda: held("on") == 2)
        client.send("/diffroll/audio/close", "live")
        musician.play(0.0, lambda: held("off") == 2)
