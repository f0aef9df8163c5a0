"""The processes of an archive: each recording is answered once, whatever dies."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from support.archives import DIES, DIES_ONCE, FAILS, QUICK, SHORT, ArchiveEngineFactory, item, record
from support.fake_engine import make_fatal_engine, make_no_engine

from diffroll_live.archive.items import Answer
from diffroll_live.archive.pool import Pool, Work
from diffroll_live.errors import CheckpointError, InternalError

pytestmark = pytest.mark.slow


def answers(folder: Path, processes: int, lengths: list[float]) -> dict[str, Answer]:
    before = set(multiprocessing.active_children())
    items = [item(record(folder / f"{number}.wav", seconds)) for number, seconds in enumerate(lengths)]
    found = list(Pool(Work(ArchiveEngineFactory(folder), QUICK, 100.0), processes).answers(items))
    assert len({answer.name for answer in found}) == len(found) == len(items)
    assert set(multiprocessing.active_children()) <= before
    return {answer.name: answer for answer in found}


def test_each_recording_is_answered_once_and_a_bad_one_is_one_answer(tmp_path):
    lengths = [1.0, FAILS, 1.0, SHORT, DIES, DIES_ONCE, 200.0, 1.0]
    found = answers(tmp_path, 2, lengths)
    codes = [getattr(found[f"{number}.wav"], "code", "done") for number in range(len(lengths))]
    assert codes == ["done", "internal", "done", "out-of-memory", "internal", "done", "too-large", "done"]
    assert "SIGKILL" in found["4.wav"].text
    assert found["0.wav"].files == found["2.wav"].files
    assert found["0.wav"].seconds == 1.0


def test_there_are_no_more_processes_than_recordings(tmp_path):
    answers(tmp_path, 16, [1.0])


def test_without_a_model_there_is_an_error(tmp_path):
    before = set(multiprocessing.active_children())
    items = [item(record(tmp_path / f"{number}.wav")) for number in range(3)]
    with pytest.raises(CheckpointError, match="no model called"):
        list(Pool(Work(make_no_engine, QUICK, 100.0), 2).answers(items))
    with pytest.raises(InternalError, match="while it loaded the model"):
        list(Pool(Work(make_fatal_engine, QUICK, 100.0), 2).answers(items))
    assert set(multiprocessing.active_children()) <= before


def test_whoever_stops_listening_leaves_no_process(tmp_path):
    before = set(multiprocessing.active_children())
    items = [item(record(tmp_path / f"{number}.wav")) for number in range(8)]
    found = Pool(Work(ArchiveEngineFactory(tmp_path), QUICK, 100.0), 2).answers(items)
    next(found)
    found.close()
    assert set(multiprocessing.active_children()) <= before
