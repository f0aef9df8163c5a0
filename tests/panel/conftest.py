"""One daemon with a panel for all tests of it: pages do not see each other, unless they watch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.panel_page import Page, ServedPanel, served_panel


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPanel]:
    with served_panel(tmp_path_factory.mktemp("panel")) as running:
        yield running


@pytest.fixture
def page(served: ServedPanel) -> Iterator[Page]:
    with served.page() as one:
        yield one
