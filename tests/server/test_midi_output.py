"""The daemon and a MIDI port that hangs, or whose queue is full: the event loop goes on, and replies come."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.hanging_sink import HangingSink
from support.osc_client import UdpClient
from support.running import RunningDaemon
from support.waiting import wait_until

from diffroll_live.midi.scheduler import Scheduler


def start_note(client: UdpClient, job: str) -> None:
    """Run a job with a note of ten minutes."""
    client.send("/diffroll/job/new", job, "generate", "")
    client.send("/diffroll/job/region", job, 1.0, 8.0)
    client.send("/diffroll/job/note", job, 60, 0.0, 600.0, 90)
    client.send("/diffroll/job/run", job)
    client.collect(job)


@pytest.mark.slow
def test_a_port_that_hangs_delays_only_the_replies_that_wait_for_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diffroll_live.midi.note_queue.LATE_SECONDS", 60.0)  # a busy machine drops no note
    sink = HangingSink()
    scheduler = Scheduler(lambda: sink)
    scheduler.start()
    with RunningDaemon(tmp_path, scheduler=scheduler) as daemon, daemon.udp() as client:
        start_note(client, "long")
        wait_until(lambda: bool(scheduler.sounding), "the note")
        client.send("/diffroll/panic")
        wait_until(sink.hangs.is_set, "the port to hang")
        client.send("/diffroll/job/cancel", "long")
        client.ping()
        client.expect("/diffroll/panicked")
        client.expect("/diffroll/job/cancelled")
        start_note(client, "long")
        assert not sink.go_on.is_set()
        sink.go_on.set()
    assert not scheduler.sounding


@pytest.mark.slow
def test_a_queue_that_is_full_is_an_error_of_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffroll_live.midi.note_queue.MAX_PENDING", 0)
    scheduler = Scheduler(HangingSink)
    scheduler.start()
    with RunningDaemon(tmp_path, scheduler=scheduler) as daemon, daemon.udp() as client:
        client.send("/diffroll/generate", "full", 2.0)
        assert client.expect("/diffroll/error").args[:2] == ("full", "busy")
        assert client.collect("full", errors_end=False).end.address == "/diffroll/job/done"
