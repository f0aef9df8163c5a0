"""One cluster for all tests of this folder: it takes its time to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.clusters import LocalCluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster() as running:
        yield running
