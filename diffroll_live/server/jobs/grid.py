"""Tells a client the bars and beats that its jobs are written on."""

from __future__ import annotations

from diffroll_live.errors import UnknownJob
from diffroll_live.meter.meter_map import MeterMap
from diffroll_live.osc.grid_replies import JobGrid, JobGridChange
from diffroll_live.server.clients import Client
from diffroll_live.server.job import Job


def tell_grid(client: Client, job: Job, meter: MeterMap, begin: float) -> None:
    """Tell the tempo and the signature of ``meter`` at ``begin`` seconds, and where its first bar line is."""
    bar = meter.bar_at(meter.tempo.beat_at(begin))
    tempo, bar_at = meter.tempo.tempo_at(begin), meter.first_bar(0.0)
    client.send(JobGrid(job.name, meter.source, meter.confidence, tempo, bar.numerator, bar.denominator, bar_at))


def tell_changes(client: Client, job: Job) -> None:
    """Tell all changes of tempo and signature of a job's bars. Raises errors.UnknownJob where nobody knows them yet."""
    if job.meter is None:
        raise UnknownJob(f"The job {job.name!r} has no bars and beats yet; run it first.")
    rows = job.meter.changes()
    for index, row in enumerate(rows):
        client.send(JobGridChange(job.name, index, len(rows), row.t, row.bpm, row.numerator, row.denominator, row.beat))
