"""Which recordings are left, and that nobody's files are overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.archives import item, record
from support.full_disk import files_limited_to

from diffroll_live.archive.items import Transcribed, Untranscribed
from diffroll_live.archive.report import Report
from diffroll_live.archive.results import Results
from diffroll_live.errors import FileError
from diffroll_live.types import Options

Open = Callable[..., Iterator[Results]]


def answer(notes: bytes = b"notes", *others: bytes) -> Transcribed:
    return Transcribed("a.wav", (notes, *others), 3, 1.0, 0.1)


@pytest.fixture
def results(tmp_path: Path) -> Open:
    @contextmanager
    def opened(model: str = "f00d", **options: object) -> Iterator[Results]:
        with Report.open(tmp_path / "out") as report:
            yield Results(tmp_path / "out", report, model, Options(**options))

    return opened


@pytest.fixture
def take(tmp_path: Path):
    return item(record(tmp_path / "a.wav"))


def test_what_is_done_is_not_left(results, take):
    with results() as one:
        assert one.left([take]) == [take]
        assert one.keep(take, answer()).state == "done"
        assert (one.folder / "a.mid").read_bytes() == b"notes"
    with results() as again:
        assert again.left([take]) == []


@pytest.mark.parametrize("change", [{"size": 1}, {"changed": 1}])
def test_a_changed_recording_is_left_and_takes_the_place_of_its_older_notes(results, take, change):
    with results() as one:
        one.keep(take, answer())
        other = replace(take, **change)
        assert one.left([other]) == [other]
        assert one.keep(other, answer(b"others")).state == "done"
        assert (one.folder / "a.mid").read_bytes() == b"others"
        assert one.left([take, other]) == [take]


def test_another_model_or_other_options_do_it_again(results, take):
    with results() as one:
        one.keep(take, answer())
    for other in ({"model": "beef"}, {"quality": "best"}, {"min_note": 0.1}):
        with results(**other) as one:
            assert one.left([take]) == [take], other


def test_a_lost_file_of_notes_is_made_again(results, take):
    with results(variations=2) as one:
        one.keep(take, answer(b"1", b"2"))
        assert one.left([take]) == []
        (one.folder / "a-2.mid").unlink()
        assert one.left([take]) == [take]
        one.keep(take, answer(b"1", b"2"))
        assert (one.folder / "a-2.mid").read_bytes() == b"2"


def test_a_failed_recording_is_left_and_its_older_notes_stay(results, take):
    with results() as one:
        one.keep(take, answer())
        changed = replace(take, size=1)
        assert one.keep(changed, Untranscribed("a.wav", "bad-audio", "It is bad.")).text == "It is bad."
        assert one.left([changed]) == [changed]
        assert (one.folder / "a.mid").read_bytes() == b"notes"
    with results() as again:
        assert again.keep(take, answer(b"better")).state == "done"


def test_a_file_that_somebody_else_wrote_stays(results, take):
    with results() as one:
        (one.folder / "a.mid").write_bytes(b"mine")
        entry = one.keep(take, answer())
        assert (entry.state, entry.code) == ("failed", "file-refused")
        assert "move it away" in entry.text
        assert (one.folder / "a.mid").read_bytes() == b"mine"


def test_notes_that_somebody_has_edited_stay(results, take):
    with results() as one:
        one.keep(take, answer())
        (one.folder / "a.mid").write_bytes(b"edited")
        assert one.left([take]) == []
        assert one.keep(replace(take, size=1), answer(b"new")).state == "failed"
        assert (one.folder / "a.mid").read_bytes() == b"edited"


def test_notes_whose_row_a_crash_has_lost_are_known_by_what_they_are(results, take):
    with results() as one:
        (one.folder / "a.mid").write_bytes(b"notes")
        assert one.keep(take, answer()).state == "done"


def test_one_place_that_cannot_be_written_is_one_row(results, take):
    with results() as one:
        (one.folder / "sub").write_text("a file, no folder")
        entry = one.keep(replace(take, midi="sub/a.mid"), answer())
        assert (entry.state, entry.code) == ("failed", "file-refused")


def test_a_full_disk_ends_the_work(results, take):
    with results() as one, files_limited_to(1000), pytest.raises(FileError, match="free some space"):
        one.keep(take, answer(b"x" * 100_000))
    with results() as again:
        assert again.left([take]) == [take]
