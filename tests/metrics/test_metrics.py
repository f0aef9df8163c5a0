"""Metrics over a real socket, read by Prometheus' own parser; the dashboard asks for what there is."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.osc_client import OscClient
from support.paths import EXAMPLES
from support.recorder import RecordingScheduler
from support.running import RunningDaemon
from support.waiting import wait_until
from support.worker_owner import engines

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.metrics import Metrics
from diffroll_live.midi.note_queue import NoteTotals
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import RecordingSink
from diffroll_live.server.counts import BOUNDS, Histogram
from diffroll_live.types import NoteEvent
from diffroll_live.web.server import bind

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Watched:
    """A daemon with metrics, and what they say."""

    def __init__(self, folder: Path) -> None:
        self._socket = bind("127.0.0.1", 0, "The metrics'", "--metrics")
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/metrics"
        self.scheduler = RecordingScheduler()
        self.processes: set[int] = set()  # for inference
        self.daemon = RunningDaemon(folder, scheduler=self.scheduler, attach=Metrics(self._socket, "127.0.0.1").open)

    def text(self) -> str:
        with urllib.request.urlopen(self.url, timeout=20) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            return str(answer.read().decode())

    def values(self) -> Values:
        families = text_string_to_metric_families(self.text())
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        return self.values().get((f"diffroll_{name}", tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def watched(tmp_path) -> Iterator[Watched]:
    it, before = Watched(tmp_path), engines()
    with it.daemon:
        it.processes = engines() - before
        yield it


def done(client: OscClient, name: str, make_wav, folder: Path) -> None:
    wav = make_wav(folder / "take.wav")
    client.ask("/diffroll/audio/file", "take", str(wav), answer="/diffroll/audio/ready")
    client.send("/diffroll/transcribe", name, "take")
    client.expect("/diffroll/job/done")


@pytest.mark.slow
def test_a_job_is_counted_with_its_durations(watched, make_wav, tmp_path):
    assert watched.value("jobs_total", task="transcribe", outcome="done") == 0
    with watched.daemon.tcp() as client:
        done(client, "one", make_wav, tmp_path)
        values = watched.values()
        assert watched.value("clients") == 1
        assert watched.value("buffer_bytes") > 1000
    assert values["diffroll_jobs_total", (("outcome", "done"), ("task", "transcribe"))] == 1
    for name in ("job_wait_seconds", "job_first_note_seconds", "job_seconds"):
        assert values[f"diffroll_{name}_count", ()] == 1
        buckets = [values[f"diffroll_{name}_bucket", (("le", str(bound)),)] for bound in (*BOUNDS, "+Inf")]
        assert all(low <= high for low, high in pairwise(buckets))
        assert buckets[-1] == 1
    assert values["diffroll_job_seconds_sum", ()] >= values["diffroll_job_first_note_seconds_sum", ()] > 0
    assert values["diffroll_memory_bytes", ()] > 10e6
    assert values["diffroll_ready", ()] == 1


@pytest.mark.slow
def test_failures_cancels_and_restarts_are_counted(watched, make_wav, tmp_path):
    with watched.daemon.tcp() as client:
        client.send("/diffroll/job/new", "long", "generate", "")
        client.send("/diffroll/job/set", "long", "seconds", 600.0)
        client.send("/diffroll/job/set", "long", "steps", 1000)
        client.send("/diffroll/job/run", "long")
        client.expect("/diffroll/job/accepted")
        client.ask("/diffroll/job/cancel", "long", answer="/diffroll/job/cancelled")
        assert watched.value("jobs_total", task="generate", outcome="cancelled") == 1
        assert watched.value("restarts_total") == 0
        for process in watched.processes:
            os.kill(process, signal.SIGKILL)
        wait_until(lambda: watched.value("restarts_total") == 1, "the restart in the metrics", 60)
        done(client, "after", make_wav, tmp_path)


def test_notes_are_counted_by_what_became_of_them():
    now = [0.0]
    scheduler = Scheduler(RecordingSink, clock=lambda: now[0])
    scheduler.run_due()
    notes = [NoteEvent(onset, onset + 0.5, 60 + i, 80) for i, onset in enumerate((1.0, 2.0, 3.0))]
    scheduler.play("job", notes, 0.0)
    for now[0] in (1.001, 2.03, 3.2):  # in time, audibly late, too late to be played
        scheduler.run_due()
    assert scheduler.totals() == NoteTotals(sent=2, late=1, dropped=1)
    scheduler.close()


def test_a_duration_falls_into_the_first_bucket_that_holds_it():
    histogram = Histogram()
    for seconds in (0.0, BOUNDS[0], BOUNDS[0] + 1e-6, BOUNDS[-1] + 1.0):
        histogram.observe(seconds)
    assert histogram.counts == [2, 1, *[0] * (len(BOUNDS) - 2), 1]


def test_pages_under_other_names_are_refused(watched):
    for header in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        asked = urllib.request.Request(watched.url, headers=header)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=20)
        assert refused.value.code == 403
        refused.value.close()
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(watched.url + "/../etc/passwd", timeout=20)
    missing.value.close()
    assert missing.value.code == 404


@pytest.mark.slow
def test_it_listens_on_the_loopback_alone_and_says_who_took_its_port(capsys, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["serve", "--midi-api", "none", "--panel", "off", "--port", "0", "--spool", "none"]
        assert run([*words, "--metrics", str(port)]) == exit_codes.PORT
    said = capsys.readouterr().err
    assert f"The metrics' port {port} on 127.0.0.1" in said
    assert "--metrics" in said


def test_the_dashboard_asks_for_what_there_is(watched):
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    there = {name for name, _ in watched.values()} | {"diffroll_jobs_total"}
    asked = {name for each in expressions for name in re.findall(r"diffroll_\w+", each)}
    assert asked <= there
    assert {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in there} - {
        name.removesuffix("_bucket") for name in asked
    } <= {"diffroll_info"}
