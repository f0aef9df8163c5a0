"""From material to a model and its scores on the command line, and every way in which that can be refused."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from support.training_material import HEARD, SMALL, UNHEARD, Folders, write_recording

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.evaluation import scores
from diffroll_live.training.runs import loop
from diffroll_live.training.runs.subjects import compact

pytest_plugins = ["support.training_fixtures"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train a network of a few thousand weights."""
    monkeypatch.setattr(loop, "train", partial(loop.train, subject=compact(SMALL)))


@pytest.fixture(scope="module")
def trained(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, and the model made of it."""
    root = tmp_path_factory.mktemp("cli")
    (root / "card.md").write_text("# a card\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "train", partial(loop.train, subject=compact(SMALL)))
        assert run(train(folders, root / "run")) == exit_codes.OK
    thresholds = ["--onset-threshold", "0.4", "--frame-threshold", "0.3"]
    assert run(["export", str(root / "run"), str(root / "mine"), "--card", str(root / "card.md"), *thresholds]) == 0
    return root


def train(folders: Folders, out: Path, *options: str) -> list[str]:
    common = ["--batch", "1", "--workers", "0", "--threads", "1", "--device", "cpu", "--unheard", UNHEARD]
    return ["train", str(out), "--steps", "2", *common, "--work", str(folders.work), *options]


def evaluate(folders: Folders, model: Path | str, *options: str) -> list[str]:
    pianos = ["--piano", HEARD, "--unheard", UNHEARD]
    where = ["--device", "cpu", "--work", str(folders.work)]
    return ["evaluate", str(model), "--clips", "1", *pianos, *where, *options]


def refused(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str], *words: str) -> None:
    """Check the exit code, and that stderr has one sentence with these words and no traceback."""
    assert run(arguments) == code
    said = capsys.readouterr().err
    assert said.startswith(("Error: ", "Usage"))
    assert "Traceback" not in said
    for word in words:
        assert word in said


@pytest.mark.slow
def test_prepare_makes_a_bank_and_a_corpus(folders, tmp_path, capsys):
    work = tmp_path / "some" / "work"
    assert (
        run(["prepare", "--samples", str(folders.samples), "--midi", str(folders.midi), "--work", str(work)])
        == exit_codes.OK
    )
    said = capsys.readouterr()
    assert f"--work {work}" in said.out
    assert said.err.count("Skipped: ") == 3
    for name in ("bank.npy", "bank.json", "corpus.npz"):
        assert (work / name).stat().st_size == (folders.work / name).stat().st_size


@pytest.mark.slow
def test_train_goes_on_and_tells_how(folders, tmp_path, capsys):
    for steps in ("1", "2"):
        assert run(train(folders, tmp_path / "run", "--steps", steps)) == exit_codes.OK
        assert f"{steps} steps. `diffroll-live export " in capsys.readouterr().out
    settings = json.loads((tmp_path / "run/settings.json").read_text())
    assert settings["schedule"]["steps"] == 2
    assert settings["material"]["unheard"] == UNHEARD


@pytest.mark.slow
def test_export_keeps_the_thresholds(trained):
    config = json.loads((trained / "mine/config.json").read_text())
    assert config["decode"] == {"onset_threshold": 0.4, "frame_threshold": 0.3}
    assert config["training"]["steps"] == 2


@pytest.mark.slow
def test_evaluate_prints_a_line_for_each_set(folders, trained, tmp_path, capsys):
    takes = write_recording(tmp_path)
    options = ["--part", "transcription", "--recordings", str(takes), "--steps", "1"]
    assert run(evaluate(folders, trained / "mine", *options, "--json")) == exit_codes.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    noisy = ", room and noise at 20 dB"
    names = ["heard pianos", "unheard piano", f"heard pianos{noisy}", f"unheard piano{noisy}"]
    names += ["unheard piano, pedal held down", "the demo clip", "real recordings, shifted"]
    assert [line["set"] for line in lines] == names
    for line in lines:
        assert line["clips"] == 1
        assert 0 <= line["onset_offset"] <= line["onset"] <= 1


@pytest.mark.slow
def test_evaluate_tunes(folders, trained, capsys):
    assert run(evaluate(folders, trained / "mine", "--steps", "1", "--tune")) == exit_codes.OK
    tuned = json.loads(capsys.readouterr().out)
    assert 0 < tuned["onset_threshold"] < 1
    assert 0 < tuned["frame_threshold"] < 1
    assert tuned.keys() >= {"clips", "onset", "onset_offset"}


@pytest.mark.slow
def test_prepare_refuses_what_cannot_be(folders, tmp_path, capsys):
    gone, work = str(tmp_path / "gone"), ["--work", str(tmp_path / "work")]
    samples, midi = ["--samples", str(folders.samples)], ["--midi", str(folders.midi)]
    refused(["prepare", "--samples", gone, *midi, *work], exit_codes.FILE, capsys, "no folder")
    refused(["prepare", *samples, "--midi", gone, *work], exit_codes.FILE, capsys, "no folder")
    refused(["prepare", "--samples", str(tmp_path), *work], exit_codes.FILE, capsys, "manifest.csv")
    (tmp_path / "empty").mkdir()
    refused(["prepare", "--midi", str(tmp_path / "empty"), *work], exit_codes.FILE, capsys, "no MIDI files")
    refused(["prepare", *work], exit_codes.USAGE, capsys, "--pairs")
    (tmp_path / "file").write_text("in the way")
    refused(["prepare", *midi, "--work", str(tmp_path / "file")], exit_codes.FILE, capsys, "choose another")
    font = ["--soundfont", str(tmp_path / "gone.sf2")]
    refused(["prepare", *midi, *work, *font], exit_codes.FILE, capsys, "SoundFont")
    layout = ["--pairs", str(tmp_path), "--layout", "tapes"]
    refused(["prepare", *layout, *work], exit_codes.USAGE, capsys, "no layout 'tapes'", "maestro")


@pytest.mark.slow
def test_the_stages_follow_each_other(folders, tmp_path, capsys):
    work = tmp_path / "work"
    assert run(["prepare", "--midi", str(folders.midi), "--work", str(work)]) == exit_codes.OK
    common = ["--steps", "1", "--batch", "1", "--workers", "0", "--threads", "1", "--device", "cpu", "--seconds", "0.5"]
    rolls = ["train", str(tmp_path / "rolls"), "--stage", "rolls", *common, "--work", str(work)]
    assert run(rolls) == exit_codes.OK
    begun = ["--stage", "mixed", "--from", str(tmp_path / "rolls"), "--seconds", "0.5"]
    assert run(train(folders, tmp_path / "mixed", *begun)) == exit_codes.OK
    settings = json.loads((tmp_path / "mixed/settings.json").read_text())
    assert settings["material"]["stage"] == "mixed"
    assert settings["begun_from"] == str(tmp_path / "rolls")
    capsys.readouterr()
    silent = ["train", str(tmp_path / "new"), *common, "--work", str(work)]
    refused(silent, exit_codes.FILE, capsys, "diffroll-live prepare")
    refused([*rolls[:1], str(tmp_path / "x"), *rolls[2:], "--no-pop909"], exit_codes.USAGE, capsys, "'pop909'")
    refused(train(folders, tmp_path / "y", "--from", "nowhere"), exit_codes.MODEL, capsys, "no model 'nowhere'")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--device", "tpu"], "'tpu' is not one of 'auto', 'cuda'"),
        (["--without", "jazz"], "no collection 'jazz'"),
        (["--unheard", "organ"], "no piano 'organ'"),
        (["--precision", "int3"], "no precision 'int3'"),
        (["--stage", "loud"], "no stage 'loud'"),
        (["--network", "large"], "no network 'large'"),
        (["--weighting", "none"], "no weighting 'none'"),
        (["--steps", "0"], "--steps"),
        (["--batch", "-1"], "--batch"),
        (["--rate", "nan"], "--rate"),
        (["--rate", "0"], "--rate"),
        (["--seed", "-1"], "--seed"),
        (["--workers", "1000"], "--workers"),
    ],
)
def test_train_refuses_what_cannot_be(folders, tmp_path, capsys, options, words):
    refused(train(folders, tmp_path / "run", *options), exit_codes.USAGE, capsys, words)
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())


@pytest.mark.slow
def test_train_refuses_what_is_not_prepared_or_was_begun_otherwise(folders, trained, tmp_path, capsys):
    nowhere = ["--work", str(tmp_path)]
    refused(train(folders, tmp_path / "run", *nowhere), exit_codes.FILE, capsys, "diffroll-live prepare")
    refused(train(folders, trained / "run", "--batch", "2"), exit_codes.USAGE, capsys, "schedule.batch = 1, not 2")


@pytest.mark.slow
def test_export_refuses_what_cannot_be(trained, tmp_path, capsys):
    run_, mine, card = str(trained / "run"), str(tmp_path / "mine"), ["--card", str(trained / "card.md")]
    refused(["export", str(tmp_path), mine, *card], exit_codes.FILE, capsys, "no saved run")
    refused(["export", run_, mine], exit_codes.USAGE, capsys, "--card")
    refused(["export", run_, mine, "--card", str(tmp_path / "gone.md")], exit_codes.FILE, capsys, "no card")
    refused(["export", run_, str(tmp_path / "a name"), *card], exit_codes.MODEL, capsys, "name must be")
    refused(["export", run_, str(trained / "mine"), *card], exit_codes.FILE, capsys, "exists already")
    for value in ("0", "1", "-1", "nan", "much"):
        refused(
            ["export", run_, mine, *card, "--onset-threshold", value], exit_codes.USAGE, capsys, "--onset-threshold"
        )
    assert run(["export", run_, str(trained / "mine"), *card, "--overwrite"]) == exit_codes.OK


@pytest.mark.slow
def test_evaluate_refuses_what_cannot_be(folders, trained, tmp_path, capsys, monkeypatch):
    mine = trained / "mine"
    refused(evaluate(folders, "nosuchmodel", "--piano", HEARD), exit_codes.MODEL, capsys, "no model 'nosuchmodel'")
    refused(evaluate(folders, mine, "--piano", "organ"), exit_codes.USAGE, capsys, "no piano 'organ'", HEARD)
    refused(
        evaluate(folders, mine, "--piano", HEARD, "--device", "tpu"),
        exit_codes.USAGE,
        capsys,
        "'tpu' is not one of 'auto', 'cuda'",
    )
    refused(evaluate(folders, mine, "--threshold", "1.5"), exit_codes.USAGE, capsys, "--threshold")
    refused(evaluate(folders, mine, "--work", str(tmp_path)), exit_codes.FILE, capsys, "diffroll-live prepare")
    takes = ["--piano", HEARD, "--steps", "1", "--recordings", str(tmp_path)]
    refused(evaluate(folders, mine, *takes), exit_codes.FILE, capsys, "no FLAC files")
    refused(evaluate(folders, mine, "--piano", HEARD, "--piano", "organ"), exit_codes.USAGE, capsys, "no piano 'organ'")
    assert not capsys.readouterr().out, "nothing is scored before all is known to be there"

    def missing() -> None:
        raise scores.FileMissing("mir_eval is not installed")

    monkeypatch.setattr(scores, "require_mir_eval", missing)
    refused(evaluate(folders, mine), exit_codes.FILE, capsys, "mir_eval is not installed")
