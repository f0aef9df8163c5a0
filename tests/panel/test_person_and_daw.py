"""The panel beside others: a DAW's job that appears by itself, another panel, and a daemon that goes away."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest
from playwright.sync_api import expect
from support.browser import Person
from support.panel_page import served_panel
from support.uploads import upload_tone

pytestmark = pytest.mark.slow


def test_what_a_daw_asks_for_appears_by_itself_and_can_be_opened(served, person):
    person.sees("#link", "ready")
    with served.daemon.tcp() as daw:
        daw.send("/diffroll/hello", "my DAW")
        upload_tone(daw, "take", seconds=3.0)
        daw.send("/diffroll/transcribe", "mine", "take")
        notes = daw.collect("mine").notes
        person.sees("#clients", "my DAW")
        person.sees("#clients", f"transcribe mine · {len(notes)} notes")
        person.page.get_by_role("button", name="♪ take · 0:03").click()
        person.sees("#title", "take")
        person.page.get_by_role("button", name="transcribe mine").click()
        person.sees("#history", "mine, from a client")
        assert person.notes == [
            (pitch, t, d, v) for _, _, pitch, t, d, v, _ in sorted(notes, key=lambda n: (n[3], n[2]))
        ]
    expect(person.page.locator("#clients")).not_to_contain_text("my DAW")


def test_two_panels_know_of_each_other_and_keep_apart(served, browser, person):
    context = browser.new_context()
    other = Person(context.new_page(), served.panel.address)
    other.sees("#link", "ready")
    person.sees("#clients", "panel")
    other.presses("#generate")
    other.sees("#message", "notes in")
    assert person.stored("steps") is None
    context.close()


def test_the_inference_process_dies_and_nothing_is_lost(person):
    person.opens_the_clip()
    person.transcribes()
    notes = person.notes
    for child in multiprocessing.active_children():
        os.kill(child.pid, signal.SIGKILL)
    assert person.notes == notes
    person.page.fill("#seed", "3")
    expect(person.page.locator("#link")).to_contain_text("ready")
    person.transcribes()
    person.sees("#history", "Transcribe, seed 3")


def test_without_the_token_there_is_only_an_empty_page(served, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://{served.host}/#wrong")
    expect(page.locator("#message")).to_contain_text("Open the address that diffroll-live serve printed")
    expect(page.locator("#clients")).to_be_empty()
    context.close()


def test_the_daemon_goes_and_comes_back_and_the_notes_are_still_there(browser, tmp_path):
    context = browser.new_context()
    with served_panel(tmp_path) as first:
        token, port = first.panel.token, first.port
        person = Person(context.new_page(), first.panel.address)
        person.opens_the_clip()
        person.transcribes()
        notes = person.notes
    person.sees("#link", "The daemon is gone")
    assert person.notes == notes
    with served_panel(tmp_path, token=token, port=port):
        person.sees("#link", "ready")
        assert person.notes == notes
        person.presses("#generate")
        person.sees("#history", "Generate, seed 0")
    context.close()
