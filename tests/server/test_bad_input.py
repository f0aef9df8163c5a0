"""Whatever a client sends, it is told what is wrong, nothing else is lost, and the daemon answers the next ping."""

from __future__ import annotations

import math
import os
import socket
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.osc_client import UdpClient, build
from support.running import RunningDaemon

RATE = 16_000

MALFORMED = {
    "no address": b"hello\0\0\0",
    "no padding": b"/diffroll/ping",
    "tags without comma": b"/a\0\0i\0\0\0\0\0\0\1",
    "number cut off": b"/diffroll/ping\0\0,i\0\0\0\0",
    "unknown tag": b"/diffroll/ping\0\0,r\0\0\0\0\0\0",
    "string without end": b"/diffroll/hello\0,s\0\0abcd",
    "string that is not UTF-8": b"/diffroll/hello\0,s\0\0\xff\xfe\xfd\0",
    "blob of negative length": b"/diffroll/ping\0\0,b\0\0" + struct.pack(">i", -8) + b"\0" * 8,
    "blob longer than the packet": b"/diffroll/ping\0\0,b\0\0" + struct.pack(">i", 1 << 30),
    "bundle cut off": b"#bundle\0\0\0",
    "bundle element of negative length": b"#bundle\0" + b"\0" * 8 + struct.pack(">i", -4),
    "bundle element of length 0": b"#bundle\0" + b"\0" * 8 + struct.pack(">i", 0),
    "bundle element longer than the bundle": b"#bundle\0" + b"\0" * 8 + struct.pack(">i", 400) + b"/a\0\0",
    "floats cut off": b"/x\0\0," + b"f" * 99 + b"\0" * 4,
    "too many arguments": b"/x\0\0," + b"T" * 999 + b"\0" * 4,
    "nothing": b"\0\0\0\0",
}


@pytest.mark.parametrize("packet", MALFORMED.values(), ids=MALFORMED)
def test_malformed_packets(any_client, packet):
    any_client.send_packet(packet)
    error = any_client.expect("/diffroll/error")
    assert error.args[1] == "bad-message"
    any_client.ping()


def test_an_empty_datagram_is_answered_too(client):
    client.send_packet(b"")
    assert client.expect("/diffroll/error").args[1] == "bad-message"
    client.ping()


def test_deeply_nested_bundles(client):
    packet = build("/diffroll/ping", 1)
    for _ in range(100):
        packet = b"#bundle\0" + b"\0" * 8 + struct.pack(">i", len(packet)) + packet
    client.send_packet(packet)
    assert client.expect("/diffroll/error").args[1] == "bad-message"
    client.ping()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b"/diffroll/ping\0\0" + tail))
def test_any_bytes_leave_the_daemon_alive(client, packet):
    client.send_packet(packet)
    client.send("/diffroll/ping", 12345)
    while client.next().args != (12345,):
        pass


@pytest.mark.parametrize("length", [-1, 0, 2**31 - 1])
def test_a_stream_packet_of_absurd_length_ends_the_connection(daemon, client, length):
    with daemon.tcp() as stream:
        stream.socket.sendall(struct.pack(">i", length))
        assert stream.expect("/diffroll/error").args[1] == "bad-message"
        assert stream.socket.recv(1) == b""
    client.ping()


def test_a_stream_cut_off_in_a_packet_harms_nobody(daemon, client):
    with daemon.tcp() as stream:
        stream.socket.sendall(struct.pack(">i", 100) + b"/diffroll")
    client.ping()


@pytest.mark.parametrize(
    ("message", "about", "code", "named"),
    [
        (("/diffroll/nonsense",), "/diffroll/nonsense", "unknown-address", "PROTOCOL.md"),
        (("/diffroll/*",), "/diffroll/*", "unknown-address", ""),
        (("/diffroll/ping", "one"), "/diffroll/ping", "bad-message", "n must be a whole number"),
        (("/diffroll/ping", 1.5), "/diffroll/ping", "bad-message", "whole number"),
        (("/diffroll/ping", ("h", 2**40)), "/diffroll/ping", "bad-message", ""),
        (("/diffroll/ping", math.nan), "/diffroll/ping", "bad-message", "whole number"),
        (("/diffroll/ping", None), "/diffroll/ping", "bad-message", ""),
        (("/diffroll/ping", 1, 2, 3), "/diffroll/ping", "bad-message", "3 arguments"),
        (("/diffroll/hello",), "/diffroll/hello", "bad-message", "s:name"),
        (("/diffroll/hello", "x", 99_999), "/diffroll/hello", "bad-message", "99999"),
        (("/diffroll/hello", "x", 0, 12), "/diffroll/hello", "bad-message", "256"),
        (("/diffroll/hello", "x" * 500), "/diffroll/hello", "bad-message", "64 bytes"),
        (("/diffroll/hello", "a\nb"), "/diffroll/hello", "bad-message", "control characters"),
        (("/diffroll/transport", 2, 0.0, 120.0), "/diffroll/transport", "bad-message", "0 or 1"),
        (("/diffroll/transport", 1, 0.0, -1.0), "/diffroll/transport", "bad-message", "tempo"),
        (("/diffroll/transport", 1, 0.0, math.nan), "/diffroll/transport", "bad-message", "tempo"),
        (("/diffroll/transport", 1, 1e9, 120.0), "/diffroll/transport", "bad-message", "position"),
        (("/loop/end/time", math.inf), "/loop/end/time", "bad-message", "finite"),
        (("/tempo/raw", 0.0), "/tempo/raw", "bad-message", "tempo"),
        (("/position/time", "noon"), "/position/time", "bad-message", "'noon'"),
        (("/" + "x" * 3000,), "/" + "x" * 127, "unknown-address", ""),
    ],
)
def test_wrong_messages(client, message, about, code, named):
    error = client.ask_wrongly(*message)
    assert error.args[:2] == (about, code)
    assert named in error.args[2]
    assert error.size <= 1024


@pytest.mark.parametrize("told", [("/time", 1.0), ("/position/time", "0:0:1"), ("/transport_stop", 1.0)])
def test_a_surface_that_tells_its_faders_is_not_answered(client, told):
    assert client.ask_wrongly("/master/gain", 0.5).args[:2] == ("/master/gain", "unknown-address")
    client.send(*told)
    for fader in range(100):
        client.send("/strip/gain", fader, 0.5)
    client.ping(5)
    assert client.ask_wrongly("/diffroll/nonsense").args[1] == "unknown-address"


def test_what_only_a_daemon_sends_is_not_answered(client):
    client.send("/diffroll/error", "a", "b", "c")
    client.send("/diffroll/status", "ready", 0, "", 0.5)
    client.send("/diffroll/ping", 4)
    assert client.next().args == (4,)


def test_a_daemon_that_is_told_to_answer_itself_does_not_talk_for_ever(daemon, client):
    client.send("/diffroll/hello", "loop", daemon.port)
    client.send("/diffroll/nonsense")
    with daemon.udp() as other:
        other.ping()


# Audio


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


def test_more_clients_than_there_is_room_for(tmp_path):
    with RunningDaemon(tmp_path, max_clients=2) as daemon, daemon.udp() as first, daemon.tcp() as second:
        first.send("/diffroll/job/new", "a", "generate", "")
        first.send("/diffroll/job/set", "a", "steps", 1000)
        first.send("/diffroll/job/run", "a")
        first.expect("/diffroll/job/progress")
        second.ping()
        for one_more in (daemon.udp(), daemon.tcp()):
            with one_more:
                one_more.send("/diffroll/ping", 1)
                assert one_more.expect("/diffroll/error").args[1] == "busy"
        first.ask("/diffroll/job/cancel", "a", answer="/diffroll/job/cancelled")
        with daemon.udp() as third:
            third.ping()


# Files


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


def test_a_save_outside_the_folders_is_refused_before_the_run(daemon, client):
    client.send("/diffroll/job/new", "s", "generate", "")
    for path in ("/etc/x.mid", str(daemon.folder / "x.wav"), "x.mid", str(daemon.folder / "no folder" / "x.mid")):
        client.send("/diffroll/job/set", "s", "save", path)
        error = client.ask_wrongly("/diffroll/job/run", "s")
        assert error.args[0] == "s"
        assert error.args[1] in ("file-refused", "file-not-found")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_is_told_and_the_notes_still_come(tmp_path, limited_daemon):
    with UdpClient(limited_daemon.port) as client:
        client.send("/diffroll/job/new", "full", "generate", "")
        client.send("/diffroll/job/set", "full", "save", str(tmp_path / "full.mid"))
        client.send("/diffroll/job/run", "full")
        job = client.collect("full", errors_end=False)
        errors = [r for r in job.before if r.address == "/diffroll/error"]
        assert [e.args[:2] for e in errors] == [("full", "file-refused")]
        assert job.end.args[1] == len(job.notes) > 0
        assert not list(tmp_path.iterdir())
        client.ping()


# Jobs


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (("new", "j", "dance", "b"), "bad-option"),
        (("new", "j", "transcribe", ""), "bad-option"),
        (("new", "", "transcribe", "b"), "bad-message"),
        (("region", "none", 0.0, 1.0), "unknown-job"),
        (("run", "none"), "unknown-job"),
        (("cancel", "none"), "unknown-job"),
        (("play", "none"), "unknown-job"),
        (("notes", "none"), "unknown-job"),
        (("redecode", "none", 0.5, 0.1), "unknown-job"),
        (("region", "job", 1.0, 1.0), "bad-region"),
        (("region", "job", 2.0, 1.0), "bad-region"),
        (("region", "job", -1.0, 1.0), "bad-region"),
        (("region", "job", math.nan, 1.0), "bad-message"),
        (("region", "job", 0.0, math.inf), "bad-message"),
        (("region", "job", 0.0, 1e30), "bad-region"),
        (("region", "job", 0.0, 1.0, 20, 60), "bad-region"),
        (("region", "job", 0.0, 1.0, 60, 109), "bad-region"),
        (("region", "job", 0.0, 1.0, 70, 60), "bad-region"),
        (("region", "job", 0.0, 1.0, 60, 70, 2), "bad-message"),
        (("note", "job", 20, 0.0, 1.0, 64), "bad-option"),
        (("note", "job", 109, 0.0, 1.0, 64), "bad-option"),
        (("note", "job", 60, 0.0, 0.0, 64), "bad-option"),
        (("note", "job", 60, -1.0, 1.0, 64), "bad-option"),
        (("note", "job", 60, 0.0, 1.0, 0), "bad-option"),
        (("note", "job", 60, 0.0, 1.0, 128), "bad-option"),
        (("set", "job", "stpes", 3), "bad-option"),
        (("set", "job", "steps", 0), "bad-option"),
        (("set", "job", "steps", 2.5), "bad-option"),
        (("set", "job", "steps", "many"), "bad-option"),
        (("set", "job", "quality", "superb"), "bad-option"),
        (("set", "job", "seed", -1), "bad-option"),
        (("set", "job", "threshold", 1.0), "bad-option"),
        (("set", "job", "variations", 17), "bad-option"),
        (("set", "job", "seconds", 1e9), "bad-option"),
        (("set", "job", "deliver", 1), "bad-option"),
        (("set", "job", "when", "tomorrow"), "bad-option"),
        (("set", "job", "quantize", "1/16 2"), "bad-option"),
        (("set", "job", "quantize", 16), "bad-option"),
        (("set", "job", "scale", "minor"), "bad-option"),
        (("redecode", "job", 0.5, 0.1), "unknown-job"),
        (("notes", "job"), "unknown-job"),
        (("play", "job"), "bad-option"),
    ],
)
def test_jobs_that_cannot_be(client, message, code):
    client.send("/diffroll/job/new", "job", "generate", "")
    error = client.ask_wrongly(f"/diffroll/job/{message[0]}", *message[1:])
    assert error.args[1] == code
    assert error.args[2].endswith((".", "?"))


@pytest.mark.parametrize(("t0", "t1"), [(0.5, 9.0), (5.0, 6.0)])
def test_regions_outside_the_buffer(client, t0, t1):
    client.upload("b", np.zeros(RATE, "<f4").tobytes(), rate=RATE, channels=1)
    assert client.ask_wrongly("/diffroll/inpaint", "j", "b", t0, t1).args[:2] == ("j", "bad-region")


def test_inpainting_without_a_region(client):
    client.upload("b", np.zeros(RATE, "<f4").tobytes(), rate=RATE, channels=1)
    client.send("/diffroll/job/new", "j", "inpaint", "b")
    assert client.ask_wrongly("/diffroll/job/run", "j").args[:2] == ("j", "bad-region")


def test_regions_of_absurd_number(daemon):
    with daemon.tcp() as client:
        client.send("/diffroll/job/new", "many", "generate", "")
        for _ in range(257):
            client.send("/diffroll/job/region", "many", 0.0, 1.0)
        assert client.expect("/diffroll/error").args[:2] == ("many", "bad-region")
        client.ping()


@pytest.mark.parametrize(("name", "code"), [("raise", "internal"), ("memory", "out-of-memory")])
def test_an_engine_that_fails(client, name, code):
    client.send("/diffroll/generate", name, 1.0)
    assert client.collect(name).end.args[:2] == (name, code)
    client.send("/diffroll/generate", "good", 1.0)
    assert client.collect("good").end.address == "/diffroll/job/done"


def test_replies_to_a_closed_socket_harm_nobody(daemon, client):
    gone = daemon.udp()
    gone.send("/diffroll/generate", "gone", 5.0)
    gone.close()
    client.send("/diffroll/generate", "here", 1.0)
    client.collect("here")


def test_a_connection_that_ends_takes_its_jobs_along(daemon, client):
    stream = daemon.tcp()
    stream.send("/diffroll/job/new", "gone", "generate", "")
    stream.send("/diffroll/job/set", "gone", "steps", 1000)
    stream.send("/diffroll/job/run", "gone")
    stream.expect("/diffroll/job/progress")
    stream.socket.shutdown(socket.SHUT_RDWR)
    stream.close()
    client.send("/diffroll/generate", "next", 1.0)
    assert client.collect("next").end.address == "/diffroll/job/done"
