"""The command line, run in-process over a fake engine: outputs, JSON, exit codes, sentences."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.cli_engine import write_clip
from support.fake_engine import INFO, notes_of
from support.systems import pose_as

from diffroll_live import __version__, errors
from diffroll_live.cli import exit_codes, failures
from diffroll_live.cli.app import COMMANDS, app, run
from diffroll_live.errors import CheckpointError, DiffrollError
from diffroll_live.files.midi_file import read_smf, write_smf
from diffroll_live.music.roll import pitch_name
from diffroll_live.types import NoteEvent, Region


def test_transcribe_writes_the_notes(engine, clip, tmp_path, capsys):
    out = tmp_path / "out.mid"
    assert run(["transcribe", str(clip), "-o", str(out), "--seed", "3"]) == exit_codes.OK
    expected = notes_of(engine.plans[0], 0)
    assert [note.pitch for note in read_smf(out)] == [note.pitch for note in expected]
    assert f"{out}: {len(expected)} notes" in capsys.readouterr().out


def test_notes_that_go_to_stdout_are_all_that_is_there(engine, clip, tmp_path, capfdbinary):
    assert run(["transcribe", str(clip), "-o", "/dev/stdout"]) == exit_codes.OK
    printed = capfdbinary.readouterr()
    (tmp_path / "caught.mid").write_bytes(printed.out)
    assert len(read_smf(tmp_path / "caught.mid")) == len(notes_of(engine.plans[0], 0))
    assert printed.out.endswith(b"\xff\x2f\x00")
    assert b"notes in" in printed.err


def test_what_is_odd_about_a_recording_is_said(engine, tmp_path, capsys):
    soundfile.write(tmp_path / "silent.wav", np.zeros((16_000, 2)), 16_000)
    assert run(["transcribe", str(tmp_path / "silent.wav"), "-o", str(tmp_path / "out.mid")]) == exit_codes.OK
    assert capsys.readouterr().err.startswith("Warning: silent.wav: Nothing in it is audible")


def test_the_options_reach_the_engine(engine, clip, tmp_path):
    known = tmp_path / "known.mid"
    write_smf(known, [NoteEvent(0.5, 1.0, 60, 90), NoteEvent(1.0, 1.5, 61, 80)])
    words = "--region 0.5-1.0@C3-C5 --region 1.5-2.0 --hear --steps 7 --sampler ddim --guidance 0.5 --seed 9"
    words += " --temperature 1.5 --density 0.5 --threshold 0.4 --min-note 0.05 --quality best --variations 2"
    assert run(["inpaint", str(clip), "-o", str(tmp_path / "o.mid"), "--notes", str(known), *words.split()]) == 0
    plan = engine.plans[0]
    assert plan.regions == (Region(0.5, 1.0, 48, 72, True), Region(1.5, 2.0, 21, 108, True))
    assert [(note.pitch, note.velocity) for note in plan.kept] == [(61, 80)]
    options = plan.options
    assert (options.steps, options.sampler, options.guidance, options.seed) == (7, "ddim", 0.5, 9)
    assert (options.temperature, options.density, options.threshold, options.min_note) == (1.5, 0.5, 0.4, 0.05)
    assert (options.quality, options.variations) == ("best", 2)
    assert (tmp_path / "o-2.mid").is_file()


@pytest.mark.parametrize(("command", "hear"), [("transcribe", True), ("inpaint", False)])
def test_regions_are_heard_in_transcription_and_hidden_in_inpainting(engine, clip, tmp_path, command, hear):
    assert run([command, str(clip), "-o", str(tmp_path / "o.mid"), "--region", "0-1"]) == 0
    assert engine.plans[0].regions[0].hear is hear


def test_continue_and_generate_take_seconds(engine, clip, tmp_path):
    assert run(["continue", str(clip), "-o", str(tmp_path / "a.mid"), "--seconds", "3"]) == 0
    assert run(["generate", "-o", str(tmp_path / "b.mid"), "--seconds", "4", "--seed", "1"]) == 0
    continued, generated = engine.plans
    assert (continued.hidden, continued.audio.seconds) == ((Region(2.0, 5.0),), 2.0)
    assert (generated.hidden, generated.audio) == ((Region(0.0, 4.0),), None)


def test_json_is_one_document_on_stdout_and_nothing_else(engine, clip, capsys):
    assert run(["transcribe", str(clip), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["model"], document["device"]) == (INFO.name, INFO.device)
    (entry,) = document["results"]
    assert set(entry["timings"]) == {"frontend", "sample", "decode", "total"}
    first = notes_of(engine.plans[0], 0)[0]
    note = {"onset": first.onset, "offset": first.offset, "pitch": first.pitch, "name": pitch_name(first.pitch)}
    assert entry["variations"][0][0] == note | {"velocity": first.velocity, "channel": 0, "bend": []}


@pytest.mark.slow
def test_pictures_and_sound_are_written(engine, clip, tmp_path):
    outputs = {"--plot": "p.png", "--trajectory": "t.gif", "--sonify": "s.wav"}
    options = [word for option, name in outputs.items() for word in (option, str(tmp_path / name))]
    assert run(["transcribe", str(clip), "--json", *options]) == 0
    assert engine.plans[0].pictures == {"plot", "trajectory"}
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "t.gif").read_bytes().startswith(b"GIF8")
    assert soundfile.info(tmp_path / "s.wav").duration > 1.5


@pytest.mark.slow
def test_one_input_goes_into_a_folder_that_exists_or_ends_with_a_separator(engine, clip, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    new = tmp_path / "new"
    assert run(["transcribe", str(clip), "-o", str(there), "--plot", f"{new}/", "--variations", "2"]) == 0
    assert sorted(path.name for path in there.iterdir()) == ["clip-2.mid", "clip.mid"]
    assert [path.name for path in new.iterdir()] == ["clip.png"]


@pytest.mark.slow
def test_several_inputs_go_to_a_folder(engine, tmp_path, capsys):
    sources = [write_clip(tmp_path / name) for name in ("a.wav", "b.flac", "c.ogg")]
    folder = tmp_path / "notes"
    assert run(["transcribe", *map(str, sources), "-o", str(folder), "--plot", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["a.mid", "a.png", "b.mid", "b.png", "c.mid", "c.png"]


def test_one_bad_input_of_several_spoils_no_other(engine, clip, tmp_path, capsys):
    assert run(["transcribe", str(tmp_path / "none.wav"), str(clip), "-o", str(tmp_path / "d")]) == exit_codes.FILE
    assert (tmp_path / "d" / "clip.mid").is_file()
    assert "none.wav" in capsys.readouterr().err


def test_every_bad_input_is_told(engine, tmp_path, capsys):
    missing = [str(tmp_path / "none.wav"), str(tmp_path / "nothing.wav")]
    assert run(["transcribe", *missing, "-o", str(tmp_path / "d")]) == exit_codes.FILE
    error = capsys.readouterr().err
    assert all(path in error for path in missing)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ("transcribe CLIP", 2, "-o OUT.mid"),
        ("transcribe CLIP -o OUT --region 2-1", 2, "empty or reversed"),
        ("transcribe CLIP -o OUT --region 1-2@C9", 2, "not on the piano"),
        ("inpaint CLIP -o OUT", 2, "--region"),
        ("transcribe CLIP -o OUT --steps 0", 2, "--steps"),
        ("transcribe CLIP -o OUT --guidance nan", 2, "finite"),
        ("transcribe CLIP -o OUT --device tpu", 2, "tpu"),
        ("transcribe CLIP -o OUT --sampler euler", 2, "dpmpp-2m"),
        ("send generate -o OUT --sampler euler", 2, "dpmpp-2m"),
        ("generate -o OUT --tempo 0", 2, "--tempo"),
        ("generate -o OUT --tempo 10000", 2, "--tempo"),
        ("generate -o OUT --tempo nan", 2, "finite"),
        ("generate -o OUT --tempo 90 --meter 0/4", 2, "time signature"),
        ("generate -o OUT --tempo 90 --meter 4/3", 2, "time signature"),
        ("generate -o OUT --tempo 90 --beat-at -1", 2, "--beat-at"),
        ("send generate -o OUT --meter 3/4", 2, "--tempo"),
        ("transcribe CLIP CLIP -o OUT", 2, "Two inputs"),
        ("fly", 2, "fly"),
        ("transcribe NOWHERE/x.wav -o OUT", 3, "x.wav"),
        ("transcribe FOLDER -o OUT", 3, "folder"),
        ("transcribe TEXT -o OUT", 3, "not audio"),
        ("transcribe CLIP -o NOWHERE/out.mid", 3, "does not exist"),
        ("transcribe CLIP -o TEXT/", 3, "must be a folder"),
        ("transcribe CLIP -o OUT --sonify FOLDER", 3, "overwritten"),
        ("transcribe CLIP -o FOLDER/clip-2.wav --sonify CLIP", 3, "overwritten"),
        ("transcribe CLIP -o OUT --sonify OUT", 2, "one file"),
        ("transcribe CLIP -o OUT --sonify FOLDER/o.wav --plot FOLDER/O.WAV", 2, "one file"),
        ("inpaint CLIP -o OUT --region 0-1 --notes OUT", 3, "overwritten"),
        ("inpaint CLIP -o FOLDER/a.mid --region 0-1 --variations 2 --notes FOLDER/a-2.mid", 3, "overwritten"),
        ("generate -o FOLDER/a.mid --sonify FOLDER/a-2.mid --variations 2", 2, "one file"),
        ("generate -o FOLDER", 3, "is a folder"),
        ("generate -o NOWHERE/", 3, "is a folder"),
        ("inpaint CLIP -o OUT --region 0-1 --notes TEXT", 3, "text.wav"),
        ("import-checkpoint NOWHERE -o OUT", 3, "nowhere"),
        ("send transcribe CLIP -o OUT --port 1", 7, "diffroll-live serve"),
    ],
)
def test_bad_input_gets_a_sentence_and_an_exit_code(engine, clip, tmp_path, capsys, words, code, sentence):
    (tmp_path / "text.wav").write_text("not music")
    places = {"CLIP": clip, "OUT": tmp_path / "out.mid", "FOLDER": tmp_path, "NOWHERE": tmp_path / "nowhere"}
    places["TEXT"] = tmp_path / "text.wav"
    for word, path in places.items():
        words = words.replace(word, str(path))
    assert run(words.split()) == code
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert sentence in error


def test_an_error_of_the_engine_keeps_its_sentence(monkeypatch, engine, clip, tmp_path, capsys):
    def load(model, device, threads=None, warm=True):
        raise CheckpointError(f"There is no model {model!r}.")

    monkeypatch.setattr(sys.modules["diffroll_live.engine.loading"], "load_engine", load)
    assert run(["transcribe", str(clip), "-o", str(tmp_path / "o.mid"), "--model", "huge"]) == exit_codes.MODEL
    assert capsys.readouterr().err == "Error: There is no model 'huge'.\n"


def test_a_fault_of_ours_goes_to_the_log(monkeypatch, engine, clip, tmp_path, capsys):
    monkeypatch.setattr(failures, "log_path", lambda: tmp_path / "state" / "errors.log")
    monkeypatch.setattr(engine, "run", lambda request, control: 1 / 0)
    words = ["transcribe", str(clip), "-o", str(tmp_path / "o.mid")]
    assert run(words) == exit_codes.INTERNAL
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert str(tmp_path / "state" / "errors.log") in error
    assert "ZeroDivisionError" in (tmp_path / "state" / "errors.log").read_text()
    assert run(["--debug", *words]) == exit_codes.INTERNAL
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("system", "folder"),
    [("linux", ".local/state"), ("darwin", "Library/Logs"), ("win32", "AppData/Local")],
)
def test_the_log_lies_where_the_system_keeps_logs(system, folder, monkeypatch):
    pose_as(system, monkeypatch, "/home/ada")
    assert failures.log_path() == Path("/home/ada") / folder / "diffroll-live" / "errors.log"


def test_ctrl_c_is_130(monkeypatch, engine, clip, tmp_path):
    def interrupt(request, control):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "run", interrupt)
    assert run(["transcribe", str(clip), "-o", str(tmp_path / "o.mid")]) == exit_codes.INTERRUPTED


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), ["send", "inpaint"]])
def test_every_command_has_help(command, capsys):
    assert run([*command, "--help"]) == 0
    assert "Usage: diffroll-live" in capsys.readouterr().out


def test_the_table_of_commands_says_their_names():
    for name in COMMANDS:
        assert app.get_command(None, name).name == name  # type: ignore[union-attr, arg-type]


def test_every_error_has_an_exit_code():
    def leaves(kind):
        return {kind.code}.union(*(leaves(child) for child in kind.__subclasses__()))

    assert leaves(DiffrollError) == set(exit_codes.BY_ERROR)
    assert set(exit_codes.BY_ERROR.values()) <= set(exit_codes.MEANINGS)
    assert errors.DiffrollError is DiffrollError


def test_help_imports_nothing_heavy():
    heavy = ("torch", "matplotlib", "numpy", "rtmidi", "sounddevice")
    code = "import sys; from diffroll_live.cli.app import run; run(['--help'])"
    code += f"; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


PROGRAM = Path(sys.executable).with_name("diffroll-live" + (".exe" if os.name == "nt" else ""))


def test_a_reader_that_has_enough_is_no_fault():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([PROGRAM, "--help"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_installed_program_runs():
    done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"diffroll-live, version {__version__}"
