"""The sampling is seen as it happens, looked through afterwards, and cancelled at any time."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.waiting import wait_until

pytestmark = pytest.mark.slow


def test_the_trajectory_is_looked_through_step_by_step(person):
    person.opens_the_clip()
    person.page.click("#more summary")
    person.page.fill("#dial-steps", "6")
    person.transcribes()
    person.slides("#step", 1)
    person.sees("#stepText", "step 2 of 6")
    second = person.colour_of_likely()
    person.slides("#step", 5)
    person.sees("#stepText", "step 6 of 6")
    wait_until(lambda: person.colour_of_likely() != second, "the last step to be drawn")
    end = person.colour_of_likely()
    person.presses("#replay")
    person.sees("#stepText", "step 6 of 6")
    wait_until(lambda: person.colour_of_likely() == end, "the last step to be drawn again")


def test_the_roll_denoises_while_it_is_sampled(person):
    person.opens_the_clip()
    person.page.click("#more summary")
    person.page.fill("#dial-steps", "300")
    person.presses("#transcribe")
    expect(person.page.locator("#scrub")).to_be_visible()
    expect(person.page.locator("#progress")).to_be_visible()
    person.presses("#cancel")
    person.sees("#message", "Cancelled.")
    expect(person.page.locator("#progress")).to_be_hidden()
    assert person.notes == []


def test_what_was_asked_for_is_listed_with_its_seed_and_asked_for_again(person):
    person.sees("#link", "ready")
    person.page.fill("#dial-seed", "41")
    person.page.fill("#dial-seconds", "3")
    person.presses("#generate")
    person.sees("#history", "Generate, seed 41")
    notes = person.notes
    person.presses("#another")
    expect(person.page.locator("#history li")).to_have_count(3)
    assert person.notes != notes
    person.opens("state")
    person.page.get_by_role("button", name="Generate, seed 41").first.click()
    person.sees("#message", "The dials are as for that request, seed 41 included.")
    assert person.page.input_value("#dial-seconds") == "3"
    person.presses("#generate")
    expect(person.page.locator("#history li")).to_have_count(4)
    assert person.notes == notes


def test_the_threshold_of_a_request_comes_back_with_it(person):
    person.opens_the_clip()
    person.transcribes()
    person.slides("#threshold", 0.8)
    person.sees("#history", "Threshold 0.80")
    person.page.fill("#dial-seed", "43")
    person.presses("#transcribe")
    person.sees("#history", "Transcribe, seed 43")
    notes = person.notes
    person.slides("#threshold", 0.3)
    person.sees("#history", "Threshold 0.30")
    person.opens("state")
    person.page.get_by_role("button", name="Transcribe, seed 43").click()
    person.sees('output[for="threshold"]', "0.80")
    person.presses("#transcribe")
    person.sees_that(lambda: person.notes == notes and person.doc["decode"] == {"threshold": 0.8, "minNote": 0.03})
    person.opens("state")
    person.page.get_by_role("button", name="Transcribe, seed 0").last.click()
    person.sees('output[for="threshold"]', "the model")


def test_requests_and_decodings_are_listed_as_what_they_were_and_the_shape_comes_back(person):
    person.opens_the_clip()
    person.page.fill("#dial-seed", "47")
    person.page.select_option("#dial-grid", "1/16")
    person.slides("#dial-strength", 0.5)
    person.page.locator("#dial-strength").dispatch_event("change")
    person.slides("#dial-swing", 0.6)
    person.page.locator("#dial-swing").dispatch_event("change")
    person.page.click("#more summary")
    person.page.select_option("#dial-shortest", "1/8")
    person.page.fill("#dial-range", "C3-C5")
    person.transcribes()
    for threshold in (0.5, 0.6, 0.7):
        person.slides("#threshold", threshold)
        person.sees("#history", f"Threshold {threshold:.2f}")
    person.page.select_option("#dial-grid", "off")
    person.page.select_option("#dial-shortest", "")
    person.page.fill("#dial-range", "")
    person.opens("state")
    person.sees("#asked", "Threshold 0.70")
    expect(person.page.locator("#asked")).not_to_contain_text("Threshold 0.60")
    person.page.get_by_role("button", name="Transcribe, seed 47").click()
    person.sees('output[for="dial-strength"]', "0.50")
    person.sees('output[for="dial-swing"]', "0.60")
    for dial, value in (("grid", "1/16"), ("shortest", "1/8"), ("range", "C3-C5")):
        expect(person.page.locator(f"#dial-{dial}")).to_have_value(value)
