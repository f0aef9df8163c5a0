"""How the page is laid out: for screen readers, on a phone, in either theme; and that all of it is the daemon's own."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from support.browser import Person
from support.paths import ROOT

pytestmark = pytest.mark.slow
AXE = ROOT / "diffroll_live" / "panel" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SECTIONS = ("write", "out", "live", "state")


def faults(page: Page) -> list[tuple[str, str]]:
    found = page.evaluate("axe.run().then(result => result.violations)")
    return [(fault["id"], fault["nodes"][0]["html"]) for fault in found if fault["impact"] in {"serious", "critical"}]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_no_serious_fault(served, browser, theme):
    assert AXE.is_file(), "run script/build-panel --check first: npm brings axe-core"
    context = browser.new_context(bypass_csp=True, color_scheme=theme)  # axe is no part of the page
    person = Person(context.new_page(), served.panel.address)
    person.sees("#link", "ready")
    assert person.page.locator("html").get_attribute("data-theme") == theme
    person.page.add_script_tag(path=AXE)
    assert faults(person.page) == []
    person.opens_the_clip()
    person.page.fill("#dial-variations", "2")
    person.transcribes()
    person.page.locator("#canvas").focus()
    for keys in (".", "r"):
        person.page.keyboard.press(keys)
        for section in SECTIONS:
            person.opens(section)
            assert faults(person.page) == [], section
    person.presses("#help")
    assert faults(person.page) == []
    context.close()


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_nothing_is_wider_than_the_screen(served, browser, width):
    context = browser.new_context(viewport={"width": width, "height": 800})
    person = Person(context.new_page(), served.panel.address)
    person.opens_the_clip()
    person.page.fill("#dial-variations", "3")
    person.transcribes()
    for section in SECTIONS:
        person.opens(section)
        assert person.runs("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_theme_is_chosen_and_kept(person):
    html = person.page.locator("html")
    expect(html).to_have_attribute("data-theme", "dark")
    person.presses("#theme")
    expect(html).to_have_attribute("data-theme", "light")
    person.page.reload()
    expect(html).to_have_attribute("data-theme", "light")


def test_everything_comes_from_the_daemon_itself(served, browser):
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    person = Person(page, served.panel.address)
    person.sees("#link", "ready")
    assert {url.split("/")[2] for url in asked} == {served.host}
    assert len(asked) <= 5
    context.close()


def test_two_fingers_zoom(served, browser):
    context = browser.new_context(has_touch=True, viewport={"width": 390, "height": 844})
    person = Person(context.new_page(), served.panel.address)
    person.opens_the_clip()
    before = person.colour_of_likely()
    person.pinches(2.0)
    person.sees_that(lambda: person.colour_of_likely() != before)
    assert person.doc["regions"] == []
    context.close()
