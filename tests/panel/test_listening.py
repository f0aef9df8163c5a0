"""Live in the panel: an input of a JACK server with its meter, notes and latency; jams, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from support.jack import DummyJack
from support.tone import Tone

pytestmark = pytest.mark.slow


@pytest.fixture
def tone(jack: DummyJack) -> Iterator[Tone]:
    with Tone() as running:
        yield running


def test_a_live_input_is_heard_seen_and_kept(tone, person):
    person.sees("#link", "ready")
    person.opens("live")
    device = person.page.locator("#device option", has_text=tone.client).first
    expect(device).to_be_attached()
    person.page.select_option("#device", value=device.get_attribute("value"))
    person.presses("#listen")
    person.sees("#liveStatus", "Listening at 48.0 kHz")
    person.sees("#liveFacts", "Latency asked200 ms")
    person.sees("#liveFacts", "Hops missed")
    expect(person.page.locator("#meter")).not_to_have_attribute("aria-valuenow", "-60")
    expect(person.page.locator("#canvas")).not_to_have_attribute("data-notes", "0")
    person.sees_that(lambda: person.page.locator("#liveFacts").text_content().split("screen")[1][0].isdigit())
    person.sees("#title", "Live input")
    person.page.locator("#canvas").focus()
    person.page.keyboard.press("d")
    person.sees("#message", "Stop the live input or the jam first")
    expect(person.page.locator("#transcribe")).to_be_disabled()
    person.presses("#listen")
    person.sees("#history", "Listen")
    assert {pitch for pitch, *_ in person.notes} == {60}  # what the fake engine hears
    person.transcribes()


def test_an_input_that_is_not_there_is_said(jack, person):
    person.sees("#link", "ready")
    person.opens("live")
    person.runs("document.querySelector('#device').append(new Option('theremin', 'theremin'))")
    person.page.select_option("#device", "theremin")
    person.presses("#listen")
    person.sees("#liveStatus", "theremin")
    expect(person.page.locator("#listen")).to_have_text("Listen")


def test_a_jam_on_the_keys_of_the_panel(person):
    person.sees("#link", "ready")
    person.opens("live")
    person.page.select_option("#jamSource", "osc")
    person.presses("#jam")
    person.sees("#turn", "Your turn: play.")
    person.strikes_a_key(0.8)
    expect(person.page.locator("#canvas")).to_have_attribute("data-notes", "1")
    person.presses("#cue")
    person.sees("#turn", "The model plays.")
    expect(person.page.locator("#canvas")).not_to_have_attribute("data-notes", "1")
    person.presses("#mine")
    person.sees("#turn", "Your turn: play.")
    person.presses("#jam")
    person.sees("#turn", "No jam.")


def test_a_jam_with_an_input_that_nobody_listens_to_says_so(person):
    person.sees("#link", "ready")
    person.opens("live")
    person.page.select_option("#jamSource", "audio")
    person.presses("#jam")
    person.sees("#message", "Listen to an input first")
