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
    person.page.get_by_role("button", name="generate, seed 41").first.click()
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
    person.page.get_by_role("button", name="transcribe, seed 43").nth(1).click()  # the one before the slider moved
    person.sees('output[for="threshold"]', "0.80")
    person.presses("#transcribe")
    person.sees_that(lambda: person.notes == notes and person.doc["decode"] == {"threshold": 0.8, "minNote": 0.03})
    person.opens("state")
    person.page.get_by_role("button", name="transcribe, seed 0").nth(1).click()
    person.sees('output[for="threshold"]', "the model")
