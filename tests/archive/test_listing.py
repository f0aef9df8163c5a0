"""What an archive has: a folder's recordings, a manifest's, and a place of its own for the notes of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.archives import record

from diffroll_live.archive.listing import list_archive
from diffroll_live.errors import FileError, FileMissing


def places(archive: Path) -> dict[str, str]:
    items, unusable = list_archive(archive)
    assert not unusable
    return {item.name: item.midi for item in items}


def test_a_folder_has_the_recordings_in_it_and_below_it(tmp_path):
    for name in ("b.wav", "a/c.FLAC", "a/d.mp3", "a/notes.mid", "a/read me.txt", ".hidden/e.ogg"):
        record(tmp_path / name)
    assert list(places(tmp_path).items()) == [
        ("b.wav", "b.mid"),
        (".hidden/e.ogg", ".hidden/e.mid"),
        ("a/c.FLAC", "a/c.mid"),
        ("a/d.mp3", "a/d.mid"),
    ]


def test_links_to_folders_lead_nowhere(tmp_path):
    record(tmp_path / "a" / "b.wav")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert len(places(tmp_path)) == 1


def test_recordings_whose_notes_could_be_taken_for_each_others_keep_their_whole_names(tmp_path):
    for name in ("a.wav", "A.flac", "b.wav", "c.wav", "c.wav.flac", "x/a.wav", "e\u0301.wav", "\u00e9.flac"):
        record(tmp_path / name)
    found = places(tmp_path)
    assert found["a.wav"] == "a.wav.mid"
    assert found["A.flac"] == "A.flac.mid"
    assert found["b.wav"] == "b.mid"
    assert found["c.wav"] == "c.mid"
    assert found["c.wav.flac"] == "c.wav.flac.mid"
    assert found["e\u0301.wav"] == "e\u0301.wav.mid"
    assert len({place.casefold() for place in found.values()}) == len(found)


def test_a_manifest_lists_paths_from_its_own_folder(tmp_path):
    for name in ("lists/a.wav", "other/b.wav", "notes.mid"):
        record(tmp_path / name)
    manifest = tmp_path / "lists" / "all.csv"
    rows = ["a.wav", "../other/b.wav", str(tmp_path / "other" / "b.wav"), "", "../notes.mid"]
    manifest.write_text("\ufeffcomposer,audio\n" + "".join(f'"Bach, J. S.",{row}\n' for row in rows), encoding="utf-8")
    outside = str((tmp_path / "other" / "b").relative_to("/"))
    notes = str((tmp_path / "notes.mid").relative_to("/"))
    assert places(manifest) == {"a.wav": "a.mid", f"{outside}.wav": f"{outside}.mid", notes: f"{notes}.mid"}


def test_what_a_manifest_names_and_is_not_there_is_said_and_no_more(tmp_path):
    record(tmp_path / "a.wav")
    (tmp_path / "all.csv").write_text("audio\na.wav\nb.wav\nc\0.wav\n")
    items, unusable = list_archive(tmp_path / "all.csv")
    assert [item.name for item in items] == ["a.wav"]
    assert [(one.name, one.code) for one in unusable] == [("b.wav", "file-not-found"), ("c\0.wav", "file-not-found")]
    assert "No such file" in unusable[0].text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("file\na.wav\n", "no column 'audio'"), ("", "no column"), ("audio\n", "has no recordings")],
)
def test_a_manifest_that_lists_nothing_is_refused(tmp_path, content, sentence):
    (tmp_path / "all.csv").write_text(content)
    with pytest.raises(FileError, match=sentence):
        list_archive(tmp_path / "all.csv")


def test_a_place_without_recordings_is_refused(tmp_path):
    with pytest.raises(FileError, match="has no recordings"):
        list_archive(tmp_path)
    with pytest.raises(FileMissing, match="There is no"):
        list_archive(tmp_path / "nothing")
