"""Recordings with their notes, in the layouts of MAESTRO, MAPS and a plain folder, and what is wrong with some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.training_material import RATE, SMALL, scale, sine, write_midi

from diffroll_live.errors import FileError, FileMissing, RequestError
from diffroll_live.music.roll import RollGeometry
from diffroll_live.training.corpus.layouts import EDGES, LAYOUTS, TRANSCRIBER, takes
from diffroll_live.training.corpus.pairs import build_pairs, open_pairs
from diffroll_live.training.examples.batches import batch_of
from diffroll_live.training.examples.windows import Material, WindowMaker
from diffroll_live.training.runs.loop import train
from diffroll_live.training.runs.subjects import compact
from diffroll_live.training.runs.trainer import Schedule

SECONDS = 4.0


def write_pair(audio: Path, midi: Path, low: int = 60) -> None:
    """A performance of four seconds: its notes, and their sound."""
    rows = scale(SECONDS, low)
    sound = np.zeros(int((SECONDS + 1) * RATE), np.float32)
    for onset, offset, pitch, _ in rows:
        note = sine(pitch, offset - onset, 0.2)
        sound[int(onset * RATE) :][: len(note)] += note
    audio.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(audio, sound, RATE)
    write_midi(midi, rows)


def maestro(folder: Path) -> Path:
    lines = ["canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration"]
    for number, split in enumerate(("train", "validation", "test")):
        write_pair(folder / f"2004/{number}.wav", folder / f"2004/{number}.midi")
        lines.append(f'"A, B",C,{split},2004,2004/{number}.midi,2004/{number}.wav,5.0')
    (folder / "maestro-v3.0.0.csv").write_text("\n".join(lines) + "\n")
    return folder


def maps(folder: Path) -> Path:
    for piano in ("AkPnBcht", "ENSTDkCl"):
        stem = folder / piano / "MUS" / f"MAPS_MUS-scale_{piano}"
        write_pair(stem.with_suffix(".wav"), stem.with_suffix(".mid"))
        stem.with_suffix(".txt").write_text("OnsetTime\tOffsetTime\tMidiPitch\n")
        (folder / piano / "ISOL").mkdir()
    return folder


def labelled(folder: Path) -> Path:
    """Two recordings that a program has transcribed, one of them with its pedal."""
    lines = ["audio,labels,pedal,split"]
    for name, split, pedal in (("one", "train", "one.pedal.csv"), ("two", "valid", "")):
        write_pair(folder / f"{name}.flac", folder / f"{name}.mid")
        rows = [f"{on},{off},{pitch},{velocity}" for on, off, pitch, velocity in scale(SECONDS)]
        (folder / f"{name}.csv").write_text("\n".join(["onset_s,offset_s,midi_pitch,velocity", *rows]))
        lines.append(f"{name}.flac,{name}.csv,{pedal},{split}")
    (folder / "one.pedal.csv").write_text("onset_s,offset_s,cc\n2.0,3.0,64\n0.1,4.0,67\n")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return folder


def plain(folder: Path) -> Path:
    for name in NAMES:
        write_pair(folder / f"{name}.flac", folder / f"{name}.mid")
    return folder


NAMES = "abcdefghijko"  # of which o is for validation
WORDS = {"maestro": "maestro-", "maps": "PIANO/MUS", "plain": "no recordings"}  # what a refusal says
WRITERS: dict[str, Callable[[Path], Path]] = {
    "maestro": maestro,
    "maps": maps,
    "labelled": labelled,
    "plain": plain,
}
SPLITS = {
    "maestro": {"maestro/2004/0.midi": "train", "maestro/2004/1.midi": "valid", "maestro/2004/2.midi": "test"},
    "labelled": {"labelled/one.flac": "train", "labelled/two.flac": "valid"},
    "maps": {
        "maps/AkPnBcht/MAPS_MUS-scale_AkPnBcht": "train",
        "maps/ENSTDkCl/MAPS_MUS-scale_ENSTDkCl": "valid",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_read_and_trained_on(layout, tmp_path):
    folder, out = WRITERS[layout](tmp_path / "raw"), tmp_path / "recordings"
    assert build_pairs(takes(layout, folder), out, lambda name: None) == ()
    pairs = open_pairs(out)
    splits = dict(zip(pairs.corpus.names, pairs.corpus.splits, strict=True))
    assert splits == SPLITS.get(layout, splits)
    assert {"train", "valid"} <= set(splits.values())
    seconds = SECONDS + 1 - (sum(EDGES) if layout == "labelled" else 0)
    assert len(pairs.samples) == pytest.approx(len(splits) * seconds * 16_000, abs=3 * len(splits))
    material = Material(None, None, recordings=out, seconds=0.512)
    trainer = train(material, Schedule(1, batch=2), tmp_path / "run", subject=compact(SMALL), workers=0)
    assert trainer.step == 1


def test_notes_are_where_they_sound(tmp_path):
    build_pairs(takes("plain", plain(tmp_path / "raw")), tmp_path / "recordings", lambda name: None)
    still = Material(None, None, recordings=tmp_path / "recordings", seconds=2.048, augmentation=0.0, edge_share=0.0)
    maker, heard = WindowMaker(still), 0
    for number in range(5):
        window = maker.window(0, number)
        onset = batch_of([window], RollGeometry(16_000, 256), 2.048)["onset"][0].numpy()
        begins = [time for time, *_ in window.notes if 0.1 < time < 1.9]
        heard += len(begins)
        for time in begins:
            at = int(time * 16_000)
            assert np.abs(window.samples[at : at + 800]).max() > 4 * np.abs(window.samples[at - 400 : at - 80]).max()
            assert onset[:, round(time * 62.5)].any()
    assert heard > 5


def test_what_cannot_be_used_is_named_and_skipped(tmp_path):
    folder = plain(tmp_path / "raw")
    (folder / "a.flac").write_bytes(b"fLaC and no more")
    (folder / "b.mid").write_bytes(b"MThd and no more")
    write_midi(folder / "c.mid", [])
    (folder / "d.mid").unlink()
    write_midi(folder / "e.mid", scale(60))
    soundfile.write(folder / "f.flac", np.zeros(60 * RATE), RATE)
    (folder / "g.flac").unlink()
    broken = np.zeros(5 * RATE, np.float32)
    broken[100] = np.nan
    soundfile.write(folder / "g.wav", broken, RATE, subtype="FLOAT")
    skipped = build_pairs(takes("plain", folder), tmp_path / "recordings", lambda name: None)
    for sentence, words in zip(
        skipped,
        (
            "a.flac is not audio",
            "b.mid: It is damaged",
            "c.mid has no notes",
            "d.mid",
            "not the same performance",
            "not the same performance",
            "g",
        ),
        strict=True,
    ):
        assert words in sentence, sentence
    assert len(open_pairs(tmp_path / "recordings").corpus.names) == 5
    for path in folder.glob("*.mid"):
        path.unlink()
    before = (tmp_path / "recordings.pcm").read_bytes()
    with pytest.raises(FileError, match="None of the pairs"):
        build_pairs(takes("plain", folder), tmp_path / "recordings", lambda name: None)
    assert (tmp_path / "recordings.pcm").read_bytes() == before


def test_recordings_shorter_than_a_window_are_said(tmp_path):
    build_pairs(takes("plain", plain(tmp_path / "raw")), tmp_path / "recordings", lambda name: None)
    material = Material(None, None, recordings=tmp_path / "recordings", seconds=20.0)
    with pytest.raises(RequestError, match=r"as long as a window.*--seconds"):
        WindowMaker(material)
    with pytest.raises(RequestError, match="split 'test'"):
        WindowMaker(replace(material, seconds=1.0, split="test"))


@pytest.mark.parametrize(("layout", "words"), WORDS.items())
def test_a_folder_of_another_layout(layout, words, tmp_path):
    with pytest.raises(FileMissing, match=words):
        list(takes(layout, tmp_path))
    with pytest.raises(FileMissing):
        list(takes(layout, tmp_path / "gone"))


def test_a_table_that_is_damaged(tmp_path):
    folder = maestro(tmp_path)
    (folder / "maestro-v3.0.0.csv").write_text("split,midi_filename,audio_filename\ntrain,,x.wav\n")
    with pytest.raises(FileError, match="line 2"):
        list(takes("maestro", folder))


@pytest.mark.parametrize("suffix", [".pcm", ".npz", ".json"])
def test_damaged_recordings_are_refused(suffix, tmp_path):
    out = tmp_path / "recordings"
    build_pairs(takes("maps", maps(tmp_path / "raw")), out, lambda name: None)
    path = out.with_suffix(suffix)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileError, match=r"again|fit together"):
        open_pairs(out)
    path.unlink()
    with pytest.raises(FileMissing, match="diffroll-live prepare"):
        open_pairs(out)


def test_another_programs_labels_are_trusted_less_and_know_their_pedal(tmp_path):
    build_pairs(takes("labelled", labelled(tmp_path / "raw")), tmp_path / "recordings", lambda name: None)
    pairs = open_pairs(tmp_path / "recordings")
    assert pairs.trust.tolist() == [TRANSCRIBER] * 2
    one, two = pairs.corpus.piece(0), pairs.corpus.piece(1)
    assert one.pedal.tolist() == [[pytest.approx(2.0 - EDGES[0]), pytest.approx(3.0 - EDGES[0])]]
    assert one.notes[0, 0] == pytest.approx(0.45 - EDGES[0]), "what is over by then is left out"
    assert not len(two.pedal)
    material = Material(None, None, recordings=tmp_path / "recordings", seconds=3.0, augmentation=0.0)
    plan = WindowMaker(material).plan(0, 0)
    assert plan.trust == TRANSCRIBER
    assert plan.pedal is not None
    assert WindowMaker(replace(material, split="valid")).plan(0, 0).pedal is None, "nobody knows it"


@pytest.mark.parametrize(
    ("labels", "words"), [("x\n1,1,60,9\n", "does not end"), ("x\n", "notes of a piano"), ("x\n0,1,9,9", "of a piano")]
)
def test_labels_that_cannot_be_are_named(tmp_path, labels, words):
    folder = labelled(tmp_path / "raw")
    (folder / "one.csv").write_text(labels)
    (skipped,) = build_pairs(takes("labelled", folder), tmp_path / "recordings", lambda name: None)
    assert "one.csv" in skipped
    assert words in skipped
