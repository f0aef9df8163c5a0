"""Audio and files that cannot be: each is refused with a sentence, and the daemon goes on."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from support.running import RunningDaemon

RATE = 16_000


@pytest.mark.parametrize(
    ("args", "code", "named"),
    [
        ((RATE, 1, -5, "f32", 1024), "bad-audio", "-5 frames"),
        ((RATE, 1, ("h", 2**62), "f32", 1024), "too-large", "chunks"),
        ((RATE, 1, 2**31 - 1, "f32", 1 << 20), "too-large", "s of audio"),
        ((0, 1, 100, "f32", 1024), "bad-audio", "0 Hz"),
        ((-44_100, 1, 100, "f32", 1024), "bad-audio", "-44100 Hz"),
        ((10**9, 1, 100, "f32", 1024), "bad-audio", "Hz"),
        ((RATE, 0, 100, "f32", 1024), "bad-audio", "0 channels"),
        ((RATE, 10_000, 100, "f32", 1024), "bad-audio", "channels"),
        ((RATE, 1, 100, "f64", 1024), "bad-audio", "'f64'"),
        ((RATE, 1, 100, "f32", 0), "bad-message", "0 bytes"),
        ((RATE, 1, 100, "f32", -1), "bad-message", "-1 bytes"),
        ((RATE, 1, 100, "f32", 1 << 24), "bad-message", "bytes"),
        ((RATE, 1, 10**7, "f32", 1), "too-large", "chunks"),
        ((RATE, 1, 100, "f32", 1024, math.inf), "bad-message", "finite"),
    ],
)
def test_buffers_that_cannot_be(client, args, code, named):
    error = client.ask_wrongly("/diffroll/audio/open", "b", *args)
    assert error.args[1] == code
    assert error.args[0] in ("b", "/diffroll/audio/open")
    assert named in error.args[2]


def test_chunks_without_open(client):
    assert client.ask_wrongly("/diffroll/audio/chunk", "none", 0, b"abcd").args[:2] == ("none", "unknown-buffer")
    assert client.ask_wrongly("/diffroll/audio/close", "none", 1, 0).args[:2] == ("none", "unknown-buffer")
    assert client.ask_wrongly("/diffroll/audio/free", "none").args[:2] == ("none", "unknown-buffer")


@pytest.mark.parametrize(
    "chunk", [(-1, b"\0" * 8), (99, b"\0" * 8), (0, b"\0" * 7), (0, b"\0" * 400), (0, 0.5), (0, "text"), (0,)]
)
def test_chunks_that_do_not_fit(client, chunk):
    client.ask("/diffroll/audio/open", "fit", RATE, 1, 10, "f32", 8, answer="/diffroll/audio/opened")
    assert client.ask_wrongly("/diffroll/audio/chunk", "fit", *chunk).args[1] == "bad-message"


def test_float_lists_need_an_f32_buffer(client):
    client.ask("/diffroll/audio/open", "s", RATE, 1, 4, "s16", 8, answer="/diffroll/audio/opened")
    assert "f32" in client.ask_wrongly("/diffroll/audio/chunk", "s", 0, 0.1, 0.2, 0.3, 0.4).args[2]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_samples_that_are_not_finite(client, bad):
    raw = np.array([0.0, bad, 0.0, 0.0], "<f4").tobytes()
    client.ask("/diffroll/audio/open", "nan", RATE, 1, 4, "f32", 16, answer="/diffroll/audio/opened")
    client.send("/diffroll/audio/chunk", "nan", 0, raw)
    error = client.ask_wrongly("/diffroll/audio/close", "nan", 1, 0)
    assert error.args[:2] == ("nan", "bad-audio")
    assert "Sample 1" in error.args[2]


def test_a_wrong_checksum_asks_for_all_chunks_again(client):
    client.ask("/diffroll/audio/open", "crc", RATE, 1, 2, "f32", 8, answer="/diffroll/audio/opened")
    client.send("/diffroll/audio/chunk", "crc", 0, b"\0" * 8)
    assert client.ask_wrongly("/diffroll/audio/close", "crc", 1, 12345).args[:2] == ("crc", "bad-checksum")
    assert client.ask("/diffroll/audio/close", "crc", 1, 0, answer="/diffroll/audio/missing").args == ("crc", 0)
    client.send("/diffroll/audio/chunk", "crc", 0, b"\0" * 8)
    client.ask("/diffroll/audio/close", "crc", 1, 0, answer="/diffroll/audio/ready")


def test_a_close_with_another_number_of_chunks(client):
    client.ask("/diffroll/audio/open", "n", RATE, 1, 4, "f32", 8, answer="/diffroll/audio/opened")
    assert client.ask_wrongly("/diffroll/audio/close", "n", 3, 0).args[1] == "bad-message"


def test_a_buffer_used_before_it_is_whole(client):
    client.ask("/diffroll/audio/open", "half", RATE, 1, 4, "f32", 8, answer="/diffroll/audio/opened")
    assert client.ask_wrongly("/diffroll/transcribe", "j", "half").args[:2] == ("j", "incomplete")


@pytest.mark.realtime
def test_chunks_that_stop_coming_and_limits_of_number_and_memory(tmp_path):
    limits = {"buffer_timeout_s": 0.3, "max_buffers": 2, "max_total_bytes": 1 << 20}
    with RunningDaemon(tmp_path, **limits) as daemon, daemon.udp() as client:
        client.ask("/diffroll/audio/open", "a", RATE, 1, 10, "f32", 8, answer="/diffroll/audio/opened")
        client.ask("/diffroll/audio/open", "b", RATE, 1, 10, "f32", 8, answer="/diffroll/audio/opened")
        assert client.ask_wrongly("/diffroll/audio/open", "c", RATE, 1, 10, "f32", 8).args[1] == "too-large"
        assert client.ask_wrongly("/diffroll/audio/open", "b", RATE, 1, 200_000, "f32", 8).args[1] == "too-large"
        timed_out = [client.expect("/diffroll/error").args[:2] for _ in range(2)]
        assert sorted(timed_out) == [("a", "timed-out"), ("b", "timed-out")]
        client.ask("/diffroll/audio/open", "c", RATE, 1, 10, "f32", 8, answer="/diffroll/audio/opened")


def test_files_that_cannot_be_read(daemon, client, make_wav):
    folder: Path = daemon.folder
    (folder / "a folder").mkdir(exist_ok=True)
    (folder / "empty.wav").write_bytes(b"")
    whole = make_wav(folder / "whole.wav", seconds=1.0)
    (folder / "cut.wav").write_bytes(whole.read_bytes()[:1000])
    outside = make_wav(folder.parent / f"outside-{os.getpid()}.wav", seconds=0.1)
    (folder / "link.wav").unlink(missing_ok=True)
    (folder / "link.wav").symlink_to(outside)
    expected = {
        str(folder / "nowhere.wav"): "file-not-found",
        str(folder / "a folder"): "file-refused",
        str(folder / "empty.wav"): "bad-audio",
        str(folder / "cut.wav"): "bad-audio",
        str(outside): "file-refused",
        str(folder / "link.wav"): "file-refused",
        str(folder / ".." / outside.name): "file-refused",
        "/dev/zero": "file-refused",
        "relative.wav": "file-refused",
        "": "file-refused",
        "/" + "x/" * 2000: "file-refused",
    }
    for path, code in expected.items():
        error = client.ask_wrongly("/diffroll/audio/file", "f", path)
        assert error.args[:2] == ("f", code), (path, error)


@pytest.mark.parametrize("stretch", [(-1.0, 1.0), (0.0, -1.0), (50.0, 1.0)])
def test_stretches_that_a_file_does_not_have(daemon, client, make_wav, stretch):
    path = make_wav(daemon.folder / "short.wav", seconds=1.0)
    assert client.ask_wrongly("/diffroll/audio/file", "f", str(path), *stretch).args[:2] == ("f", "bad-audio")
