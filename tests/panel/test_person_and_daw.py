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

from diffroll_live.server import surroundings

pytestmark = pytest.mark.slow


def rows(notes) -> list[tuple]:
    return [(pitch, t, d, v) for _, _, pitch, t, d, v, _ in sorted(notes, key=lambda n: (n[3], n[2]))]


def test_what_a_daw_asks_for_appears_by_itself(served, person):
    person.sees("#link", "ready")
    with served.daemon.tcp() as daw:
        daw.send("/diffroll/hello", "my DAW")
        upload_tone(daw, "take", seconds=3.0)
        person.sees("#offered", "take · 0:03, from my DAW")
        daw.send("/diffroll/transcribe", "mine", "take")
        notes = daw.collect("mine").notes
        person.sees("#title", "take")
        person.sees("#history", "mine, from my DAW, seed 0")
        assert person.notes == rows(notes)
        person.opens("state")
        person.sees("#clients", f"Transcribe mine · {len(notes)} notes")
    expect(person.page.locator("#clients")).not_to_contain_text("my DAW")
    assert person.notes == rows(notes)


def test_the_notes_of_a_daw_come_as_they_are_written(served, person):
    person.sees("#link", "ready")
    with served.daemon.tcp() as daw:
        daw.send("/diffroll/hello", "my DAW")
        daw.send("/diffroll/job/new", "long", "generate", "")
        daw.send("/diffroll/job/set", "long", "steps", 400)
        daw.send("/diffroll/job/run", "long")
        expect(person.page.locator("#progress")).to_be_visible()
        expect(person.page.locator("#canvas")).not_to_have_attribute("data-notes", "0")
        daw.send("/diffroll/job/cancel", "long")
        person.sees("#message", "Cancelled.")


def test_a_daw_does_not_take_the_place_of_a_persons_own_work(served, person):
    person.opens_the_clip()
    person.transcribes()
    notes = person.notes
    with served.daemon.tcp() as daw:
        daw.send("/diffroll/hello", "my DAW")
        daw.send("/diffroll/job/new", "other", "generate", "")
        daw.send("/diffroll/job/set", "other", "steps", 100)
        daw.send("/diffroll/job/run", "other")
        person.sees("#message", "my DAW asks for something new.")
        assert person.notes == notes
        person.presses("#action")
        person.sees("#history", "other, from my DAW")
        person.page.keyboard.press("Control+z")
        assert person.notes == notes


def test_an_error_that_comes_again_is_listed_once(served, person):
    person.sees("#facts", "MB")  # it watches
    with served.daemon.tcp() as daw:
        daw.send("/diffroll/hello", "my DAW")
        for job in ("gone", "lost", "gone"):
            daw.send("/diffroll/job/run", job)
        person.sees("#errors li:first-child", "'gone'")
        person.sees("#errors li:nth-child(2)", "'lost'")
    expect(person.page.locator("#errors li", has_text="'gone'")).to_have_count(1)


def test_why_there_are_no_midi_ports_is_said_where_they_are_listed(served, browser, monkeypatch):
    async def look(*_: object) -> dict[str, str]:
        return {"error": "There is no MIDI system here."}

    monkeypatch.setattr(surroundings, "_json_of", look)
    context = browser.new_context()
    person = Person(context.new_page(), served.panel.address)
    person.opens("state")
    person.sees("#ports", "There is no MIDI system here.")
    expect(person.page.locator("#message")).to_be_empty()
    person.sees("#facts", "MB")  # it watches
    with served.daemon.tcp() as daw:
        daw.send("/diffroll/midi/ports")
        assert daw.expect("/diffroll/error").args[0] == "/diffroll/midi/ports"
        daw.send("/diffroll/job/run", "later")
        person.sees("#errors", "'later'")  # and thus all that came before
    expect(person.page.locator("#errors")).not_to_contain_text("MIDI")
    context.close()


def test_a_transport_is_shown_only_once_a_daw_has_told_of_it(browser, tmp_path):
    context = browser.new_context()
    with served_panel(tmp_path) as served:
        person = Person(context.new_page(), served.panel.address)
        person.sees("#facts", "MB")  # it watches
        expect(person.page.locator("#facts")).not_to_contain_text("DAW")
        with served.daemon.tcp() as daw:
            daw.send("/diffroll/transport", 0, 12.5, 90.0, 0.0, 3, 4)
            person.sees("#facts", "stopped at 0:12.50")
    context.close()
    assert person.problems == []


def test_two_panels_know_of_each_other_and_keep_apart(served, browser, person):
    context = browser.new_context()
    other = Person(context.new_page(), served.panel.address)
    other.sees("#link", "ready")
    person.sees("#clients", "panel")
    other.presses("#generate")
    other.sees("#message", "notes in")
    assert person.stored("steps") is None
    context.close()
    assert other.problems == []


def test_the_inference_process_dies_while_a_job_runs_and_nothing_is_lost(person):
    person.opens_the_clip()
    person.transcribes()
    notes = person.notes
    person.page.click("#more summary")
    person.page.fill("#dial-steps", "1000")
    person.presses("#transcribe")
    expect(person.page.locator("#progress")).to_be_visible()
    for child in multiprocessing.active_children():
        os.kill(child.pid, signal.SIGKILL)
    person.sees("#message", "It starts again by itself; run the job again.")
    assert person.notes == notes
    person.page.fill("#dial-steps", "")
    person.page.fill("#dial-seed", "3")
    person.transcribes()
    person.sees("#history", "Transcribe, seed 3")


def test_without_the_token_there_is_only_an_empty_page(served, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://{served.host}/#wrong")
    expect(page.locator("#message")).to_contain_text("Open the address that diffroll-live serve printed")
    expect(page.locator("#clients li.name")).to_have_count(0)
    context.close()


def test_the_daemon_goes_and_comes_back_and_nothing_is_lost(browser, tmp_path):
    context = browser.new_context()
    with served_panel(tmp_path) as first:
        token, port = first.panel.token, first.port
        person = Person(context.new_page(), first.panel.address)
        person.opens_the_clip()
        person.transcribes()
        notes = person.notes
    person.sees("#link", "The daemon is gone")
    assert person.notes == notes
    person.page.locator("#canvas").focus()
    person.page.keyboard.press(".")
    person.page.keyboard.press("Delete")  # one goes on working meanwhile
    with served_panel(tmp_path, token=token, port=port):
        person.sees("#link", "ready")
        assert person.notes == notes[1:]
        with person.page.expect_download():  # the new daemon knows of no job, and yet of these notes
            person.opens("out")
            person.presses("#save")
        person.page.fill("#dial-seed", "4", force=True)
        person.presses("#transcribe")  # nor of the recording, which it is given again
        person.sees("#history", "Transcribe, seed")
    context.close()
    assert person.problems == []


def test_a_new_token_reaches_the_page_that_was_shut_out(browser, tmp_path):
    context = browser.new_context()
    with served_panel(tmp_path) as first:
        port = first.port
        person = Person(context.new_page(), first.panel.address)
        person.sees("#link", "ready")
        person.presses("#generate")
        person.sees("#message", "notes in")
        notes = person.notes
    with served_panel(tmp_path, port=port) as second:
        person.sees("#link", "Not allowed in")
        other = Person(context.new_page(), second.panel.address)
        other.sees("#link", "ready")
        person.sees("#link", "ready")
        assert person.notes == notes
    context.close()
