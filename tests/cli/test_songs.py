"""MIDI files in place of recordings: what the command line makes of them, and what it says where they do not fit."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from support.songs import BAR, PPQ, conductor, drums, events_of, note, piano, strings, write_song

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.files.midi_file import read_smf
from diffroll_live.types import Region


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_song(tmp_path / "song.mid")


def changed(before: Path, after: Path) -> list[tuple[int, int]]:
    """How many events of each track are gone, and how many are new."""
    pairs = zip(events_of(before), events_of(after), strict=True)
    return [((Counter(a) - Counter(b)).total(), (Counter(b) - Counter(a)).total()) for a, b in pairs]


@pytest.mark.parametrize("kind", [0, 1])
def test_a_song_is_filled_on_one_track_and_the_rest_is_the_same(engine, tmp_path, capsys, kind):
    song, out = write_song(tmp_path / "song.mid", kind=kind), tmp_path / "out.mid"
    words = ["inpaint", str(song), "--region", "8-12", "-o", str(out)]
    assert run(words if kind else [*words, "--track", "1:1"]) == exit_codes.OK
    (plan,) = engine.plans
    assert plan.audio is None
    assert plan.regions == plan.hidden == (Region(8.0, 12.0),)
    assert {kept.channel for kept in plan.kept} == {0, 2, 3}, "drums are no pitched context"
    assert {kept.channel for kept in plan.locked} == {2, 3}
    assert [kept for kept in plan.kept if kept.channel == 0 and 8.0 <= kept.onset < 12.0] == []
    assert (plan.meter.source, round(plan.meter.tempo.tempo_at(0.0))) == ("file", 100)
    track = 1 if kind else 0
    counts = changed(song, out)
    assert counts[track][0] > 0
    assert counts[track][1] > 0
    assert all(count == (0, 0) for n, count in enumerate(counts) if n != track)
    where = "track 2 'Piano', channel 1" if kind else "track 1 'Sonata', channel 1"
    assert f"the new ones on {where}" in capsys.readouterr().out


def test_a_song_goes_on_where_its_last_note_ends(engine, song, tmp_path):
    out = tmp_path / "out.mid"
    assert run(["continue", str(song), "-o", str(out), "--seconds", "4", "--track", "Strings:4"]) == exit_codes.OK
    (plan,) = engine.plans
    end = plan.meter.tempo.position_at(8 * BAR / 480)
    assert plan.regions == (Region(pytest.approx(end), pytest.approx(end + 4.0)),)
    assert {kept.channel for kept in plan.locked} == {0, 2}
    new = Counter(events_of(out)[2]) - Counter(events_of(song)[2])
    assert {text.split()[1] for _, text in new} == {"channel=3"}


def test_every_variation_is_a_song_and_the_document_has_the_channels(engine, song, tmp_path, capsys):
    out = tmp_path / "out.mid"
    assert run(["inpaint", str(song), "--region", "8-12", "-o", str(out), "--variations", "2", "--json"]) == 0
    assert [changed(song, path)[0] for path in (out, tmp_path / "out-2.mid")] == [(0, 0), (0, 0)]
    assert events_of(out) != events_of(tmp_path / "out-2.mid")
    (entry,) = json.loads(capsys.readouterr().out)["results"]
    assert entry["grid"]["source"] == "file"
    assert {len(notes) for notes in entry["variations"]} == {len(read_smf(out)) - 128}
    assert {note["channel"] for note in entry["variations"][0]} == {0, 2, 3}


@pytest.mark.slow
def test_pictures_and_sound_of_a_song(engine, song, tmp_path):
    files = {flag: tmp_path / f"o.{suffix}" for flag, suffix in
             (("--plot", "png"), ("--trajectory", "gif"), ("--sonify", "wav"), ("-o", "mid"))}  # fmt: skip
    words = [word for flag, path in files.items() for word in (flag, str(path))]
    assert run(["inpaint", str(song), "--region", "2-4", *words]) == exit_codes.OK
    assert all(path.stat().st_size > 1000 for path in files.values())
    assert soundfile.info(files["--sonify"]).duration > read_smf(song)[-1].onset


def test_what_the_command_line_says_of_bars_counts_for_a_song_too(engine, song, tmp_path):
    words = ["inpaint", str(song), "--region", "2-4", "-o", str(tmp_path / "o.mid"), "--tempo", "90"]
    assert run(words) == exit_codes.OK
    assert engine.plans[0].meter.source == "given"
    assert changed(song, tmp_path / "o.mid")[0] == (0, 0), "the file keeps its own tempo"


def test_a_song_and_a_recording_in_one_command(engine, clip, song, tmp_path):
    assert run(["inpaint", str(song), str(clip), "--region", "0.5-1", "-o", f"{tmp_path / 'out'}/"]) == exit_codes.OK
    assert [plan.audio is None for plan in engine.plans] == [True, False]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["clip.mid", "song.mid"]


def test_a_midi_file_is_known_by_its_bytes(engine, song, tmp_path):
    other = tmp_path / "song.wav"
    song.rename(other)
    assert run(["inpaint", str(other), "--region", "2-4", "-o", str(tmp_path / "o.mid")]) == exit_codes.OK
    assert engine.plans[0].audio is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ("transcribe SONG", exit_codes.FILE, "song.mid is MIDI already, so there is nothing to transcribe"),
        ("inpaint SONG --region 2-4 --hear", exit_codes.USAGE, "--hear goes with a recording"),
        ("inpaint SONG --region 2-4 --start 1", exit_codes.USAGE, "song.mid is MIDI, and read whole"),
        ("inpaint SONG --region 2-4 --duration 1", exit_codes.USAGE, "song.mid is MIDI, and read whole"),
        ("inpaint SONG --region 2-4 --notes SONG", exit_codes.USAGE, "song.mid has notes of its own"),
        ("inpaint SONG --region 2-4 --track 9", exit_codes.USAGE, "has no pitched track '9'. Its tracks: track 1"),
        ("inpaint SONG --region 2-4 --track Drums", exit_codes.USAGE, "has no pitched track 'Drums'"),
        ("inpaint CLIP --region 1-2 --track 1", exit_codes.USAGE, "clip.wav is a recording"),
        ("inpaint SONG --region 0-700", exit_codes.USAGE, "at most 600 s fit in one job"),
        ("inpaint NONE --region 0-1", exit_codes.FILE, "There is no file"),
        ("inpaint BROKEN --region 0-1", exit_codes.FILE, "It is not a MIDI file"),
        ("inpaint DRUMS --region 0-1", exit_codes.USAGE, "drums.mid has no notes to go by but drums"),
    ],
)
def test_what_does_not_fit_a_song_is_said(engine, song, clip, tmp_path, capsys, words, code, sentence):
    write_song(tmp_path / "drums.mid", conductor(), drums())
    (tmp_path / "broken.mid").write_bytes(b"nothing")
    names = {"SONG": song, "CLIP": clip, "NONE": tmp_path / "none.mid", "BROKEN": tmp_path / "broken.mid",
             "DRUMS": tmp_path / "drums.mid"}  # fmt: skip
    given = [str(names.get(word, word)) for word in words.split()]
    assert run([*given, "-o", str(tmp_path / "o.mid")]) == code
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "o.mid").exists()


def test_a_file_without_a_tempo_is_no_grid(engine, clip, tmp_path):
    known = write_song(tmp_path / "known.mid", piano())
    assert run(["inpaint", str(clip), "--region", "0.5-1", "--notes", str(known), "-o", str(tmp_path / "o.mid")]) == 0
    assert run(["inpaint", str(known), "--region", "0.5-1", "-o", str(tmp_path / "o.mid")]) == 0
    assert [plan.meter for plan in engine.plans] == [None, None]


@pytest.mark.slow
def test_ten_thousand_notes_and_notes_outside_the_piano(engine, tmp_path):
    many = [event for at in range(10_000) for event in note(at * 60, 60, 40 + at % 40)]
    switches = [event for at in range(8) for event in note(at * BAR, 40, 4 + at)]
    song, out = write_song(tmp_path / "song.mid", conductor(), many + switches, strings()), tmp_path / "o.mid"
    assert run(["inpaint", str(song), "--region", "8-12", "-o", str(out), "--track", "2"]) == exit_codes.OK
    (plan,) = engine.plans
    assert len(plan.kept) > 9000
    gone = Counter(events_of(song)[1]) - Counter(events_of(out)[1])
    assert not [text for _, text in gone if int(text.split()[2].removeprefix("note=")) < 21], "key switches stay"


def test_a_meter_of_nothing_in_a_song_is_no_meter(engine, tmp_path):
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1), *(message for _, message in note(0, 480, 60))])
    mido.MidiFile(tracks=[track]).save(tmp_path / "song.mid")
    assert run(["inpaint", str(tmp_path / "song.mid"), "--region", "0.5-1", "-o", str(tmp_path / "o.mid")]) == 0
    assert engine.plans[0].meter is None
    assert np.isfinite([kept.offset for kept in engine.plans[0].kept]).all()


@pytest.mark.parametrize(
    "odd",
    [
        mido.MetaMessage("time_signature", numerator=0, denominator=4),
        mido.MetaMessage("time_signature", numerator=255, denominator=4),
        mido.MetaMessage("set_tempo", tempo=0),
        mido.MetaMessage("set_tempo", tempo=6_000),  # ten thousand beats a minute
        mido.MetaMessage("set_tempo", tempo=16_777_215),
    ],
    ids=str,
)
@pytest.mark.parametrize("tick", [0, 2 * BAR])
def test_a_song_whose_tempo_map_no_music_has_is_filled_on_an_estimate(engine, tmp_path, odd, tick):
    song, out = write_song(tmp_path / "song.mid", [*conductor(), (tick, odd)], piano()), tmp_path / "o.mid"
    assert run(["inpaint", str(song), "--region", "8-12", "-o", str(out)]) == exit_codes.OK
    assert engine.plans[0].meter is None
    lost, new = changed(song, out)[1]
    assert lost < len(events_of(song)[1]) / 2
    assert new > 0
    assert changed(song, out)[0] == (0, 0)


def test_notes_beyond_the_piano_stay_in_the_song(engine, tmp_path):
    beyond = [*note(BAR, PPQ, 3), *note(BAR, PPQ, 125)]
    song, out = write_song(tmp_path / "song.mid", conductor(), [*piano(), *beyond]), tmp_path / "o.mid"
    assert run(["inpaint", str(song), "--region", "0-12", "-o", str(out)]) == exit_codes.OK
    left = [event for event in events_of(out)[1] if event in events_of(song)[1]]
    assert sum(any(f"note={pitch} " in str(event) for pitch in (3, 125)) for event in left) == 4


@pytest.mark.parametrize("region", ["8.37-9.91", "500-504", "300-900"])
def test_a_song_of_ten_thousand_notes_is_filled_wherever_one_likes(engine, tmp_path, region):
    many = [event for at in range(10_000) for event in note(at * PPQ // 16, PPQ // 32, 30 + at % 60)]
    song, out = write_song(tmp_path / "song.mid", conductor(), many), tmp_path / "o.mid"
    assert run(["inpaint", str(song), "--region", region, "-o", str(out)]) == exit_codes.OK
    assert len(engine.plans[0].kept) > (7000 if region == "300-900" else 9900)
