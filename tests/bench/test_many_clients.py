"""Simulated clients at a desk: what is counted, and that turns serve them sooner than a strict queue does."""

from __future__ import annotations

import json
import subprocess

import pytest
from support.fake_engine import FakeEngine
from support.paths import ROOT
from support.tiny import write_tiny_model

from diffroll_live.bench.many_clients import Outcome, Simulation, rows
from diffroll_live.worker.desk import Desk


@pytest.mark.slow
def test_everybody_is_served_and_counted():
    outcome = Simulation(FakeEngine(), Desk, 9, seconds=8.0, file_seconds=1.0).run()
    assert outcome.clients == 9
    assert outcome.jobs > len(outcome.ends) > 0
    assert len(outcome.waits) >= outcome.jobs - len(outcome.ends)
    assert 0.0 < outcome.wait(50) <= outcome.wait(95)


def test_the_table_names_the_way_and_the_clients():
    header, row = rows([("in turns", Outcome(8, (0.1, 0.2), (), 30, 60.0, 12.0))])
    assert dict(zip(header, row, strict=True)) == {
        "clients": "8",
        "served": "in turns",
        "first note, p50": "150 ms",
        "p95": "195 ms",
        "a file, median": "none done",
        "jobs a minute": "30",
        "memory": "+12 MB",
    }


@pytest.mark.slow
def test_the_script_serves_both_ways_in_one_run(tmp_path):
    model = write_tiny_model(tmp_path / "tiny").path
    words = [
        "--seconds",
        "3",
        "--clients",
        "2",
        "--file-seconds",
        "1",
        "--model",
        str(model),
        "--device",
        "cpu",
        "--json",
    ]
    done = subprocess.run([ROOT / "script" / "simulate-clients", *words], capture_output=True, text=True, check=True)
    simulations = json.loads(done.stdout)["simulations"]
    assert [(each["served"], each["clients"]) for each in simulations] == [("one at a time", 2), ("in turns", 2)]
    assert all(each["jobs"] for each in simulations)
