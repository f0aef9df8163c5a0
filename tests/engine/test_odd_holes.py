"""Holes that nobody would ask for: between bars, far from all music, ten minutes long, in extreme tempi."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.asking import ask, inside
from support.engines import float32_engine
from support.tiny import write_tiny_model

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.meter.meter_map import MeterMap, steady_meter
from diffroll_live.types import NoteEvent, Options, Region, Request

NOTES = tuple(NoteEvent(0.5 * at, 0.5 * at + 0.4, 48 + 5 * at % 24, 70 + at % 9) for at in range(16))  # 8 s


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    yield from float32_engine(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path)


def filled(
    engine: TorchEngine, region: Region, meter: MeterMap | None, known: tuple[NoteEvent, ...] = NOTES, **options
):
    """The new notes of a hole, all of which must begin in it."""
    given = Options(**{"density": 2.0, **options})
    (notes,) = ask(engine, Request("job", "inpaint", None, (region,), known, given, meter=meter)).variations
    new = [note for note in notes if note not in known]
    assert all(inside(note, region) and note.offset > note.onset for note in new)
    assert [note for note in notes if note in known] == [note for note in known if not inside(note, region)]
    return new


@pytest.mark.parametrize("sampler", ["note-by-note", "thinning"])
@pytest.mark.parametrize("span", [(3.37, 4.91), (2.01, 2.32), (4.124, 4.145)])
def test_a_region_may_lie_between_bars_beats_and_steps(engine: TorchEngine, span: tuple[float, float], sampler: str):
    filled(engine, Region(*span), steady_meter(120.0), sampler=sampler)


@pytest.mark.parametrize("meter", [steady_meter(97.0), None])
@pytest.mark.parametrize("onset", [500.0, 9000.0])
def test_a_region_far_from_all_music_is_written_as_if_from_nothing(
    engine: TorchEngine, meter: MeterMap | None, onset: float
):
    assert filled(engine, Region(onset, onset + 8.0), meter)


def test_a_region_with_one_note_hours_away_is_filled(engine: TorchEngine):
    filled(engine, Region(0.0, 4.0), None, (NoteEvent(20_000.0, 20_000.5, 60, 64),))


@pytest.mark.parametrize("bpm", [4.0, 1000.0])
def test_the_slowest_and_the_fastest_tempo_can_be_written_in(engine: TorchEngine, bpm: float):
    filled(engine, Region(2.0, 6.0), steady_meter(bpm), sampler="thinning")


@pytest.mark.slow
def test_ten_minutes_are_filled_from_the_first_bar_to_the_last(engine: TorchEngine):
    new = filled(engine, Region(8.0, 608.0), steady_meter(60.0), sampler="thinning", steps=1)
    assert set(np.arange(1, 30)) <= {int(note.onset / 20.0) for note in new}


def test_notes_beyond_the_piano_are_left_as_they_are(engine: TorchEngine):
    beyond = (NoteEvent(1.0, 1.5, 12, 70), NoteEvent(6.0, 6.5, 120, 70))
    filled(engine, Region(3.0, 5.0), steady_meter(120.0), tuple(sorted((*NOTES, *beyond))))
