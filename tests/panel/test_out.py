"""What leaves the panel: a drag into a DAW, files, the MIDI port, notes that go back to the DAW that asked for them."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect
from support.uploads import upload_tone

pytestmark = pytest.mark.slow


def saved(person, button: str) -> bytes:
    with person.page.expect_download() as download:
        person.presses(button)
    return Path(download.value.path()).read_bytes()


def test_what_is_dragged_out_is_the_file_that_the_osc_client_got(served, person):
    path = served.daemon.folder / "asked.mid"
    person.sees("#facts", "MB")  # it watches
    with served.daemon.tcp() as daw:
        daw.send("/diffroll/hello", "my DAW")
        upload_tone(daw, "take", seconds=3.0)
        daw.send("/diffroll/job/new", "mine", "transcribe", "take")
        daw.send("/diffroll/job/tempo", "mine", 0.0, 93.0, 3, 4)
        daw.send("/diffroll/job/set", "mine", "save", str(path))
        daw.send("/diffroll/job/run", "mine")
        daw.collect("mine")
        person.sees("#history", "mine, from my DAW")
        dragged = person.drags_out("#drag")
    kind, name, url = dragged["downloadurl"].split(":", 2)  # a file of this kind, name and address
    assert (kind, name) == ("audio/midi", "take.mid")
    assert dragged["text/uri-list"] == url
    status, data, headers = served.request("GET", url.removeprefix(f"http://{served.host}"), token=None)
    assert (status, headers["content-type"]) == (200, "audio/midi")
    assert data == path.read_bytes()


def test_a_result_goes_back_to_the_daw_the_way_it_asked(served, person):
    path = served.daemon.folder / "back.mid"
    person.sees("#facts", "MB")
    with served.daemon.tcp() as daw:
        daw.send("/diffroll/hello", "my DAW")
        upload_tone(daw, "take", seconds=3.0)
        daw.send("/diffroll/job/new", "mine", "transcribe", "take")
        daw.send("/diffroll/job/set", "mine", "save", str(path))
        daw.send("/diffroll/job/run", "mine")
        first = daw.collect("mine").notes
        before = path.read_bytes()
        person.sees("#history", "mine, from my DAW")
        person.page.locator("#canvas").focus()
        person.page.keyboard.press(".")
        person.page.keyboard.press("Delete")
        person.opens("out")
        person.sees("#give", "Give back to my DAW")
        person.presses("#give")
        again = daw.collect("mine").notes
        person.sees("#message", "my DAW has these notes now")
    assert [note[2:6] for note in again] == [note[2:6] for note in first[1:]]
    assert path.read_bytes() != before


def test_notes_play_on_the_midi_port(served, person):
    person.sees("#link", "ready")
    person.presses("#generate")
    person.sees("#message", "notes in")
    person.opens("out")
    person.sees("#portText", "Notes are written down.")
    served.daemon.scheduler.played.clear()
    person.presses("#todaw")
    person.sees_that(lambda: served.daemon.scheduler.played)
    _, notes, _ = served.daemon.scheduler.played[0]
    assert [(note.pitch, note.velocity) for note in notes] == [(pitch, v) for pitch, _, _, v in person.notes]


def test_sound_picture_and_trajectory_are_saved(person):
    person.opens_the_clip()
    person.transcribes()
    person.opens("out")
    with wave.open(io.BytesIO(saved(person, "#wav"))) as sound:
        assert sound.getframerate() == 44_100
        assert sound.getnframes() / 44_100 == pytest.approx(person.doc["seconds"] + 0.5, abs=0.01)
        assert max(sound.readframes(sound.getnframes())) > 0
    with Image.open(io.BytesIO(saved(person, "#picture"))) as picture:
        assert picture.format == "PNG"
        assert picture.width > 600
    with Image.open(io.BytesIO(saved(person, "#gif"))) as gif:
        assert gif.format == "GIF"
        assert gif.n_frames == 5  # four estimates, and the notes


def test_there_is_no_animation_of_what_was_not_sampled(person):
    person.sees("#link", "ready")
    person.opens("out")
    person.presses("#gif")
    person.sees("#message", "Only what was just sampled has a trajectory")
    person.presses("#wav")
    person.sees("#message", "There is nothing to hear yet.")


def test_the_doctors_report_is_copied(person):
    person.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.sees("#link", "ready")
    person.opens("state")
    person.presses("#copystate")
    expect(person.page.locator("#message")).to_have_text("The doctor's report is on the clipboard.", timeout=150_000)
    report = json.loads(person.clipboard())
    assert {"python", "torch", "models"} <= {finding["topic"] for finding in report["findings"]}
    assert report["daemon"]["welcome"]["model"] == "fake"
    assert report["daemon"]["vitals"]["memoryMb"] > 10
