"""The number of threads: all of them on an idle machine, fewer where that is sooner, measured only when it is due."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import torch
from support.tiny import tiny_adapter

from diffroll_live.engine.threads import PAUSE, ThreadChoice, reference


@pytest.fixture(autouse=True)
def _threads_as_they_were() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def choice(seconds: Callable[[int], float], most: int = 6, clock: Callable[[], float] = lambda: 0.0) -> ThreadChoice:
    """A choice whose evaluation takes ``seconds`` of the number of threads."""
    return ThreadChoice(most, lambda: seconds(torch.get_num_threads()), clock)


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        (lambda count: 1.0 / count, 6),  # an idle machine
        (lambda count: float(count), 1),  # every other thread waits for a core
        (lambda count: 2.0 if count > 2 else 1.0 / count, 2),
        (lambda count: 1.0 if count == 6 else 0.9, 6),  # chance
    ],
)
def test_fewer_threads_are_taken_where_they_are_clearly_sooner(seconds: Callable[[int], float], chosen: int) -> None:
    assert choice(seconds).choose() == chosen
    assert torch.get_num_threads() == chosen


def test_every_number_is_measured_as_often_as_the_others() -> None:
    tried: list[int] = []
    choice(lambda count: tried.append(count) or 1.0).choose()
    assert {tried.count(number) for number in (1, 2, 4, 6)} == {len(tried) // 4}


def test_it_is_measured_at_first_and_again_when_the_share_of_the_cores_has_changed() -> None:
    now = [0.0]
    threads = choice(lambda count: 1.0 / count, clock=lambda: now[0])
    assert threads.due
    threads.choose()
    now[0] += PAUSE
    for share in (1.8, 1.7, 1.9):
        threads.observe(share)
    assert not threads.due
    threads.observe(0.9)
    assert threads.due
    threads.choose()
    threads.observe(0.9)
    threads.observe(1.8)
    assert not threads.due  # so soon after the last measurement
    now[0] += PAUSE
    assert threads.due


def test_one_core_leaves_nothing_to_choose() -> None:
    threads = choice(lambda _: 1.0, most=1)
    threads.observe(1.0)
    threads.observe(0.1)
    assert not threads.due


def test_the_reference_evaluates_the_network() -> None:
    assert reference(tiny_adapter())() > 0.0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only GNU's OpenMP prints its settings")
def test_threads_that_wait_sleep_wherever_the_package_was_imported_first() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", "import diffroll_live, torch; torch.get_num_threads()"],
        env=environment | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in done.stderr
    assert "GOMP_SPINCOUNT = '0'" in done.stderr
