"""What a person does at the panel, in a real browser: the first minute, regions, thresholds, undo, keys, files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from diffroll_live.files.midi_file import write_smf
from diffroll_live.types import NoteEvent, PedalSpan

pytestmark = pytest.mark.slow
RATE = 16_000
LENGTH = slice(18, 26)  # of a FLAC file: rate, channels, bits a sample, and in the last 36 bits the number of samples


def test_the_first_minute(person):
    person.sees("#empty", "Drop a recording")
    person.opens_the_clip()
    expect(person.page.locator("#empty")).to_be_hidden()
    person.transcribes()
    assert len(person.notes) > 10
    person.sees("#history", "Transcribe, seed 0")


def test_a_region_is_painted_and_filled_and_the_rest_stays(person):
    person.opens_the_clip()
    person.transcribes()
    before = person.notes
    person.paints(0.4, 0.55, 0.6, 0.85)
    expect(person.page.locator("#region")).to_be_visible()
    (region,) = person.doc["regions"]
    assert region["t1"] > region["t0"]
    person.presses("#fill")
    person.sees("#history", "Fill, seed 0")

    def outside(note):
        return not (region["t0"] <= note[1] < region["t1"] and region["low"] <= note[0] <= region["high"])

    kept = [note for note in before if outside(note)]
    assert kept
    after = {(pitch, round(t, 4), velocity) for pitch, t, _, velocity in person.notes}
    assert {(pitch, round(t, 4), velocity) for pitch, t, _, velocity in kept} <= after


def test_the_threshold_acts_without_another_job(person):
    person.opens_the_clip()
    person.transcribes()
    count, jobs = len(person.notes), person.stored("jobs")
    person.slides("#threshold", 0.9)
    person.sees("#history", "Threshold 0.90")
    assert len(person.notes) < count
    expect(person.page.locator("#message")).to_have_text(f"{len(person.notes)} notes.")
    assert person.stored("jobs") == jobs
    person.presses("#undo")
    person.sees('output[for="threshold"]', re.compile("the model"))
    assert len(person.notes) == count
    expect(person.page.locator("#message")).to_be_empty()  # nothing is said of a step that is not shown
    person.presses("#redo")
    person.sees('output[for="threshold"]', "0.90")
    person.slides("#threshold", 0.05)
    person.sees("#history", "Threshold 0.05")
    assert len(person.notes) > 0


def test_steps_are_undone_redone_and_survive_a_reload(person):
    person.opens_the_clip()
    person.transcribes()
    notes = person.notes
    person.page.keyboard.press("Control+z")
    assert person.notes == []
    person.page.keyboard.press("Control+Shift+z")
    expect(person.page.locator("#redo")).to_be_disabled()
    person.page.reload()
    person.sees("#title", "The shipped clip")
    assert person.notes == notes
    person.sees("#link", "ready")
    person.slides("#threshold", 0.9)  # the daemon still has the job
    person.sees("#history", "Threshold 0.90")


def test_variations_are_tabs_and_keys_go_from_one_to_the_next(person):
    person.sees("#link", "ready")
    person.page.fill("#dial-variations", "3")
    person.presses("#generate")
    person.sees("#variations", "C")
    person.page.locator("#canvas").focus()
    expect(person.page.locator("#scrub")).to_be_visible()
    person.page.keyboard.press("b")
    expect(person.page.locator("#variations button").nth(1)).to_have_attribute("aria-pressed", "true")
    person.sees("#stepText", "of A alone")
    expect(person.page.locator("#step")).to_be_disabled()
    person.opens("state")
    count = sum(len(variation) for variation in person.doc["variations"])
    person.sees("#asked", f"{count} notes in 3 variations")


def test_all_of_it_works_by_keys_alone(person):
    person.opens_the_clip()
    person.page.locator("#canvas").focus()
    person.page.keyboard.press("t")
    person.sees("#message", "notes in")
    person.page.keyboard.press("r")
    expect(person.page.locator("#region")).to_be_visible()
    before = person.doc["regions"][0]
    person.page.keyboard.press("ArrowRight")
    person.page.keyboard.press("Shift+ArrowUp")
    person.page.keyboard.press("h")
    expect(person.page.locator("#hear")).to_be_checked()
    after = person.doc["regions"][0]
    assert after["t0"] == pytest.approx(before["t0"] + 0.1)
    assert (after["high"], after["hear"]) == (before["high"] + 1, True)
    person.page.keyboard.press("f")
    person.sees("#history", "Fill")
    person.page.keyboard.press("Delete")
    person.sees("#history", "Remove a region")


def test_a_file_is_opened_and_a_bad_one_costs_nothing(person, make_wav, tmp_path):
    person.sees("#link", "ready")
    person.page.set_input_files("#file", make_wav(tmp_path / "mine.wav"))
    person.sees("#title", "mine.wav")
    person.transcribes()
    notes = person.notes
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF and nothing more")
    person.page.set_input_files("#file", broken)
    person.sees("#message", re.compile(r"^broken\.wav .*(export it as WAV|cannot be read|not audio|truncated)"))
    person.sees("#errors", "broken.wav")
    wrong = tmp_path / "letter.txt"
    wrong.write_text("no sound")
    person.page.set_input_files("#file", wrong)
    person.sees("#message", "not a recording")
    assert person.notes == notes
    person.sees("#title", "mine.wav")


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3", "mid"])
def test_a_file_that_is_dropped_on_the_roll_is_opened(person, tmp_path, ending):
    """By a drop as the browser has it from the system; where in the system the file was taken from is not tried."""
    person.sees("#link", "ready")
    path = tmp_path / f"mine.{ending}"
    if ending == "mid":
        write_smf(path, [NoteEvent(0.0, 1.0, 60, 90), NoteEvent(1.0, 3.0, 64, 90)])
    else:
        soundfile.write(path, 0.3 * np.sin(np.arange(3 * RATE) * 2 * np.pi * 220 / RATE), RATE)
    person.drops(path)
    person.sees("#title", f"mine.{ending}")
    expect(person.page.locator("#stage")).not_to_have_class(re.compile("over"))
    person.sees_that(lambda: person.doc["seconds"] == pytest.approx(3.0, abs=0.1))
    if ending == "mid":
        assert [note[0] for note in person.notes] == [60, 64]
    else:
        person.transcribes()


def test_what_a_midi_file_holds_beside_its_notes_is_not_dropped_in_silence(person, tmp_path):
    person.sees("#link", "ready")
    path = tmp_path / "held.mid"
    write_smf(path, [NoteEvent(0.0, 1.0, 60, 90)], pedal=[PedalSpan(0.5, 1.5)])
    person.drops(path)
    person.sees("#message", "1 note. The panel has notes alone; left out: the pedal of the file.")


def test_a_file_of_ten_hours_is_refused_where_one_looks(person, tmp_path):
    person.opens_the_clip()
    person.transcribes()
    notes = person.notes
    path = tmp_path / "night.flac"
    soundfile.write(path, np.zeros(RATE), RATE)
    data = bytearray(path.read_bytes())
    head = int.from_bytes(data[LENGTH], "big") >> 36 << 36
    data[LENGTH] = (head | 36_000 * RATE).to_bytes(8, "big")
    path.write_bytes(data)
    person.page.set_input_files("#file", path)
    person.sees("#message", re.compile("36000 s are more than .*, or cut the file"))
    person.sees("#title", "The shipped clip")
    assert person.notes == notes


def test_the_midi_file_is_what_the_notes_are(person, tmp_path):
    person.sees("#link", "ready")
    person.presses("#generate")
    person.sees("#message", "notes in")
    person.opens("out")
    with person.page.expect_download() as saved:
        person.presses("#save")
    path = tmp_path / "same.mid"
    write_smf(path, [NoteEvent(t, t + duration, pitch, velocity) for pitch, t, duration, velocity in person.notes])
    assert Path(saved.value.path()).read_bytes() == path.read_bytes()
