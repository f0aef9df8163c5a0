"""Holes are the same each time and hide what they ask for; simple writers fill them; requests give what is around."""

from __future__ import annotations

import numpy as np
import pytest
from support.excerpts import figure, hole, rows, scores

from diffroll_live.errors import RequestError
from diffroll_live.evaluation.composing.asking import EARLY, playing_of, request_of
from diffroll_live.evaluation.composing.chain import Chain
from diffroll_live.evaluation.composing.copying import TrainingScores
from diffroll_live.evaluation.composing.excerpts import excerpt_of
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.holes import KINDS, Kind, holes
from diffroll_live.evaluation.composing.playing import as_played, as_written
from diffroll_live.evaluation.composing.writers import COMPOSED, REPEATERS, WRITERS
from diffroll_live.music.plan import plan_request
from diffroll_live.training.composing import scores as reading
from diffroll_live.types import Options


@pytest.mark.parametrize("name", KINDS)
def test_holes_are_the_same_each_time_and_their_notes_are_in_them_or_around(name):
    kind = KINDS[name]
    first, second = (list(holes(scores(), kind, 3)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert (one.first, one.seed, one.excerpt.piece) == (other.first, other.seed, other.excerpt.piece)
        assert np.array_equal(one.composed(), other.composed())
        assert one.excerpt.piece in ("2.mid", "3.mid", "4.mid"), "from the split that nobody trains on"
        inside, around = one.composed(), one.around()
        assert len(inside) + len(around) == len(one.excerpt.notes)
        assert ((inside[:, 0] >= one.begin) & (inside[:, 0] < one.end)).all()
        assert one.excerpt.n_bars == kind.before + kind.bars + kind.after
        assert (len(around) > 0) == (kind.before > 0)
        assert kind.band == ((one.low, one.high) != (21, 108))


def test_known_and_estimated_beats_share_their_holes():
    (told,), (estimated,) = (list(holes(scores(), KINDS[f"two bars{also}"], 1)) for also in ("", ", beat estimated"))
    assert np.array_equal(told.excerpt.notes, estimated.excerpt.notes)
    assert (told.seed, told.first) == (estimated.seed, estimated.first)


@pytest.mark.slow
def test_too_few_different_holes_are_told():
    with pytest.raises(RequestError, match="hold only 3 different holes"):
        list(holes(scores(16), KINDS["sixteen bars from nothing"], 4))
    with pytest.raises(RequestError, match="only 0 different"):
        list(holes([], KINDS["two bars"], 1))


def test_an_excerpt_keeps_its_bars_and_says_when_they_sound():
    score = scores()[2]
    cut = excerpt_of(score, 3, 7)
    assert cut.lines.tolist() == [0, 96, 192, 288, 384]
    assert cut.notes[0].tolist() == [0, 24, 50, 0]
    meter = cut.meter()
    assert [bar.beat for bar in meter.bars(0.0, 9.6)] == [0, 4, 8, 12]
    assert meter.tempo.position_at(4.0) == pytest.approx(4 * 60 / 100)


def test_bars_are_repeated_from_before_the_hole():
    notes = [*figure(3), *((96 * 3 + 24 * beat, 70, 24) for beat in range(4)), *figure(10)[20:]]
    at = hole(notes)
    one, two = (WRITERS[name](at) for name in REPEATERS)
    assert one[:, 2].tolist() == [70] * 8
    assert one[:, 0].tolist() == [at.begin + 24 * i for i in range(8)]
    assert two[:, 2].tolist() == [48, 60, 64, 67, 72, 70, 70, 70, 70]


def test_a_shuffle_keeps_the_rhythm_and_the_pitches():
    at = hole()
    composed, shuffled = at.composed(), WRITERS["the same pitches, shuffled"](at)
    assert sorted(shuffled[:, 2]) == sorted(composed[:, 2])
    assert sorted(shuffled[:, 0]) == sorted(composed[:, 0])
    assert not np.array_equal(shuffled[np.argsort(shuffled[:, 0])], composed)


def test_the_chain_goes_on_as_training_does_within_the_hole():
    chain, at = Chain(scores()), hole()
    written = chain(at)
    assert np.array_equal(written, chain(at))
    assert at.holds(written).all()
    assert {*np.diff(np.sort(written[:, 0]))} <= {12.0, 36.0, 24.0}, "the rests of the only figure there is"


def test_a_copy_is_found_in_any_key_and_never_across_pieces():
    training = TrainingScores(scores())
    copied = Filled(hole(), rows([(tick + 5, pitch + 7, ticks) for tick, pitch, ticks in figure(3)])).inside
    rng = np.random.default_rng(3)
    own = np.stack([np.arange(20) * 7, rng.integers(30, 90, 20), np.full(20, 7)], 1)
    slower = np.stack([copied[:, 0] * 2, copied[:, 1], copied[:, 2]], 1)
    assert training.longest([copied, own[:1], own[:0]]).tolist() == [15, 0, 0]
    assert training.longest([own])[0] <= 1
    assert training.longest([slower])[0] < 5, "at another pace it is no copy"
    end, begin = figure(32)[-3:], figure(2)[:3]
    joined = [(tick - end[0][0], pitch, 12) for tick, pitch, _ in end] + [(36 + t, p + 1, 12) for t, p, _ in begin]
    assert training.longest([np.array(joined)])[0] <= 4


def test_a_request_gives_what_is_around_and_nothing_of_the_hole():
    for name, kind in KINDS.items():
        (at,) = holes(scores(), kind, 1)
        playing = playing_of(at)
        request = request_of(at, playing, Options(temperature=0.5))
        plan = plan_request(request, 1800.0)
        (region,) = plan.regions
        assert len(plan.kept) == len(at.around()), name
        assert (request.meter is None) == (not kind.told)
        assert request.options.seed == at.seed
        assert request.options.temperature == 0.5
        early = 0.0 if kind.told else EARLY
        assert region.onset == pytest.approx(playing.seconds(at.begin) - early, abs=1e-3)
        assert region.offset == pytest.approx(playing.seconds(at.end) - early, abs=1e-3)


def test_what_is_played_as_written_comes_back_exactly():
    cut = hole().excerpt
    playing = as_written(cut)
    given = playing.given(cut)
    assert set(given[:, 3]) == {64.0}
    assert np.allclose(playing.ticks(given)[:, :3], cut.notes[:, :3])


def test_what_is_played_bends_its_tempo_and_keeps_the_order_of_beats():
    cut = hole().excerpt
    playing = as_played(cut, 1)
    beats = playing.meter.tempo.positions_at(np.arange(40.0))
    assert (np.diff(beats) > 0.3).all()
    assert np.diff(beats).std() > 0.01
    back = playing.ticks(playing.given(cut))
    assert 0.0 < np.abs(back[:, 0] - cut.notes[:, 0]).max() < 3.0
    assert np.array_equal(playing.given(cut), as_played(cut, 1).given(cut))
    assert not np.array_equal(playing.given(cut), as_played(cut, 2).given(cut))


def test_what_was_composed_is_the_first_writer():
    assert next(iter(WRITERS)) == COMPOSED
    assert Kind("inpaint", 2) == KINDS["two bars"]
    assert reading.POLISH == "polish_scores"
