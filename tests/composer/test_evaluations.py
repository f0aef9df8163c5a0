"""Evaluations that a device replays: the same notes whatever room they have, and nothing waits for the device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from support.meta_device import META, OnMetaAlone
from support.passages import passage
from support.tiny import tiny_composer

from diffroll_live.composer.evaluations import MOST_PROGRAMS, NOTES, Replayed, evaluate
from diffroll_live.composer.network import Composer
from diffroll_live.composer.options import WritingOptions
from diffroll_live.composer.passage import Passage
from diffroll_live.composer.thinning import thin
from diffroll_live.composer.tokens import Tokens, passage_tokens
from diffroll_live.model.captures import Replay


def uncaptured(function: Callable[[], None]) -> Replay:
    return function


def replaying() -> Composer:
    network = tiny_composer()
    network.replayed = Replayed(network, uncaptured)
    return network


def questions(one: Passage) -> Tokens:
    return passage_tokens(one, np.zeros(0, np.int64), np.zeros(0, bool), 0.0)


def rows(network: Composer, one: Passage, seed: int) -> list[tuple[int, int, int, int]]:
    return list(thin(network, one, WritingOptions(temperature=2.0), [seed], 4))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_same_notes_are_written(seed: int) -> None:
    one = passage()
    written = rows(replaying(), one, seed)
    assert written
    assert written == rows(tiny_composer(), one, seed)


@pytest.mark.slow
def test_room_that_is_left_changes_what_is_said_by_rounding_alone() -> None:
    tokens, network = questions(passage()), replaying()
    assert network.replayed is not None
    with torch.inference_mode():
        first = [part.clone() for part in network.replayed(tokens)]
        for here, there in zip(first, evaluate(tiny_composer(), tokens), strict=True):
            assert here.shape == there.shape
            torch.testing.assert_close(here, there, atol=1e-5, rtol=1e-5)
        network.replayed(questions(passage(low=10, high=20)))
        assert all(torch.equal(a, b) for a, b in zip(first, network.replayed(tokens), strict=True))


def test_a_few_programs_are_kept() -> None:
    network = tiny_composer()
    replayed = Replayed(network, uncaptured)
    with torch.inference_mode():
        for n_bars in range(3, 3 + 2 * (MOST_PROGRAMS + 2), 2):
            replayed(questions(passage(n_bars, last=n_bars - 1)))
    assert len(replayed._programs) == MOST_PROGRAMS


@pytest.mark.slow
def test_nothing_in_an_evaluation_waits_for_the_device_or_goes_by_its_values() -> None:
    network = tiny_composer().to(META)
    replayed = Replayed(network, uncaptured)
    with torch.inference_mode():
        replayed(questions(passage()))
        (program,) = replayed._programs.values()
        with OnMetaAlone():
            program.compute()


def test_a_device_that_cannot_capture_goes_without(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(function: Callable[[], None]) -> Replay:
        raise RuntimeError("operation not permitted when stream is capturing")

    network = tiny_composer()
    network.replayed = Replayed(network, refuse)
    assert rows(network, passage(), 1) == rows(tiny_composer(), passage(), 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert network.replayed is None


def test_there_is_room_for_what_comes() -> None:
    network = replaying()
    assert network.replayed is not None
    tokens = questions(passage())
    assert tokens.n_notes <= NOTES
    with torch.inference_mode():
        said, lags = network.replayed(tokens)
    assert len(said) == len(lags) == len(tokens) - tokens.n_notes
