"""What a job takes, what it refuses, and the request that it becomes."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from diffroll_live.cli.commands.tasks import continue_, generate
from diffroll_live.errors import BadRegion, Busy, RequestError, UnknownJob
from diffroll_live.limits import LIMITS, MAX_KNOWN, MAX_REGIONS, REQUEST, set_option
from diffroll_live.server.job import Job, JobTable
from diffroll_live.server.job_settings import JobSettings
from diffroll_live.types import AudioBuffer, NoteEvent, Options, Region

AUDIO = AudioBuffer("b", np.zeros(32_000, np.float32), 16_000)  # 2 s


def test_a_request_holds_what_was_asked():
    job = Job("j", "inpaint", "b")
    job.add_region(Region(0.5, 1.0, 40, 50, hear=True))
    job.add_note(NoteEvent(1.5, 1.75, 60, 80))
    job.add_note(NoteEvent(0.0, 0.25, 61, 81))
    job.settings = set_option(job.settings, "steps", 8.0)
    request = job.request("id", AUDIO)
    assert (request.id, request.task, request.audio) == ("id", "inpaint", AUDIO)
    assert request.regions == (Region(0.5, 1.0, 40, 50, hear=True),)
    assert request.known == (NoteEvent(0.0, 0.25, 61, 81), NoteEvent(1.5, 1.75, 60, 80))
    assert request.options == Options(steps=8)
    job.add_note(NoteEvent(0.75, 1.0, 45, 80), locked=True)
    assert job.request("id", None).locked == (NoteEvent(0.75, 1.0, 45, 80),)


def test_numbers_of_regions_and_notes_are_bounded():
    job = Job("j", "inpaint", "b")
    for _ in range(MAX_REGIONS):
        job.add_region(Region(0.0, 1.0))
    with pytest.raises(BadRegion, match=str(MAX_REGIONS)):
        job.add_region(Region(0.0, 1.0))
    job.known = [NoteEvent(0.0, 1.0, 60, 1)] * MAX_KNOWN
    for locked in (False, True):
        with pytest.raises(RequestError, match=str(MAX_KNOWN)):
            job.add_note(NoteEvent(0.0, 1.0, 60, 1), locked=locked)


def test_a_region_that_can_hold_no_note_is_refused_at_once():
    job = Job("j", "inpaint", "b")
    with pytest.raises(BadRegion, match="shorter"):
        job.add_region(Region(1.0, 1.01))
    assert job.regions == []


@pytest.mark.parametrize("value", [math.inf, math.nan, 1e300])
def test_times_that_are_no_times(value):
    with pytest.raises(BadRegion, match="time axis"):
        Job("j", "inpaint", "b").add_region(Region(0.0, value))
    with pytest.raises(RequestError):
        Job("j", "inpaint", "b").add_note(NoteEvent(0.0, value, 60, 1))


def test_finished_jobs_make_room_and_active_ones_do_not():
    table = JobTable(2)
    table.add("a", "generate", "").state = "running"
    table.add("b", "generate", "").state = "done"
    table.add("c", "generate", "").state = "queued"
    assert [job.name for job in table] == ["a", "c"]
    with pytest.raises(Busy):
        table.add("d", "generate", "")
    with pytest.raises(UnknownJob):
        table["b"]
    assert table.add("a", "generate", "").state == "new"


def test_every_option_of_a_request_has_a_key():
    assert set(REQUEST) == {field.name for field in dataclasses.fields(Options)}


@pytest.mark.parametrize("key", JobSettings.OPTIONS)
@pytest.mark.parametrize("value", [-1e12, 1e12])
def test_every_key_refuses_numbers_that_it_cannot_be(key, value):
    with pytest.raises(RequestError, match=key):
        set_option(JobSettings(), key, value)


@pytest.mark.parametrize("key", sorted(set(JobSettings.OPTIONS) - {"save"}))
def test_every_key_but_the_free_one_refuses_any_word(key):
    with pytest.raises(RequestError, match=key):
        set_option(JobSettings(), key, "nonsense")


@pytest.mark.parametrize("key", LIMITS)
def test_limits_can_be_asked_for_in_float32_and_nothing_beyond(key):
    low, high = LIMITS[key].low, LIMITS[key].high
    if high < 2**24:
        for limit in (low, high):
            assert getattr(set_option(JobSettings(), key, float(np.float32(limit))).options, key) == pytest.approx(
                limit
            )
    for value in (low - 1e-3, high + 1e-3, float("nan"), float("inf")):
        with pytest.raises(RequestError, match=f"The option {key} must be a .* from"):
            set_option(JobSettings(), key, value)


@pytest.mark.parametrize("key", LIMITS)
def test_the_command_line_has_the_same_limits(key):
    option = next(p for p in (*generate.params, *continue_.params) if p.name == key)
    assert (option.type.min, option.type.max) == (LIMITS[key].low, LIMITS[key].high)


def test_setting_a_key_changes_nothing_else():
    settings = set_option(set_option(JobSettings(), "seed", 7.0), "deliver", "osc")
    assert settings.options == Options(seed=7)
    assert settings.delivery.deliver == "osc"
    assert JobSettings() == JobSettings(Options())
