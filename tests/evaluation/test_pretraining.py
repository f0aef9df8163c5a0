"""The experiment that asks whether pretraining pays: its runs, its table, and going on after a cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.training_material import HEARD, SMALL, Folders

from diffroll_live.errors import FileError
from diffroll_live.evaluation import pretraining
from diffroll_live.evaluation.pretraining import Experiment, Plan, plan_of, runs
from diffroll_live.evaluation.results import Result, append_result, draw, read_results, table
from diffroll_live.training.examples.windows import Material
from diffroll_live.training.runs.states import read_state
from diffroll_live.training.runs.subjects import compact

pytest_plugins = ["support.training_fixtures"]
PLAN = Plan(steps=2, roll_steps=2, batch=1, seconds=0.512, clips=1, piano=HEARD)


class Cut(BaseException):
    """Ends the experiment, as a kill does."""


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "HOURS", (0.001, 0.002))
    monkeypatch.setattr(pretraining, "SEEDS", (0,))


@pytest.fixture
def material(folders: Folders) -> Material:
    return replace(folders.material, unheard="")


@pytest.mark.slow
def test_an_experiment_that_was_cut_off_goes_on_to_the_same_table(material, tmp_path):
    said: list[str] = []

    def cut(text: str) -> None:
        said.append(text)
        if "F1" in text:
            raise Cut

    for _ in range(4):
        with pytest.raises(Cut):
            Experiment(material, PLAN, tmp_path, compact(SMALL), report=cut).run()
    results = Experiment(material, PLAN, tmp_path, compact(SMALL), report=cut).run()
    assert [(r.hours, r.pretrained, r.seed) for r in results] == list(runs())
    assert len(said) == 4, "what is in the table is not done again"
    assert all(0 <= r.onset_offset <= r.onset <= 1 and r.steps == 2 for r in results)
    assert read_results(tmp_path / "pretraining.csv") == results
    begun = read_state(tmp_path / "paired-0.001h-rolls-0/state.pt")["settings"]
    assert begun["begun_from"] == str(tmp_path / "rolls-0")
    assert begun["material"]["different"] == 7
    assert begun["material"]["stage"] == "paired"
    rolls = read_state(tmp_path / "rolls-0/state.pt")["settings"]["material"]
    assert (rolls["stage"], rolls["bank"], rolls["different"]) == ("rolls", None, 0)


def test_every_amount_has_both_arms_and_the_extremes_come_first():
    first = list(runs())
    assert first[0][:2] == (0.001, False)
    assert {(hours, pretrained) for hours, pretrained, _ in first} == {(h, p) for h in (0.001, 0.002) for p in (0, 1)}


@pytest.mark.slow
def test_a_plan_is_kept(material, tmp_path):
    fitted = plan_of(tmp_path, material, PLAN, 10.0, compact(SMALL))
    assert fitted.steps > 2
    assert fitted.roll_steps == 2 * fitted.steps
    assert plan_of(tmp_path, material, PLAN, None) == fitted
    assert plan_of(tmp_path / "other", material, PLAN, None) == PLAN
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(FileError, match="not a plan"):
        plan_of(tmp_path, material, PLAN, None)


def test_the_table_and_the_picture(tmp_path: Path):
    path = tmp_path / "pretraining.csv"
    for pretrained, seed, onset in ((False, 0, 0.4), (False, 1, 0.5), (True, 0, 0.6), (True, 1, 0.5)):
        append_result(path, Result(0.25, pretrained, seed, 10, onset, 0.1, 0.3, 5))
    append_result(path, Result(1.0, False, 0, 10, 0.7, 0.1, 0.3, 5))
    results = read_results(path)
    lines = table(results).splitlines()
    assert lines[2:] == ["| 0.25 h | 0.450 (0.400, 0.500) | 0.550 (0.600, 0.500) | +0.100 |"], (
        "only what can be compared"
    )
    draw(results, tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    path.write_text("hours\nmuch\n")
    with pytest.raises(FileError, match="not a table"):
        read_results(path)
    with pytest.raises(FileError, match="Cannot write"):
        draw(results, tmp_path / "nowhere" / "out.png")
