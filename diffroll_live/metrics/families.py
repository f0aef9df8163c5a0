"""From a report of the daemon to metric families, named as Prometheus advises: base units, ``_total`` for counters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from diffroll_live import __version__
from diffroll_live.server.counts import BOUNDS, Histogram
from diffroll_live.server.report import Report

PREFIX = "diffroll_"


def families(report: Report, memory_mb: float) -> Iterator[Metric]:
    """Give every family; ``memory_mb`` is what the daemon and its inference process take."""
    yield from _jobs(report)
    yield from _notes(report)
    yield from _daemon(report, memory_mb)


def _jobs(report: Report) -> Iterator[Metric]:
    counts = report.counts
    jobs = CounterMetricFamily(f"{PREFIX}jobs", "Jobs that ended, by task and outcome.", labels=["task", "outcome"])
    for labels, count in sorted(counts.jobs.items()):
        jobs.add_metric(labels, count)
    yield jobs
    for name, text, histogram in (
        ("job_wait", "From the request of a job until it is worked on.", counts.waits),
        ("job_first_note", "From the request of a job to its first note.", counts.first_notes),
        ("job", "From the request of a job to the end of one that is done.", counts.totals),
    ):
        yield HistogramMetricFamily(f"{PREFIX}{name}_seconds", text, _buckets(histogram), histogram.total)
    yield _gauge("queue_length", "Jobs that wait.", report.worker.queued)
    yield _gauge("busy_ratio", "Share of the last ten seconds in which jobs were worked on.", report.worker.load)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    return [*zip([*map(str, BOUNDS), "+Inf"], map(float, accumulate(histogram.counts)), strict=True)]


def _notes(report: Report) -> Iterator[Metric]:
    notes, hops = report.notes, report.hops
    yield _counter("notes_sent", "Notes that were started on the MIDI port.", notes.sent)
    yield _counter("notes_late", "Notes that were started more than 10 ms after their time.", notes.late)
    yield _counter("notes_dropped", "Notes that were not started: over 50 ms late, or without a port.", notes.dropped)
    yield _counter("live_hops", "Hops of live inputs that were transcribed.", hops.transcribed)
    yield _counter("live_hops_missed", "Hops of live inputs that were not transcribed in time.", hops.missed)


def _daemon(report: Report, memory_mb: float) -> Iterator[Metric]:
    facts = {"version": __version__, "model": report.model.name, "device": report.model.device}
    info = GaugeMetricFamily(f"{PREFIX}info", "What runs; the value is always 1.", labels=list(facts))
    info.add_metric(list(facts.values()), 1)
    yield info
    yield _gauge("ready", "Whether the inference process takes work.", report.worker.state != "restarting")
    yield _counter("restarts", "Times that the inference process died and started again.", report.counts.restarts)
    yield _gauge("clients", "Clients that the daemon knows.", report.clients)
    yield _gauge("buffer_bytes", "Audio that clients keep in the daemon.", report.buffer_bytes)
    yield _gauge("memory_bytes", "Memory of the daemon and its processes; shared pages counted once.", memory_mb * 1e6)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}{name}", text, value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}{name}", text, float(value))
