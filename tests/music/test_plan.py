"""What becomes of a request: every bad one has its sentence, and a good one knows where to write and what to hide."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from support.asking import noise, planned

from diffroll_live.errors import AudioError, BadRegion, DiffrollError, RequestError
from diffroll_live.limits import CHOICES, LIMITS, MAX_KNOWN, MAX_REGIONS, Controls
from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.music.controls import pitches_of, under
from diffroll_live.notation.scales import parse_scale
from diffroll_live.types import NoteEvent, Options, Region, Request, Task

CLIP = noise(10.0)
HOLE = Region(2.0, 4.0, 48, 72)


def inpaint(*regions: Region, known: tuple[NoteEvent, ...] = (), options: Options | None = None) -> Request:
    return Request("job", "inpaint", CLIP, regions, known, options or Options())


@pytest.mark.parametrize(
    "request_",
    [
        inpaint(HOLE),
        inpaint(Region(0.0, 10.0), Region(9.98, 10.01)),
        Request("job", "transcribe", CLIP),
        Request("job", "continue", CLIP),
        Request("job", "generate", None),
        Request("job", "continue", CLIP, (Region(10.0, 18.0), Region(9.995, 12.0, 60, 72), Region(17.0, 18.005))),
        Request("job", "generate", None, (Region(0.0, 8.0),)),
    ],
)
def test_good_requests_pass(request_: Request) -> None:
    planned(request_)


@pytest.mark.parametrize(
    ("region", "match"),
    [
        (Region(math.nan, 1.0), "time axis"),
        (Region(0.0, math.inf), "time axis"),
        (Region(1.0, 1.0), "shorter than 0.02 s or reversed"),
        (Region(1.0, 1.01), "shorter than 0.02 s or reversed"),
        (Region(3.0, 1.0), "shorter than 0.02 s or reversed"),
        (Region(-0.1, 1.0), "time axis"),
        (Region(9.0, 10.1), "beyond"),
        (Region(20.0, 21.0), "beyond"),
        (Region(1.0, 2.0, 20, 60), "both within 21"),
        (Region(1.0, 2.0, 60, 109), "both within 21"),
        (Region(1.0, 2.0, 61, 60), "both within 21"),
    ],
)
def test_bad_regions(region: Region, match: str) -> None:
    with pytest.raises(BadRegion, match=match):
        planned(inpaint(HOLE, region))


def test_a_number_of_regions_or_notes_that_nobody_means() -> None:
    planned(inpaint(*[HOLE] * MAX_REGIONS))
    with pytest.raises(BadRegion, match=f"at most {MAX_REGIONS}"):
        planned(inpaint(*[HOLE] * (MAX_REGIONS + 1)))
    with pytest.raises(RequestError, match=f"at most {MAX_KNOWN}"):
        planned(inpaint(HOLE, known=(NoteEvent(0.0, 1.0, 60, 64),) * (MAX_KNOWN + 1)))


@pytest.mark.parametrize("name", LIMITS)
def test_every_option_has_its_bounds(name: str) -> None:
    low, high = LIMITS[name].low, LIMITS[name].high
    for value in (low, high):
        planned(inpaint(HOLE, options=replace(Options(), **{name: value})))
    for value in (low - 1e-3, high + 1e-3, math.nan, math.inf, -math.inf):
        with pytest.raises(RequestError, match=rf"{name} must be a .*number from .* to "):
            planned(inpaint(HOLE, options=replace(Options(), **{name: value})))


@pytest.mark.parametrize(
    ("request_", "error", "match"),
    [
        (Request("job", "transcribe", None), AudioError, "needs audio"),
        (Request("job", "continue", None), AudioError, "needs audio"),
        (Request("job", "inpaint", None, (HOLE,)), AudioError, "needs audio"),
        (Request("job", "inpaint", CLIP), BadRegion, "at least one region"),
        (Request("job", "transcribe", noise(12.0)), AudioError, "at most 11 s"),
        (Request("job", "generate", None, (Region(0.0, 9.0),)), BadRegion, "beyond"),
    ],
)
def test_what_a_task_needs(request_: Request, error: type[DiffrollError], match: str) -> None:
    with pytest.raises(error, match=match):
        planned(request_, 11.0)


def test_where_each_task_writes() -> None:
    assert planned(Request("job", "transcribe", CLIP)).regions == (Region(0.0, 10.0, hear=True),)
    assert planned(Request("job", "transcribe", CLIP, (HOLE,))).regions == (HOLE,)
    assert planned(inpaint(HOLE, HOLE)).regions == (HOLE, HOLE)
    seconds = Options(seconds=3.0)
    assert planned(Request("job", "continue", CLIP, options=seconds)).regions == (Region(10.0, 13.0),)
    assert planned(Request("job", "generate", None, options=seconds)).regions == (Region(0.0, 3.0),)
    assert planned(Request("job", "generate", None, (HOLE,))).regions == (HOLE,)


@pytest.mark.parametrize(
    "region", [HOLE, Region(9.0, 12.0), Region(9.97, 10.0), Region(17.0, 18.1), Region(30.0, 31.0)]
)
def test_a_continuation_has_its_regions_in_the_time_to_come(region: Region) -> None:
    with pytest.raises(BadRegion, match=r"beyond 10\.00 to 18\.00 s, where the regions of continue must lie"):
        planned(Request("job", "continue", CLIP, (region,)))


def test_regions_are_cut_by_a_rounding() -> None:
    regions = (Region(9.995, 12.0, 60, 72), Region(17.0, 18.005))
    cut = (Region(10.0, 12.0, 60, 72), Region(17.0, 18.0))
    assert planned(Request("job", "continue", CLIP, regions)).regions == cut
    assert planned(inpaint(Region(9.0, 10.005))).regions == (Region(9.0, 10.0),)


@pytest.mark.parametrize(
    ("task", "begin", "end"),
    [("transcribe", 0.0, 10.0), ("inpaint", 0.0, 10.0), ("continue", 10.0, 15.0), ("generate", 0.0, 5.0)],
)
def test_regions_lie_where_the_task_may_write(task: Task, begin: float, end: float) -> None:
    for region, fits in (
        (Region(begin, end), True),
        (Region(begin, end + 0.1), False),
        (Region(max(begin - 0.1, 0.0), end), begin == 0.0),
        (Region(end - 0.01, end + 0.02), False),
    ):
        request = Request("job", task, None if task == "generate" else CLIP, (region,), options=Options(seconds=5.0))
        if fits:
            assert planned(request).regions == (region,)
        else:
            with pytest.raises(BadRegion, match="beyond"):
                planned(request)


NOTES = (NoteEvent(1.0, 3.0, 60, 64), NoteEvent(2.5, 4.3, 62, 64))


def test_notes_go_without_audio() -> None:
    assert planned(Request("job", "inpaint", None, (HOLE,), NOTES)).hidden == (HOLE,)
    heard = replace(HOLE, hear=True)
    assert planned(Request("job", "inpaint", None, (heard,), NOTES)).hidden == (heard,), "there is nothing to hear"
    assert planned(Request("job", "continue", None, (), NOTES)).regions == (Region(4.3, 12.3),)
    beat = steady_meter(60.0)
    assert planned(Request("job", "continue", None, (), NOTES, meter=beat)).regions == (Region(4.25, 12.25),)
    with pytest.raises(BadRegion, match=r"beyond 4\.30 to 12\.30"):
        planned(Request("job", "continue", None, (Region(3.0, 5.0),), NOTES))


def test_what_is_locked_stays_in_the_regions() -> None:
    plan = planned(Request("job", "inpaint", None, (Region(0.0, 5.0),), NOTES[:1], locked=NOTES[1:]))
    assert plan.kept == plan.locked == NOTES[1:]
    with pytest.raises(RequestError, match="at most"):
        planned(Request("job", "inpaint", None, (HOLE,), NOTES, locked=NOTES * MAX_KNOWN))


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        (Controls(shortest=2.0, longest=1.0), "shortest note that is longer than its longest"),
        (Controls(range=(80, 90)), "left without a pitch"),
        (Controls(range=(61, 61), scale=parse_scale("C major")), "left without a pitch"),
        (Controls(polyphony=0), "polyphony must be a whole number"),
        (Controls(density=9.0), "density must be a number"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(controls: Controls, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        planned(Request("job", "inpaint", None, (replace(HOLE, controls=controls),), NOTES))


def test_wishes_of_the_request_hold_where_a_region_has_none() -> None:
    with pytest.raises(BadRegion, match="left without a pitch"):
        planned(Request("job", "inpaint", None, (HOLE,), NOTES, Options(range=(80, 90))))
    own = replace(HOLE, controls=Controls(range=(50, 60)))
    whole = under(Options(range=(80, 90), polyphony=2), own)
    assert whole.controls == Controls(1.0, 1.0, 2, range=(50, 60))
    assert pitches_of(whole) == tuple(range(50, 61))
    planned(Request("job", "inpaint", None, (own,), NOTES, Options(range=(80, 90))))


def test_what_is_heard_takes_no_wishes() -> None:
    heard = replace(HOLE, hear=True, controls=Controls(density=2.0))
    with pytest.raises(BadRegion, match="is heard, and its controls are for what is written"):
        planned(inpaint(heard))


def test_a_hole_of_more_than_ten_minutes_is_refused() -> None:
    planned(Request("job", "inpaint", None, (Region(0.0, 600.0), Region(10.0, 500.0)), NOTES))
    with pytest.raises(BadRegion, match="are 700 s long; at most 600 s"):
        planned(Request("job", "inpaint", None, (Region(0.0, 400.0), Region(500.0, 800.0)), NOTES))


def test_what_is_hidden() -> None:
    heard = replace(HOLE, hear=True)
    to_come = Region(12.0, 14.0, 48, 72, hear=True)
    assert planned(Request("job", "transcribe", CLIP, (HOLE,))).hidden == ()
    assert planned(inpaint(HOLE, heard)).hidden == (HOLE,)
    assert planned(Request("job", "continue", CLIP, (to_come,))).hidden == (to_come,)
    assert planned(Request("job", "generate", None, (heard,))).hidden == (heard,)


def test_notes_outside_the_regions_are_kept() -> None:
    outside, inside = NoteEvent(1.0, 3.0, 60, 64), NoteEvent(2.5, 3.0, 60, 64)
    assert planned(inpaint(HOLE, known=(outside, inside))).kept == (outside,)


@pytest.mark.parametrize("name", CHOICES)
def test_a_word_is_one_of_those_to_choose_from(name: str) -> None:
    for word in CHOICES[name].names:
        assert getattr(planned(inpaint(HOLE, options=replace(Options(), **{name: word}))).options, name) == word
    with pytest.raises(RequestError, match=f"{name} must be .* not 'euler'"):
        planned(inpaint(HOLE, options=replace(Options(), **{name: "euler"})))
