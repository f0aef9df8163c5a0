"""The model that ships, on a cluster and here: one seed, the same notes."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from support.clusters import ENVIRONMENT, LocalCluster
from support.paths import ROOT

pytestmark = [pytest.mark.realtime, pytest.mark.slow, pytest.mark.timeout(400)]


def test_a_cluster_gives_the_notes_of_this_machine(cluster: LocalCluster) -> None:
    options = ("--replicas", "1", "2", "--clients", "2", "--jobs", "2", "--device", "cpu", "--json")
    command = [ROOT / "script" / "compare-engines", cluster.address, *options]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["other_notes"] == []
    assert [engine["engine"] for engine in found["engines"]] == ["here", "1 on the cluster", "2 on the cluster"]
    assert all(engine["notes"] > 0 and engine["rate"] > 0 for engine in found["engines"])
