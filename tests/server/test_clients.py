"""The daemon as its clients see it: who they are, what it tells them, and how messages may be written."""

from __future__ import annotations

import struct
import time

import pytest
from support.fake_engine import INFO
from support.osc_client import OscClient, Reply, UdpClient, build
from support.running import RunningDaemon
from support.uploads import upload_tone

from diffroll_live import __version__


def long_answer(client: OscClient) -> Reply:
    """Have the daemon list a hundred chunks as missing; give the first message of the list."""
    client.ask("/diffroll/audio/open", "b", 16_000, 1, 6_400, "f32", 256, answer="/diffroll/audio/opened")
    return client.ask("/diffroll/audio/close", "b", 100, 0, answer="/diffroll/audio/missing")


def test_hello_tells_of_the_model(any_client):
    welcome = any_client.ask("/diffroll/hello", "test", answer="/diffroll/welcome")
    assert welcome.args == (1, __version__, INFO.name, INFO.device, INFO.sample_rate, INFO.max_seconds, INFO.sha256)


def test_hello_redirects_replies_to_the_port_it_names(daemon):
    with daemon.udp() as sender, daemon.udp() as receiver:
        port = receiver.socket.getsockname()[1]
        sender.send("/diffroll/hello", "two sockets", port)
        assert receiver.next().address == "/diffroll/welcome"
        sender.send("/diffroll/ping", 3)
        assert receiver.next().args == (3,)
        assert sender.next(0.1) is None


def test_a_hello_that_names_no_port_is_answered_where_it_comes_from(daemon):
    with daemon.udp() as former, daemon.udp() as receiver:
        former.send("/diffroll/hello", "two sockets", receiver.socket.getsockname()[1], 256)
        assert receiver.next().address == "/diffroll/welcome"
        port = former.socket.getsockname()[1]
    with UdpClient(daemon.port, port=port) as client:  # another program, which the system has given the same port
        client.ask("/diffroll/hello", "one socket", answer="/diffroll/welcome")
        assert long_answer(client).size > 256


def test_hello_sets_the_size_of_datagrams(client):
    client.ask("/diffroll/hello", "small", 0, 256, answer="/diffroll/welcome")
    assert long_answer(client).size <= 256


def test_status_tells_of_the_clients_own_jobs(daemon):
    with daemon.udp() as one, daemon.udp() as other:
        one.send("/diffroll/generate", "mine", 2.0)
        one.collect("mine")
        status = one.ask("/diffroll/status", answer="/diffroll/status")
        assert status.args[:3] == ("ready", 0, "")
        assert 0.0 < status.args[3] <= 1.0
        assert one.expect("/diffroll/status/job").args == ("mine", "generate", "done", 1.0)
        other.send("/diffroll/status")
        other.send("/diffroll/ping", 1)
        _, told = other.until("/diffroll/pong")
        assert "/diffroll/status/job" not in [reply.address for reply in told]


def test_status_tells_of_the_share_of_every_client(daemon):
    with daemon.udp() as one, daemon.udp() as other:
        one.send("/diffroll/generate", "mine", 2.0)
        one.collect("mine")
        rows = []
        for asking in (one, other):
            asking.send("/diffroll/status")
            asking.send("/diffroll/ping", 1)
            _, told = asking.until("/diffroll/pong")
            rows.append({reply.args[0]: reply.args[1:] for reply in told if reply.address == "/diffroll/status/client"})
        key = f"udp:127.0.0.1:{one.socket.getsockname()[1]}"
        for shares in rows:
            waiting, running, share, wait = shares[key]
            assert (waiting, running) == (0, 0)
            assert 0 < share <= 1
            assert wait >= 0


@pytest.mark.parametrize("number", [("i", 5), ("f", 5.0), ("d", 5.0), ("h", 5)])
def test_numbers_of_any_type_are_numbers(client, number):
    assert client.ask("/diffroll/ping", number, answer="/diffroll/pong").args == (5,)


def test_bundles_are_taken_at_once_whatever_their_time_tag(client):
    element = build("/diffroll/ping", 1)
    inner = b"#bundle\x00" + b"\xff" * 8 + struct.pack(">i", len(element)) + element
    bundle = b"#bundle\x00" + b"\xff" * 8
    for part in (element, inner):
        bundle += struct.pack(">i", len(part)) + part
    client.send_packet(bundle)
    assert [client.next().args, client.next().args] == [(1,), (1,)]


def test_replies_use_only_the_tags_that_every_host_takes(any_client):
    upload_tone(any_client)
    for message in ("/diffroll/hello", "x"), ("/diffroll/status",), ("/diffroll/nothing",), ("/diffroll/panic",):
        any_client.send(*message)
    any_client.send("/diffroll/transcribe", "tags", "b")
    seen = any_client.collect("tags", errors_end=False).before
    assert {"/diffroll/welcome", "/diffroll/status", "/diffroll/error", "/diffroll/note"} <= {r.address for r in seen}
    assert set("".join(r.tags for r in seen)) <= set("ifsb")


def test_buffers_and_jobs_belong_to_their_client(daemon):
    with daemon.udp() as one, daemon.udp() as other:
        upload_tone(one, "same", seconds=1.0)
        assert other.ask_wrongly("/diffroll/transcribe", "j", "same").args[1] == "unknown-buffer"
        upload_tone(other, "same", seconds=4.0)
        one.send("/diffroll/transcribe", "j", "same")
        other.send("/diffroll/transcribe", "j", "same")
        assert one.collect("j").end.args[1] == 2
        assert other.collect("j").end.args[1] == 8


@pytest.mark.realtime
def test_a_client_that_is_silent_for_long_is_forgotten(tmp_path):
    with RunningDaemon(tmp_path, client_timeout_s=0.3) as daemon, daemon.udp() as client:
        upload_tone(client)
        client.send("/diffroll/transcribe", "j", "b")
        client.collect("j")
        time.sleep(1.0)
        assert client.ask_wrongly("/diffroll/transcribe", "j", "b").args[1] == "unknown-buffer"


def test_watchers_that_came_and_went_keep_nobody_out(tmp_path):
    with RunningDaemon(tmp_path, max_clients=8) as daemon, daemon.tcp() as panel:
        panel.send("/diffroll/watch")
        for _ in range(20):
            with daemon.udp() as passing:
                passing.send("/diffroll/watch")
                passing.ping()
        with daemon.tcp() as late:
            late.ping()
        panel.ping()
