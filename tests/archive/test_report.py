"""The report of an archive, through crashes, odd names and other processes."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from support.full_disk import files_limited_to

from diffroll_live.archive.report import REPORT, Entry, Report
from diffroll_live.errors import FileError

DONE = Entry("a.wav", "done", "a.mid", 12, 20.5, 0.25, origin="0123", crc32="abcd")


def rows(folder: Path) -> list[list[str]]:
    with (folder / REPORT).open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        return list(csv.reader(stream))


def test_what_is_added_is_there_again(tmp_path):
    odd = [Entry(name, "failed", code="bad-audio", text='It "is", no') for name in ("a,b\nc.wav", "\udcff.wav", "é")]
    with Report.open(tmp_path / "out") as report:
        for entry in (DONE, *odd):
            report.add(entry)
    with Report.open(tmp_path / "out") as report:
        assert report.entries == {entry.recording: entry for entry in (DONE, *odd)}


def test_the_newest_row_counts_and_the_rest_goes_at_the_end(tmp_path):
    with Report.open(tmp_path) as report:
        report.add(Entry("b.wav", "failed", text="too bad"))
        report.add(DONE)
        report.add(Entry("b.wav", "done", "b.mid"))
        assert len(rows(tmp_path)) == 4
    assert [row[:3] for row in rows(tmp_path)[1:]] == [["a.wav", "done", "a.mid"], ["b.wav", "done", "b.mid"]]


def test_a_row_that_a_crash_cut_off_is_dropped(tmp_path):
    with Report.open(tmp_path) as report:
        report.add(DONE)
    whole = (tmp_path / REPORT).read_bytes()
    for cut in (b"b.wav,do", b'"b\r\n.wa', b"b.wav,done,b.mid\r\n", b'"b\r\n'):
        (tmp_path / REPORT).write_bytes(whole + cut)
        with Report.open(tmp_path) as report:
            assert report.entries == {"a.wav": DONE}


def test_another_process_is_kept_out_until_this_one_ends(tmp_path):
    code = (
        "import sys; from pathlib import Path; from diffroll_live.archive.report import Report\n"
        "Report.open(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], **pipes) as other:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(FileError, match="Another command works on"):
            Report.open(tmp_path)
        other.kill()
    Report.open(tmp_path).close()


@pytest.mark.parametrize("content", ["name,notes\na,12\n", "\x89PNG\n\n"])
def test_a_file_of_that_name_that_is_no_report_stays_as_it_is(tmp_path, content):
    (tmp_path / REPORT).write_text(content, newline="")
    with pytest.raises(FileError, match="not the report of an archive"):
        Report.open(tmp_path)
    assert (tmp_path / REPORT).read_text() == content


def test_a_damaged_report_is_refused(tmp_path):
    with Report.open(tmp_path) as report:
        report.add(DONE)
    (tmp_path / REPORT).write_text((tmp_path / REPORT).read_text().replace("12", "many"))
    with pytest.raises(FileError, match="is damaged"):
        Report.open(tmp_path)


def test_a_full_disk_is_said(tmp_path):
    report = Report.open(tmp_path)
    report.add(Entry("a.wav", "failed"))
    with files_limited_to(200), pytest.raises(FileError, match="make room"):
        report.add(Entry("b.wav", "failed", text="b" * 200))
    report.close()
    with Report.open(tmp_path) as report:
        assert "a.wav" in report.entries
