"""The tables of the composer on a small scale, from the program's own answers; kept, resumed, drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.engines import float32_engine
from support.excerpts import hole, scores
from support.tiny import COMPOSER, tiny_composer, write_tiny_model

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.errors import CheckpointError, FileError
from diffroll_live.evaluation.composing import classifier, comparing, session, showing
from diffroll_live.evaluation.composing.asking import ask
from diffroll_live.evaluation.composing.columns import WAYS, WRITERS
from diffroll_live.evaluation.composing.comparing import compared, ways
from diffroll_live.evaluation.composing.composers import fingerprint, read_composer_from
from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.session import Session
from diffroll_live.evaluation.composing.showing import show_fills
from diffroll_live.evaluation.store import Store
from diffroll_live.evaluation.tables import by_group, table
from diffroll_live.training.composing.run import Schedule, Trainer
from diffroll_live.training.runs.states import STATE, write_state
from diffroll_live.types import Options

pytestmark = pytest.mark.slow
EVERYTHING = {"kind", "writer", "holes", *WRITERS}
KIND, PIECE = "two bars", "sixteen bars from nothing"
CPU = torch.device("cpu")
FEW = Options(sampler="thinning", steps=2)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path
    yield from float32_engine(folder)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "TREES", 5)
    monkeypatch.setattr(classifier, "DRAWS", 20)
    monkeypatch.setattr(session, "CHUNK", 2)


def session_in(folder: Path, engine: TorchEngine) -> Session:
    def keep(name, make, **settings):
        return Store(folder).rows(name, settings, make)

    return Session(engine, "tiny", scores(), keep, lambda said: None)


def test_the_program_answers_as_it_would_a_user(engine):
    answer = ask(engine, hole(), replace(FEW, temperature=2.0))
    assert len(answer.rows) > 0
    assert 0 < answer.first <= answer.seconds
    assert hole().holds(answer.rows).all()
    filled = Filled(hole(), answer.rows)
    assert (filled.inside[:, 0] % 6 == 0).all(), "where the beat is known, onsets lie on the grid"
    again = ask(engine, hole(), replace(FEW, temperature=2.0))
    assert (again.rows == answer.rows).all()


def test_every_writer_has_a_row_and_what_was_written_is_kept(engine, tmp_path, monkeypatch):
    rows = compared(session_in(tmp_path, engine), (KIND, PIECE), 3, FEW)
    assert [row["writer"] for row in rows if row["kind"] == KIND] == [
        "what was composed",
        "the bar before, repeated",
        "two bars before, repeated",
        "the same pitches, shuffled",
        "Markov chain",
        "tiny",
    ]
    assert len([row for row in rows if row["kind"] == PIECE]) == 4, "nothing can be repeated before a piece"
    assert {name for row in rows for name in row} == EVERYTHING
    composed, repeated, *_, ours = rows[:6]
    assert composed["auc"] is None
    assert repeated["top_heard"] == 1.0
    assert ours["seconds"] > 0
    assert composed["notes_a_beat"] == pytest.approx(5 / 4)
    assert "**sixteen bars from nothing**" in by_group(rows, WRITERS, "kind")

    def fail(*_: object) -> None:
        raise AssertionError("nothing is written twice")

    monkeypatch.setattr(session, "ask", fail)
    assert compared(session_in(tmp_path, engine), (KIND, PIECE), 3, FEW) == rows
    with pytest.raises(AssertionError):
        compared(session_in(tmp_path, engine), (KIND,), 3, replace(FEW, steps=3))


def test_each_way_of_writing_has_a_row_beside_what_was_composed(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(comparing, "WAYS", ({"sampler": "thinning", "steps": 1, "temperature": 0.5},))
    monkeypatch.setattr(comparing, "DENSITIES", (2.0,))
    composed, way, dense = ways(session_in(tmp_path, engine), 2, Options())
    assert composed["sampler"] == "what was composed"
    assert (way["steps"], way["density"], dense["density"]) == (1, 1.0, 2.0)
    assert "| thinning | 1 | 0.50 | 100 % |" in table([composed, way, dense], WAYS)


def test_fills_are_drawn(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(showing, "COUNT", 2)
    paths = show_fills(session_in(tmp_path / "store", engine), tmp_path / "pictures", FEW)
    assert [path.name for path in paths] == ["fill-01.png", "fill-02.png"]
    for path in paths:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < 150_000


def test_a_composer_is_read_from_a_model_or_from_a_run(tmp_path):
    model = write_tiny_model(tmp_path / "tiny").path
    first = read_composer_from(model, CPU)
    assert fingerprint(first) == fingerprint(read_composer_from(model, CPU))
    trainer = Trainer(COMPOSER, Schedule(1), CPU)
    trainer.averaged = tiny_composer(5).state_dict()
    (tmp_path / "run").mkdir()
    write_state(tmp_path / "run" / STATE, trainer.state({"network": {"width": 64, "depth": 2, "touch": 16}}))
    other = read_composer_from(tmp_path / "run", CPU)
    assert fingerprint(other) == fingerprint(tiny_composer(5)) != fingerprint(first)
    with pytest.raises(CheckpointError):
        read_composer_from(tmp_path / "nothing", CPU)
    (tmp_path / "run" / STATE).write_bytes(b"no")
    with pytest.raises(FileError, match="not a saved run"):
        read_composer_from(tmp_path / "run", CPU)
