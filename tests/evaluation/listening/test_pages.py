"""Pages of sounds: made in a fresh folder with nothing prepared, whole by themselves, answered in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.browser import chromium
from support.engines import float32_engine
from support.tiny import write_tiny_model

from diffroll_live.engine.engine import TorchEngine
from diffroll_live.errors import FileError, FileMissing
from diffroll_live.evaluation.listening import blind, examples, sounds
from diffroll_live.evaluation.listening.blind import HEARD, PAIRS, key_file, make_blind, trials
from diffroll_live.evaluation.listening.blind_scores import blind_scores, interval
from diffroll_live.evaluation.listening.page import make_page
from diffroll_live.evaluation.listening.pieces import FOLDER, score_of_midi, shipped_scores
from diffroll_live.files.midi_file import write_smf
from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.types import AudioBuffer, NoteEvent


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchEngine]:
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path
    yield from float32_engine(folder)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render with the built-in synth at a low rate, and show little."""
    monkeypatch.setattr(sounds, "sonify", lambda path, notes: soundfile.write(path, np.full(16_000, 0.1), 16_000))
    monkeypatch.setattr(examples, "EVALUATIONS", 2)
    monkeypatch.setattr(examples, "HEARD_BARS", 1)


def linked(page: Path) -> set[str]:
    return set(re.findall(r'src="([^"]+)"', page.read_text()))


@pytest.mark.slow
def test_the_scores_that_ship_are_whole_small_and_listed():
    listed = set(re.findall(r"^\| (\S+\.mid) \|", (FOLDER / "README.md").read_text(), re.MULTILINE))
    assert {path.name for path in FOLDER.glob("*.mid")} == listed
    for score in shipped_scores():
        assert score.split == "valid"
        assert len(score.bars) >= 32
        assert (FOLDER / f"{score.file}.mid").stat().st_size < 15_000
        assert (np.diff(score.bars[:, 0]) > 0).all()
        assert score.bars[0, 0] == 0


def test_a_score_is_read_in_its_bars(tmp_path):
    notes, meter = [NoteEvent(0.6, 1.2, 60, 90), NoteEvent(2.4, 3.0, 64, 80)], steady_meter(100.0, source="file")
    write_smf(tmp_path / "a.mid", notes, meter)
    score = score_of_midi(tmp_path / "a.mid")
    assert score.notes.tolist() == [[24, 24, 60, 90], [96, 24, 64, 80]]
    assert score.bars.tolist() == [[0, 4, 4], [96, 4, 4]]
    write_smf(tmp_path / "empty.mid", [], meter)
    write_smf(tmp_path / "unknown.mid", notes)
    for name in ("empty.mid", "unknown.mid"):
        with pytest.raises(FileError, match="has no notes, or no bars"):
            score_of_midi(tmp_path / name)


def test_notes_sound_as_loud_as_a_page_needs_and_are_encoded_for_browsers():
    audio = sounds.sounded([NoteEvent(0.0, 0.2, 60, 30)])
    assert np.abs(audio.samples).max() == pytest.approx(sounds.PEAK)
    coded = sounds.mp3(AudioBuffer("", audio.samples, audio.sample_rate))
    assert coded[:2] in (b"\xff\xfb", b"ID", b"\xff\xf3")
    assert len(coded) < 100_000


@pytest.mark.slow
def test_every_example_can_be_heard_and_seen_with_nothing_prepared(engine, soon, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = make_page(engine, tmp_path / "new" / "listen", lambda said: None)
    files = {path.name for path in page.parent.iterdir()} - {page.name}
    assert linked(page) == files
    count = len(shipped_scores())
    assert len([name for name in files if name.endswith(".png")]) == 4 * count
    assert [name for name in files if name.endswith(".gif")] == ["trajectory-1.gif"]
    assert len([name for name in files if name.endswith(".mp3")]) == (2 + 3 * 3) * count + 1
    assert not re.findall(r"https?://", page.read_text())


@pytest.mark.slow
def test_a_blind_test_is_held_in_a_browser_and_scored(engine, soon, tmp_path, monkeypatch):
    monkeypatch.setattr(blind, "EACH", 1)
    folder = tmp_path / "blind"
    page = make_blind(engine, shipped_scores(), folder, lambda said: None)
    key = json.loads(key_file(folder).read_text())
    assert key_file(folder).parent == tmp_path, "the key is not where the listener looks"
    assert len(key) == len(PAIRS)
    assert linked(page) == {path.name for path in folder.iterdir()} - {page.name}
    for writer in HEARD:
        assert writer not in page.read_text()
    with chromium() as browser:
        person = browser.new_page()
        problems: list[str] = []
        person.on("pageerror", lambda error: problems.append(str(error)))
        person.goto(page.as_uri())
        for one in key[:-1]:
            side = "A" if one["A"] == "what was composed" else "B"
            person.check(f'input[name="{one["passage"]}"][value="{side}"]')
        person.reload()
        with person.expect_download() as download:
            person.click("button")
        download.value.save_as(tmp_path / "answers.json")
        assert person.inner_text("output") == "Saved; 1 passages have no answer yet.", "a reload keeps the answers"
        assert problems == []
    rows = blind_scores(folder, [tmp_path / "answers.json"])
    assert sum(row["passages"] for row in rows) == len(key) - 1
    for row in rows:
        if row["writer"] == "what was composed":
            assert row["share"] == 1.0
            assert row["low"] < 1.0


def test_every_pair_is_heard_as_often_and_always_the_same():
    first, second = (list(trials(shipped_scores(), 2)) for _ in range(2))
    assert [trial.writers for trial in first] == [trial.writers for trial in second]
    pairs = [frozenset(trial.writers) for trial in first]
    assert {pairs.count(frozenset(pair)) for pair in PAIRS} == {2}
    assert {trial.writers[0] for trial in first} == set(HEARD), "each stands on both sides"


def test_answers_are_counted_with_their_interval(tmp_path):
    pairs = [("what was composed", "the program"), ("the program", "what was composed")]
    key = [{"passage": n, "A": a, "B": b} for n, (a, b) in enumerate(pairs)]
    (tmp_path / "page-key.json").write_text(json.dumps(key))
    for name, answers in (("a", {"0": "A", "1": "A"}), ("b", {"0": "neither"})):
        (tmp_path / f"{name}.json").write_text(json.dumps(answers))
    (row,) = blind_scores(tmp_path / "page", [tmp_path / "a.json", tmp_path / "b.json"])
    assert (row["writer"], row["other"], row["passages"]) == ("what was composed", "the program", 3)
    assert row["share"] == pytest.approx(0.5)
    assert interval(5.0, 10) == (pytest.approx(0.2366, abs=1e-3), pytest.approx(0.7634, abs=1e-3))


@pytest.mark.parametrize("text", ["[]", '{"9": "A"}', '{"0": "C"}', "no"])
def test_answers_to_another_page_are_refused(text, tmp_path):
    (tmp_path / "page-key.json").write_text(json.dumps([{"passage": 0, "A": HEARD[0], "B": HEARD[1]}]))
    (tmp_path / "answers.json").write_text(text)
    with pytest.raises(FileError):
        blind_scores(tmp_path / "page", [tmp_path / "answers.json"])


@pytest.mark.parametrize("text", ["{}", '[{"passage": 0, "A": "nobody", "B": "nobody"}]', '[{"A": 1}]'])
def test_what_is_no_key_is_refused(text, tmp_path):
    (tmp_path / "page-key.json").write_text(text)
    with pytest.raises(FileError, match="key"):
        blind_scores(tmp_path / "page", [])
    with pytest.raises(FileMissing, match="--blind"):
        blind_scores(tmp_path / "other", [])
