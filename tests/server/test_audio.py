"""Audio that clients send in chunks or name as a file, and the buffers that are made of it."""

from __future__ import annotations

import random
import struct
import zlib

import numpy as np
import pytest
from support.uploads import RATE, tone, upload_tone


def test_ten_chunks_make_a_buffer(any_client):
    raw = tone(1.0, channels=2)
    any_client.upload("stereo", raw, rate=RATE, channels=2, chunk=len(raw) // 10 + 1)
    any_client.send("/diffroll/transcribe", "j", "stereo")
    assert any_client.collect("j").end.args[1] == 2


def test_ready_tells_length_and_rate(client):
    client.ask("/diffroll/audio/open", "b", 44_100, 1, 4410, "s16", 4410, answer="/diffroll/audio/opened")
    for index in range(2):
        client.send("/diffroll/audio/chunk", "b", index, b"\x01\x00" * 2205)
    ready = client.ask("/diffroll/audio/close", "b", 2, 0, answer="/diffroll/audio/ready")
    assert ready.args == ("b", pytest.approx(0.1), 44_100)
    again = client.ask("/diffroll/audio/close", "b", 2, 0, answer="/diffroll/audio/ready")
    assert again.args == ready.args


def test_floats_may_stand_in_for_a_blob(client):
    samples = [0.25, -0.5, 0.125] * 40
    client.ask("/diffroll/audio/open", "f", RATE, 1, 240, "f32", 480, answer="/diffroll/audio/opened")
    client.send("/diffroll/audio/chunk", "f", ("f", 0.0), *(("f", x) for x in samples))
    client.send("/diffroll/audio/chunk", "f", 1, *(("f", x) for x in samples))
    raw = np.array(samples * 2, "<f4").tobytes()
    crc = struct.unpack(">i", struct.pack(">I", zlib.crc32(raw)))[0]
    assert client.ask("/diffroll/audio/close", "f", 2, crc, answer="/diffroll/audio/ready").args[2] == RATE


def test_acks_come_every_window(client):
    opened = client.ask("/diffroll/audio/open", "w", RATE, 1, 100_000, "f32", 4000, answer="/diffroll/audio/opened")
    window = opened.args[1]
    for index in range(window):
        client.send("/diffroll/audio/chunk", "w", index, b"\0" * 4000)
    assert client.expect("/diffroll/audio/ack").args == ("w", window)


def test_missing_chunks_are_listed_in_datagrams_that_fit(client):
    client.ask("/diffroll/audio/open", "m", RATE, 1, 100_000, "f32", 100, answer="/diffroll/audio/opened")
    client.send("/diffroll/audio/chunk", "m", 17, b"\0" * 100)
    client.send("/diffroll/audio/close", "m", 4000, 0)
    missing: list[int] = []
    while len(missing) < 3999:
        reply = client.expect("/diffroll/audio/missing")
        assert reply.size <= 1024
        missing.extend(reply.args[1:])
    assert missing == [i for i in range(4000) if i != 17]


def test_twenty_seconds_survive_loss_and_disorder_over_udp(daemon):
    samples = np.random.default_rng(1).standard_normal((20 * 44_100, 2)).astype("<f4")
    raw = samples.tobytes()
    rng = random.Random(2)
    with daemon.udp() as client:
        rounds = client.upload(
            "big",
            raw,
            rate=44_100,
            channels=2,
            order=lambda indexes: rng.sample(indexes, len(indexes)),
            drop=lambda n: n % 20 == 0,
        )
        assert rounds > 1
        client.send("/diffroll/transcribe", "big", "big")
        assert client.collect("big").end.args[1] == 40


def test_a_file_is_read_and_a_job_may_follow_at_once(daemon, any_client, make_wav):
    path = make_wav(daemon.folder / "clip.wav", seconds=3.0)
    any_client.send("/diffroll/audio/file", "clip", str(path), 0.5, 2.0, 12.0)
    any_client.send("/diffroll/transcribe", "from-file", "clip")
    ready = any_client.expect("/diffroll/audio/ready")
    assert ready.args == ("clip", pytest.approx(2.0), RATE)
    assert any_client.collect("from-file").end.args[1] == 4


def test_a_job_that_waits_for_a_file_hears_why_it_cannot_be_read(daemon, client):
    (daemon.folder / "text.wav").write_text("no audio")
    client.send("/diffroll/audio/file", "t", str(daemon.folder / "text.wav"))
    client.send("/diffroll/transcribe", "waits", "t")
    about = {client.expect("/diffroll/error").args[0] for _ in range(2)}
    assert about == {"t", "waits"}


def test_freed_buffers_are_gone(client):
    upload_tone(client, "gone")
    assert client.ask("/diffroll/audio/free", "gone", answer="/diffroll/audio/freed").args == ("gone",)
    assert client.ask_wrongly("/diffroll/transcribe", "j", "gone").args[:2] == ("j", "unknown-buffer")
