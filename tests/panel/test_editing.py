"""Notes and bars by hand: drawn, moved, lengthened, locked, deleted, by the mouse and by keys; each step is undone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow
LOCKED, FRESH = 1, 2


@pytest.fixture
def pianist(person):
    """Someone with the clip and its notes before them."""
    person.opens_the_clip()
    person.transcribes()
    person.page.locator("#canvas").focus()
    return person


def rounded(rows) -> list[tuple]:
    return [(pitch, round(t, 3), round(duration, 3), velocity) for pitch, t, duration, velocity, *_ in rows]


def press(person, *keys: str) -> None:
    for key in keys:
        person.page.keyboard.press(key)


def test_a_note_is_drawn_and_is_the_persons_own(pianist):
    before = pianist.notes
    pianist.presses('.tool[data-tool="draw"]')
    pianist.paints(0.3, 0.55, 0.4, 0.55)
    pianist.sees("#history", "Draw a note")
    (drawn,) = [row for row in pianist.marked if row[4] & LOCKED]
    assert drawn[2] > 0.1
    assert len(pianist.notes) == len(before) + 1
    press(pianist, "Control+z")
    assert pianist.notes == before


def test_the_dials_of_shape_follow_undo_and_redo(pianist):
    pianist.page.fill("#bpm", "90")
    pianist.page.locator("#bpm").press("Tab")
    expect(pianist.page.locator("#dial-swing")).to_be_hidden()
    pianist.page.select_option("#dial-grid", "1/8")
    pianist.sees("#history", "Moved to 1/8 1.00 0.50")
    moved = pianist.notes
    steps = [t * 90 / 60 / 0.5 for _, t, *_ in moved]  # of the tempo that was set here, after the job
    assert steps == pytest.approx([round(step) for step in steps], abs=1e-3)
    pianist.slides("#dial-swing", 0.66)
    pianist.page.locator("#dial-swing").dispatch_event("change")
    pianist.sees("#history", "Moved to 1/8 1.00 0.66")
    pianist.presses("#undo")
    expect(pianist.page.locator("#dial-grid")).to_have_value("off")
    expect(pianist.page.locator("#dial-swing")).to_be_hidden()
    assert pianist.notes != moved
    pianist.presses("#redo")
    expect(pianist.page.locator("#dial-grid")).to_have_value("1/8")
    pianist.sees('output[for="dial-swing"]', "0.66")


def test_a_dial_that_is_turned_before_there_are_notes_is_for_the_next_request(person):
    person.sees("#link", "ready")
    person.page.select_option("#dial-scale", "C major")
    person.sees("#message", "the next request will have it")
    person.presses("#clip")
    person.sees("#title", "The shipped clip")
    expect(person.page.locator("#dial-scale")).to_have_value("C major")
    person.transcribes()
    assert {pitch % 12 for pitch, *_ in person.notes} <= {0, 2, 4, 5, 7, 9, 11}


def test_drawn_and_locked_notes_survive_a_fill_and_another_threshold(pianist):
    press(pianist, "d")
    (drawn,) = [row for row in pianist.marked if row[4] & LOCKED]
    pianist.paints(0.06, 0.45, 0.5, 0.95)
    (region,) = pianist.doc["regions"]
    press(pianist, ".", "l")
    pianist.sees("#history", "Lock notes")
    locked = [row[:4] for row in pianist.marked if row[4] & LOCKED]
    assert len(locked) == 2
    pianist.page.fill("#dial-seed", "5")
    pianist.presses("#fill")
    pianist.sees("#history", "Fill, seed 5")
    assert rounded(row for row in pianist.marked if row[4] & LOCKED) == rounded(locked)
    assert any(row[4] & FRESH for row in pianist.marked)
    pianist.slides("#threshold", 0.95)
    pianist.sees("#history", "Threshold 0.95")
    assert rounded(row for row in pianist.marked if row[4] & LOCKED) == rounded(locked)
    assert drawn[0] in range(region["low"], region["high"] + 1) or drawn[1] < region["t0"]


def test_a_region_has_wishes_of_its_own(pianist):
    pianist.paints(0.06, 0.45, 0.5, 0.95)
    pianist.presses("#region summary")
    pianist.page.fill("#wish-polyphony", "1")
    pianist.page.select_option("#wish-scale", "D minor")
    pianist.sees_that(lambda: pianist.doc["regions"][0].get("wishes") == {"polyphony": 1, "scale": "D minor"})
    pianist.presses("#fill")
    pianist.sees("#history", "Fill, seed 0")


def test_notes_are_moved_lengthened_and_deleted_by_keys(pianist):
    before = pianist.notes
    press(pianist, ".")
    pianist.sees("#selected", "ms")
    press(pianist, "ArrowUp", "ArrowRight", "Shift+ArrowRight")
    pianist.sees("#history", "Change the length")
    (moved,) = [row for row in pianist.marked if row[4] & LOCKED]
    first = before[0]
    assert moved[0] == first[0] + 1
    assert moved[1] == pytest.approx(first[1] + 0.1)
    assert moved[2] == pytest.approx(first[2] + 0.1)
    press(pianist, "Delete")
    assert len(pianist.notes) == len(before) - 1
    press(pianist, "Control+z", "Control+z", "Control+z", "Control+z")
    assert pianist.notes == before
    press(pianist, "Control+Shift+z")
    assert len(pianist.notes) == len(before)
    assert pianist.notes != before


def test_notes_are_selected_together_and_get_one_velocity(pianist):
    press(pianist, "Control+a")
    pianist.sees("#selected", f"{len(pianist.notes)} notes")
    pianist.slides("#velocity", 33)
    pianist.sees("#history", "Change the velocity")
    assert {velocity for *_, velocity in pianist.notes} == {33}


def test_a_note_is_dragged_with_the_mouse(pianist):
    pianist.presses('.tool[data-tool="select"]')
    pianist.paints(0.05, 0.42, 0.99, 0.98)
    pianist.sees("#message", "selected")
    count = int(pianist.page.locator("#message").text_content().split()[0])
    assert count > 1
    x, y = pianist.where(pianist.notes[0])
    pianist.drags(x, y, x + 40, y)
    pianist.sees("#history", "Move notes")
    assert len([row for row in pianist.marked if row[4] & LOCKED]) in {1, count}


def test_a_region_that_is_dragged_and_resized_is_undone_to_where_it_was(pianist):
    pianist.paints(0.3, 0.55, 0.5, 0.8)
    (painted,) = pianist.doc["regions"]
    pianist.paints(0.4, 0.65, 0.5, 0.7)
    (dragged,) = pianist.doc["regions"]
    assert dragged["t1"] - dragged["t0"] == pytest.approx(painted["t1"] - painted["t0"])
    assert dragged["t0"] > painted["t0"]
    press(pianist, "Control+z")
    assert pianist.doc["regions"] == [painted]


def test_a_region_of_no_length_is_refused_where_one_looks(pianist):
    press(pianist, "r")
    (region,) = pianist.doc["regions"]
    pianist.page.fill("#t1", str(region["t0"]))
    pianist.page.locator("#t1").press("Tab")
    pianist.sees("#message", "A region needs a length")
    assert pianist.doc["regions"] == [region]


def test_bars_are_given_by_hand_and_snapped_to(pianist):
    pianist.page.fill("#bpm", "120")
    pianist.page.locator("#bpm").press("Tab")
    pianist.sees("#history", "Bars of 4/4 at 120")
    pianist.page.select_option("#snap", "1/4")
    pianist.paints(0.31, 0.55, 0.52, 0.8)
    (region,) = pianist.doc["regions"]
    for second in (region["t0"], region["t1"]):
        assert second * 2 == pytest.approx(round(second * 2), abs=1e-6)
    pianist.sees("#clock", "1.1.00")
    pianist.page.fill("#metre", "4/3")
    pianist.page.locator("#metre").press("Tab")
    pianist.sees("#message", "A metre is written as")
    pianist.page.fill("#bpm", "5000")
    pianist.page.locator("#bpm").press("Tab")
    pianist.sees("#message", "A tempo is 4 to 1000")
    pianist.presses("#forgetbars")
    expect(pianist.page.locator("#clock")).not_to_contain_text("1.1.00")


def test_notes_are_moved_into_a_scale_without_another_job(pianist):
    jobs, before = pianist.stored("jobs"), pianist.notes
    pianist.page.select_option("#dial-scale", "C major")
    pianist.sees("#history", "Moved to C major")
    assert {pitch % 12 for pitch, *_ in pianist.notes} <= {0, 2, 4, 5, 7, 9, 11}
    pianist.page.select_option("#dial-scale", "off")
    pianist.sees_that(lambda: pianist.notes == before)
    assert pianist.stored("jobs") == jobs
    press(pianist, "Control+z")
    assert pianist.notes == before


def test_continue_keeps_the_notes_and_adds_to_them(pianist):
    before = pianist.notes
    pianist.presses("#continue")
    pianist.sees("#history", "Continue, seed 0")
    assert {note[:2] for note in before} <= {note[:2] for note in pianist.notes}
