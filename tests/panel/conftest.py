"""One daemon with a panel for all tests of it: pages do not see each other, unless they watch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.browser import Person, chromium
from support.panel_page import Page, ServedPanel, served_panel


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPanel]:
    with served_panel(tmp_path_factory.mktemp("panel")) as running:
        yield running


@pytest.fixture
def page(served: ServedPanel) -> Iterator[Page]:
    with served.page() as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def person(served: ServedPanel, browser: Browser) -> Iterator[Person]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme="dark")
    someone = Person(context.new_page(), served.panel.address)
    yield someone
    context.close()
    assert someone.problems == []
