"""`evaluate` on what is written: tables, pictures and a blind test by the command line, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.excerpts import scores, write_scores
from support.tiny import write_tiny_model

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.evaluation import parts
from diffroll_live.evaluation.composing import classifier, comparing, showing
from diffroll_live.evaluation.composing.holes import KINDS
from diffroll_live.evaluation.listening import blind, sounds

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "TREES", 5)
    monkeypatch.setattr(parts, "KINDS", {"two bars": KINDS["two bars"]})
    monkeypatch.setattr(comparing, "WAYS", ({"sampler": "thinning", "steps": 1, "temperature": 1.0},))
    monkeypatch.setattr(comparing, "DENSITIES", ())
    monkeypatch.setattr(showing, "COUNT", 1)
    monkeypatch.setattr(sounds, "sonify", lambda path, notes: soundfile.write(path, np.full(16_000, 0.1), 16_000))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scores(tmp_path_factory.mktemp("data") / "score-grid", scores())


def evaluate(model: Path, tmp_path: Path, *options: str) -> list[str]:
    return ["evaluate", str(model), "--device", "cpu", "--gaps", "2", "--work", str(tmp_path / "work"), *options]


def test_tables_of_what_is_written_need_scores_and_nothing_else(model, folder, tmp_path, capsys):
    given = ["--part", "composing", "--part", "ways", "--scores", str(folder)]
    assert run(evaluate(model, tmp_path, *given, "--json")) == exit_codes.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["part"] for row in rows] == ["composing"] * 6 + ["ways"] * 2
    assert rows[5]["writer"] == "tiny"
    assert run(evaluate(model, tmp_path, *given)) == exit_codes.OK
    said = capsys.readouterr().out
    assert "Filling, continuing, generating\n\n**two bars**\n\n| written by | judge, bits a note |" in said


def test_another_composer_takes_the_models_place(model, folder, tmp_path, capsys):
    other = write_tiny_model(tmp_path / "other", seed=5).path
    given = ["--part", "composing", "--scores", str(folder), "--json"]
    assert run(evaluate(model, tmp_path, *given)) == exit_codes.OK
    before = capsys.readouterr().out.splitlines()
    assert run(evaluate(model, tmp_path, *given, "--composer", str(other))) == exit_codes.OK
    after = capsys.readouterr().out.splitlines()
    assert before[:5] == after[:5]
    assert before[5] != after[5]


def test_fills_are_drawn_into_a_folder(model, folder, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    assert run(evaluate(model, tmp_path, "--scores", str(folder), "--pictures", str(pictures))) == exit_codes.OK
    assert capsys.readouterr().out.splitlines() == [str(pictures / "fill-01.png")]
    assert (pictures / "fill-01.png").is_file()


def test_a_blind_test_is_made_and_scored(model, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(blind, "EACH", 1)
    page = tmp_path / "blind"
    assert run(evaluate(model, tmp_path, "--blind", str(page))) == exit_codes.OK
    said = capsys.readouterr()
    assert said.out.strip() == str(page / "index.html")
    assert "do not look" in said.err
    (tmp_path / "answers.json").write_text('{"1": "A", "2": "neither"}')
    answered = ["--blind", str(page), "--answers", str(tmp_path / "answers.json")]
    assert run(evaluate(model, tmp_path, *answered)) == exit_codes.OK
    assert "| taken for the composer | rather than | passages |" in capsys.readouterr().out
    assert run(evaluate(model, tmp_path, *answered, "--json")) == exit_codes.OK
    assert sum(json.loads(line)["passages"] for line in capsys.readouterr().out.splitlines()) == 2


def test_what_is_missing_is_named(model, folder, tmp_path, capsys):
    def refused(code: int, words: str, *options: str) -> None:
        assert run(evaluate(model, tmp_path, *options)) == code
        assert words in capsys.readouterr().err

    refused(exit_codes.USAGE, "--scores FOLDER", "--part", "composing")
    refused(exit_codes.USAGE, "--scores FOLDER", "--pictures", str(tmp_path / "pictures"))
    refused(exit_codes.FILE, "There is no file", "--part", "ways", "--scores", str(tmp_path / "nowhere"))
    refused(exit_codes.USAGE, "--blind FOLDER", "--answers", str(tmp_path / "answers.json"))
    gone = ["--blind", str(tmp_path / "gone"), "--answers", str(tmp_path / "answers.json")]
    refused(exit_codes.FILE, "gone-key.json", *gone)
    refused(exit_codes.MODEL, "config.json", "--composer", str(tmp_path / "gone"), "--part", "ways")
    assert run(evaluate(model, tmp_path, "--part", "composing", "--scores", str(folder), "--gaps", "500")) != 0
    assert "ask for fewer" in capsys.readouterr().err
