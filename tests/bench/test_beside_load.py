"""Figures without load and with it: every core is busy meanwhile, and both stand in one row."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.tiny import write_tiny_model
from support.waiting import wait_until

from diffroll_live.bench import beside_load as module
from diffroll_live.bench.beside_load import MOST_TIMES, beside_load, busy_cores, compared, minute
from diffroll_live.bench.cpu import cpu_seconds
from diffroll_live.bench.figures import Figure, Progress, Settings
from diffroll_live.bench.machine import usable_cores
from diffroll_live.bench.report import table
from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The busy programs that have been started."""
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen
    monkeypatch.setattr(module.subprocess, "Popen", lambda command: started.append(start(command)) or started[-1])
    return started


def test_every_core_is_busy_until_the_end(programs: list[subprocess.Popen[bytes]]) -> None:
    with busy_cores():
        assert len(programs) == usable_cores()
        wait_until(lambda: all(cpu_seconds(program.pid) > 0 for program in programs), "every program computes")
    assert all(program.returncode for program in programs)


def test_each_part_is_measured_without_load_and_then_with_it(
    programs: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def part(settings: Settings, progress: Progress) -> Iterator[Figure]:
        seen.append(sum(program.poll() is None for program in programs))
        yield Figure("a minute", "s", (0.5 * (1 + bool(seen[-1])),))
        yield Figure("F1 below offline", "points", (3.0,), 5.0, "F1 0.9")

    monkeypatch.setattr(module, "PARTS", (part, part))
    steps: list[tuple[int, int]] = []
    figures = list(beside_load(Settings(), lambda *step: steps.append(step)))
    assert seen == [0, usable_cores()] * 2
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    time, points = figures[:2]
    assert (time.median, time.idle, time.times, time.asked) == (1.0, 0.5, 2.0, MOST_TIMES * 0.5)
    assert (points.asked, points.idle, points.note) == (5.0, 3.0, "F1 0.9")
    shown = table([time, points])
    assert [column.header for column in shown.columns] == ["what", "idle", "times", "median", "range", "target", "how"]
    assert [next(iter(column.cells)) for column in shown.columns][1:3] == ["0.5 s", "2"]


def test_a_figure_that_is_zero_without_load_has_no_ratio() -> None:
    lost = compared(Figure("hops missed", "", (0.0,), 0.0), Figure("hops missed", "", (2.0,), 0.0))
    assert (lost.asked, lost.idle, lost.times) == (0.0, 0.0, None)


@pytest.mark.slow
def test_a_minute_is_transcribed(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path
    settings = replace(Settings(str(model), "cpu", repeat=1, warm_ups=0), minute_seconds=6.0)
    (figure,) = minute(settings, lambda *_: None)
    assert figure.median > 0


def test_one_kind_of_benchmark_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "--live", "--beside-load"]) == exit_codes.USAGE
    assert "Choose one of" in capsys.readouterr().err
