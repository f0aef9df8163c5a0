"""The weights that ship keep to what is wished of their notes, whichever way they write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from support.asking import ask, changed

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.loading import load_engine
from diffroll_live.limits import Controls
from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.notation.scales import parse_scale
from diffroll_live.types import NoteEvent, Options, Region, Request

pytestmark = pytest.mark.slow

BEAT = 0.6  # s, at 100 a minute
BAR = 4 * BEAT
HOLE = Region(4 * BAR, 8 * BAR)
D_MINOR = parse_scale("D minor")
WRITERS = pytest.mark.parametrize("sampler", ["note-by-note", "thinning"])


def accompaniment() -> tuple[NoteEvent, ...]:
    """Twelve bars in C: a bass, broken chords, a melody in quarters, played a little unevenly."""
    rng = np.random.default_rng(0)
    notes = []
    for bar in range(12):
        root = (48, 53, 55, 48)[bar % 4]
        notes.append((bar * BAR, BAR, root - 12))
        notes += [(bar * BAR + n * BEAT / 2, BEAT / 2, root + (0, 7, 12, 7)[n % 4]) for n in range(8)]
        notes += [(bar * BAR + n * BEAT, 0.9 * BEAT, root + 24 + (0, 2, 4, 2)[n]) for n in range(4)]
    late = np.abs(rng.normal(0, 0.01, len(notes)))
    return tuple(
        sorted(NoteEvent(t + d, t + d + length, p, 70) for (t, length, p), d in zip(notes, late.tolist(), strict=True))
    )


KNOWN = accompaniment()
FILL = Request("fill", "inpaint", None, (HOLE,), KNOWN, Options(seed=3), meter=steady_meter(100.0))


@pytest.fixture(scope="module")
def engine() -> TorchEngine:
    return load_engine("compact", "cpu", warm=False)


def new(engine: TorchEngine, request: Request) -> list[tuple[NoteEvent, ...]]:
    """The new notes of each variation."""
    there = set(request.known)
    return [tuple(note for note in notes if note not in there) for notes in ask(engine, request).variations]


def most_at_once(notes: Sequence[NoteEvent]) -> int:
    return max((sum(o.onset <= note.onset < o.offset for o in notes) for note in notes), default=0)


@WRITERS
@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_notes_sound_at_once_than_may(engine: TorchEngine, sampler: str, most: int) -> None:
    for notes in new(engine, changed(FILL, sampler=sampler, polyphony=most, variations=2)):
        assert len(notes) >= 8
        assert most_at_once(notes) <= most


@WRITERS
def test_range_and_scale_are_kept(engine: TorchEngine, sampler: str) -> None:
    assert D_MINOR is not None
    (notes,) = new(engine, changed(FILL, sampler=sampler, range=(50, 77), scale=D_MINOR))
    assert len(notes) >= 8
    assert all(50 <= note.pitch <= 77 for note in notes)
    assert {note.pitch % 12 for note in notes} <= D_MINOR.classes


@WRITERS
def test_density_moves_the_number_of_notes(engine: TorchEngine, sampler: str) -> None:
    counts = []
    for density in (0.4, 1.0, 2.0):
        variations = new(engine, changed(FILL, sampler=sampler, density=density, variations=3))
        counts.append(sum(map(len, variations)))
    assert counts[0] < 0.8 * counts[1]
    assert counts[2] > 1.15 * counts[1]


@WRITERS
def test_lengths_are_bounded(engine: TorchEngine, sampler: str) -> None:
    (notes,) = new(engine, changed(FILL, sampler=sampler, shortest=0.5, longest=1.0))
    assert len(notes) >= 8
    assert all(0.5 * BEAT - 1e-5 <= note.duration <= 1.0 * BEAT + 1e-5 for note in notes)
    (short,) = new(engine, changed(FILL, sampler=sampler, longest=0.25))
    assert all(note.duration <= 0.25 * BEAT + 1e-5 for note in short)


@WRITERS
def test_a_lower_temperature_is_more_likely_to_repeat_itself(engine: TorchEngine, sampler: str) -> None:
    def kinds(temperature: float) -> int:
        request = changed(FILL, sampler=sampler, temperature=temperature, variations=3)
        return len({note.pitch for notes in new(engine, request) for note in notes})

    assert kinds(0.2) < kinds(2.0)


@WRITERS
def test_variations_differ_and_all_keep_to_what_is_wished(engine: TorchEngine, sampler: str) -> None:
    wished = changed(FILL, sampler=sampler, variations=4, polyphony=2, range=(60, 84), longest=2.0)
    variations = new(engine, wished)
    assert len({tuple((n.onset, n.pitch) for n in notes) for notes in variations}) == 4
    for notes in variations:
        assert notes
        assert most_at_once(notes) <= 2
        assert all(60 <= note.pitch <= 84 and note.duration <= 2.0 * BEAT + 1e-5 for note in notes)


@WRITERS
def test_each_region_has_its_own(engine: TorchEngine, sampler: str) -> None:
    bass = Region(4 * BAR, 8 * BAR, 21, 59, controls=Controls(polyphony=1, range=(36, 55)))
    chords = Region(4 * BAR, 6 * BAR, 60, 108, controls=Controls(range=(60, 72), shortest=0.5))
    tune = Region(6 * BAR, 8 * BAR, 60, 108, controls=Controls(polyphony=1, range=(72, 88), longest=1.0))
    (notes,) = new(engine, changed(replace(FILL, regions=(bass, chords, tune)), sampler=sampler))
    low = [note for note in notes if note.pitch < 60]
    middle = [note for note in notes if note.pitch >= 60 and note.onset < 6 * BAR]
    high = [note for note in notes if note.pitch >= 60 and note.onset >= 6 * BAR]
    assert low
    assert middle
    assert high
    assert most_at_once(low) == most_at_once(high) == 1
    assert all(36 <= note.pitch <= 55 for note in low)
    assert all(note.pitch <= 72 and note.duration >= 0.5 * BEAT - 1e-5 for note in middle)
    assert all(72 <= note.pitch <= 88 and note.duration <= BEAT + 1e-5 for note in high)


@WRITERS
def test_the_same_seed_gives_the_same_notes_with_controls(engine: TorchEngine, sampler: str) -> None:
    wished = changed(FILL, sampler=sampler, polyphony=2, scale=D_MINOR, density=0.7)
    assert new(engine, wished) == new(engine, wished) != new(engine, changed(wished, seed=4))


@WRITERS
def test_what_is_longer_than_any_length_is_held_so_long(engine: TorchEngine, sampler: str) -> None:
    (notes,) = new(engine, changed(FILL, sampler=sampler, shortest=8.0, polyphony=3))
    assert all(note.duration >= 8.0 * BEAT - 1e-5 for note in notes)
