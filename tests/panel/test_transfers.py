"""Recordings and MIDI files of a page: there and back, and a sentence for what is neither."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest
from support.paths import EXAMPLES

from diffroll_live.files.midi_file import write_smf
from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.panel.folder import MAX_KEPT
from diffroll_live.types import NoteEvent

NOTES = [[60, 0.0, 0.5, 90], [64, 0.25, 1.0, 70]]


def load(served, page, body: bytes, name: str) -> list:
    status, answer, _ = served.request("POST", f"/audio?name={name}", body)
    assert status == 200, answer
    page.send("/diffroll/audio/file", "take", json.loads(answer)["path"])
    return page.expect("/diffroll/audio/ready")


def test_a_recording_goes_up_and_comes_back_as_wav(served, make_wav, tmp_path):
    sent = make_wav(tmp_path / "a.wav").read_bytes()
    with served.page("c" * 16) as page:
        assert load(served, page, sent, "a.wav") == ["take", 2.0, 16_000]
    status, body, _ = served.request("GET", f"/audio?session={'c' * 16}&buffer=take")
    assert status == 200
    with wave.open(io.BytesIO(body)) as back, wave.open(io.BytesIO(sent)) as there:
        assert (back.getframerate(), back.getnframes()) == (16_000, 32_000)
        heard = np.frombuffer(back.readframes(32_000), np.int16).astype(int)
        played = np.frombuffer(there.readframes(32_000), np.int16).astype(int)
    assert np.abs(heard - played).max() <= 1


def test_the_shipped_clip_is_there(served, page):
    status, body, _ = served.request("POST", "/clip")
    assert status == 200
    page.send("/diffroll/audio/file", "clip", json.loads(body)["path"])
    assert page.expect("/diffroll/audio/ready")[1] > 10


@pytest.mark.parametrize("name", ["a.txt", "", "a.wav.exe", "..", "a.mid"])
def test_what_is_no_recording_is_refused_with_a_sentence(served, name):
    status, body, _ = served.request("POST", f"/audio?name={name}", b"x")
    assert status == 400
    assert json.loads(body)["text"].endswith(".")


def test_only_the_newest_uploads_are_kept(served):
    for _ in range(MAX_KEPT["audio"] + 3):
        assert served.request("POST", "/audio?name=a.wav", b"x")[0] == 200
    assert len(list((served.panel.folder.path / "audio").iterdir())) == MAX_KEPT["audio"]


def test_notes_go_out_as_the_file_that_any_client_gets(served, page, tmp_path):
    status, answer, _ = served.request("POST", "/midi", b"")
    assert status == 200
    named = json.loads(answer)
    assert served.request("GET", f"/midi/{named['key']}", token=None)[0] == 400  # it is not written yet
    page.send("/diffroll/job/new", "mine", "generate", "")
    for note in NOTES:
        pitch, t, duration, velocity = note
        page.send("/diffroll/job/note", "mine", pitch, t, duration, velocity)
    page.send("/diffroll/job/finish", "mine")
    page.send("/diffroll/job/save", "mine", named["path"])
    assert page.expect("/diffroll/job/saved") == ["mine", named["path"]]
    status, data, headers = served.request("GET", f"/midi/{named['key']}", token=None)
    assert (status, headers["content-type"]) == (200, "audio/midi")
    path = tmp_path / "same.mid"
    write_smf(path, [NoteEvent(t, t + d, pitch, velocity) for pitch, t, d, velocity in NOTES])
    assert data == path.read_bytes()


def test_a_midi_file_is_read_with_its_bars(served, tmp_path):
    path = tmp_path / "in.mid"
    write_smf(path, [NoteEvent(0.0, 0.5, 60, 90)], steady_meter(90.0, (3, 4)))
    status, body, _ = served.request("POST", "/midi/read", path.read_bytes())
    assert status == 200
    read = json.loads(body)
    assert read["notes"] == [[60, 0.0, pytest.approx(0.5, abs=1e-3), 90]]
    assert read["changes"] == [[0.0, pytest.approx(90.0, abs=1e-3), 3, 4, 0.0]]
    assert read["left_out"] == []


def test_what_is_no_midi_file_is_refused_with_a_sentence(served):
    status, answer, _ = served.request("POST", "/midi/read", b"no MIDI")
    assert status == 400
    assert json.loads(answer)["text"].endswith(".")


def test_a_buffer_of_another_session_is_not_given(served):
    assert served.request("GET", f"/audio?session={'d' * 16}&buffer=take")[0] == 400


def test_the_clip_of_the_package_is_that_of_the_examples(served):
    status, body, _ = served.request("POST", "/clip")
    assert status == 200
    assert Path(json.loads(body)["path"]).read_bytes() == (EXAMPLES / "clip.flac").read_bytes()
