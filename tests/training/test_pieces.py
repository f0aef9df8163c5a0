"""MIDI files to a corpus: what is read, what is skipped and why, and the notes that are made by rule."""

from __future__ import annotations

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.training_material import Folders, scale, write_manifest, write_midi

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH
from diffroll_live.training.corpus import midi_reading
from diffroll_live.training.corpus.midi_reading import _read_or_reason, build_corpus, read_piece
from diffroll_live.training.corpus.pieces import open_corpus
from diffroll_live.training.corpus.procedural import MAKERS

pytest_plugins = ["support.training_fixtures"]


def test_notes_and_pedal_are_read(tmp_path):
    rows = [(0.0, 0.5, 60, 90), (0.25, 1.0, 64, 50), (1.0, 1.5, 60, 70)]
    piece = read_piece(write_midi(tmp_path / "a.mid", rows, [(0.4, 0.9), (1.2, 2.0)]))
    assert piece.notes == pytest.approx(np.array(rows), abs=1e-3)
    assert piece.pedal == pytest.approx(np.array([(0.4, 0.9), (1.2, 2.0)]), abs=1e-3)


def test_a_key_struck_while_it_is_down_ends_its_note(tmp_path):
    track = mido.MidiTrack(
        [
            mido.Message("note_on", note=60, velocity=80),
            mido.Message("note_on", note=60, velocity=40, time=480),
            mido.Message("note_on", note=60, velocity=0, time=480),
            mido.Message("note_off", note=60, time=480),
        ]
    )
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(tmp_path / "a.mid")
    assert read_piece(tmp_path / "a.mid").notes.tolist() == [[0.0, 0.5, 60, 80], [0.5, 1.0, 60, 40]]


def test_notes_outside_the_piano_are_left_out(tmp_path):
    path = write_midi(tmp_path / "a.mid", [(0.0, 1.0, 5, 90), (0.0, 1.0, 60, 90), (0.0, 1.0, 120, 90)])
    assert read_piece(path).notes[:, 2].tolist() == [60]


def test_what_cannot_be_used_is_skipped_with_a_sentence(folders: Folders):
    assert len(folders.skipped) == 3
    empty, broken, gone = folders.skipped
    assert empty.endswith("empty.mid has no notes for a piano.")
    assert "broken.mid: It is damaged" in broken
    assert "gone.mid cannot be read as MIDI" in gone


def test_too_many_notes_are_no_music(tmp_path, monkeypatch):
    monkeypatch.setattr(midi_reading, "MAX_NOTES", 20)
    write_midi(tmp_path / "a.mid", scale(9))
    assert len(read_piece(tmp_path / "a.mid").notes) == 20
    with pytest.raises(FileError, match="more than 20 notes"):
        read_piece(write_midi(tmp_path / "b.mid", scale(12)))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_piece_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.mid"
    path.write_bytes(b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60MTrk" + data)
    read = _read_or_reason(path)
    assert "any.mid" in read if isinstance(read, str) else len(read.notes)


def test_the_corpus_holds_every_piece(folders: Folders):
    corpus = open_corpus(folders.work / "corpus")
    assert corpus.names == ("plain/a.mid", "plain/b.mid", "pedalled/c.mid", "plain/valid.mid")
    assert corpus.pieces("train") == (0, 1, 2)
    assert corpus.pieces("valid") == (3,)
    assert [corpus.collection(index) for index in range(4)] == ["plain", "plain", "pedalled", "plain"]
    assert corpus.piece(0).notes == pytest.approx(np.array(scale(30)), abs=1e-3)
    assert [len(corpus.piece(index).pedal) for index in range(4)] == [0, 0, 15, 0]


def test_a_window_of_a_piece_is_on_its_own_time(folders: Folders):
    corpus = open_corpus(folders.work / "corpus")
    whole, part = corpus.piece(2), corpus.window(2, 10.0, 5.0)
    sounding = (whole.notes[:, 1] > 10) & (whole.notes[:, 0] < 15)
    assert part.notes[:, 0] == pytest.approx(whole.notes[sounding, 0] - 10)
    assert part.notes[:, 1] == pytest.approx(whole.notes[sounding, 1] - 10)
    assert part.pedal == pytest.approx(np.array([(0.1, 1.9), (2.1, 3.9), (4.1, 5.9)]), abs=1e-3)
    part.notes[:] = 0
    assert corpus.window(2, 10.0, 5.0).notes.any(), "a window is a copy"


@pytest.mark.slow
def test_a_folder_without_a_usable_file_is_refused(tmp_path):
    write_midi(tmp_path / "a.mid", [])
    write_manifest(tmp_path, ("file", "split"), [("a.mid", "train")])
    with pytest.raises(FileError, match=r"None of the 1 files .*a\.mid has no notes"):
        build_corpus(tmp_path, tmp_path / "corpus", lambda done, of: None, processes=1)
    write_manifest(tmp_path, ("file",), [("a.mid",)])
    with pytest.raises(FileError, match="lacks the column 'split'"):
        build_corpus(tmp_path, tmp_path / "corpus", lambda done, of: None)
    assert not list(tmp_path.glob("corpus*"))


def test_a_corpus_that_was_not_built_or_is_damaged(folders: Folders, tmp_path):
    with pytest.raises(FileMissing, match="diffroll-live prepare"):
        open_corpus(tmp_path / "corpus")
    whole = (folders.work / "corpus.npz").read_bytes()
    for damaged in (b"", b"no zip", whole[:-50]):
        (tmp_path / "corpus.npz").write_bytes(damaged)
        with pytest.raises(FileError, match="build it again"):
            open_corpus(tmp_path / "corpus")


@pytest.mark.parametrize("name", MAKERS)
def test_rules_make_notes_that_a_piano_can_play(name):
    counts = []
    for seed in range(40):
        seconds = 2.0 + seed / 4
        rows = MAKERS[name](np.random.default_rng(seed), seconds)
        counts.append(len(rows) / seconds)
        assert rows.shape[1:] == (4,)
        assert np.isfinite(rows).all()
        onset, offset, pitch, velocity = rows.T
        assert ((onset > -0.1) & (onset < seconds + 0.1)).all()
        assert (offset - onset >= 0.039).all()
        assert (pitch == np.rint(pitch)).all()
        assert ((pitch >= LOW_PITCH) & (pitch <= HIGH_PITCH)).all()
        assert ((velocity >= 8) & (velocity <= 127)).all()
    assert np.median(counts) > 1


@pytest.mark.parametrize("name", MAKERS)
def test_rules_follow_their_seed(name):
    first, again, other = (MAKERS[name](np.random.default_rng(seed), 8.0) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
