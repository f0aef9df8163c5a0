"""Whatever a client sends, it is told what is wrong, nothing else is lost, and the daemon answers the next ping."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.osc_client import build
from support.running import RunningDaemon

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


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_a_name_that_is_not_utf8_costs_a_bundle_nothing_else(client):
    """As in the bundles of a DAW's control surface, which hold its tempo and the names of its tracks."""
    name = build("/track/1/name", "xxxx").replace(b"xxxx", b"Caf\xe9")
    elements = (name, build("/time", 1.0), name, build("/diffroll/ping", 9))
    client.send_packet(b"#bundle\0" + b"\0" * 8 + b"".join(struct.pack(">i", len(e)) + e for e in elements))
    assert client.next().args[:2] == ("/track/1/name", "bad-message")  # it is not yet known to be a surface
    assert client.next().args == (9,)


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


def test_more_clients_than_there_is_room_for(tmp_path):
    with RunningDaemon(tmp_path, max_clients=2) as daemon, daemon.udp() as first, daemon.tcp() as second:
        first.send("/diffroll/job/new", "a", "generate", "")
        first.send("/diffroll/job/set", "a", "steps", 1000)
        first.send("/diffroll/job/run", "a")
        first.expect("/diffroll/job/progress")
        second.send("/diffroll/job/new", "b", "generate", "")
        second.ping()
        for one_more in (daemon.udp(), daemon.tcp()):
            with one_more:
                one_more.send("/diffroll/ping", 1)
                assert one_more.expect("/diffroll/error").args[1] == "busy"
        first.ask("/diffroll/job/cancel", "a", answer="/diffroll/job/cancelled")
        with daemon.udp() as third:
            third.ping()


def test_replies_to_a_closed_socket_harm_nobody(daemon, client):
    gone = daemon.udp()
    gone.send("/diffroll/generate", "gone", 5.0)
    gone.close()
    client.send("/diffroll/generate", "here", 1.0)
    client.collect("here")
