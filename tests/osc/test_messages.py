"""Packets to messages and back, against python-osc as an independent peer; the two tables against PROTOCOL.md."""

from __future__ import annotations

import re
import struct
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage
from support.osc_client import build
from support.paths import BRIDGE

from diffroll_live.errors import ProtocolError, UnknownAddress
from diffroll_live.osc import messages as m
from diffroll_live.osc import replies as r
from diffroll_live.osc.arguments import signature
from diffroll_live.osc.codec import LONG_RUN, MAX_MESSAGES, Malformed, Message, decode, encode
from diffroll_live.osc.job_messages import JobRegion
from diffroll_live.osc.server_codec import read_message, write_reply

PROTOCOL = BRIDGE / "PROTOCOL.md"

INT32 = st.integers(-(2**31), 2**31 - 1)
FLOAT32 = st.floats(width=32, allow_nan=False)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
BLOB = st.binary(min_size=1, max_size=100)
TAGGED = st.one_of(
    INT32.map(lambda v: ("i", v)),
    FLOAT32.map(lambda v: ("f", v)),
    TEXT.map(lambda v: ("s", v)),
    BLOB.map(lambda v: ("b", v)),
)


def bundle(*elements: bytes) -> bytes:
    return b"#bundle\0" + b"\xff" * 8 + b"".join(struct.pack(">i", len(each)) + each for each in elements)


def parse(address: str, *args: Any) -> Any:
    (message,) = decode(build(address, *args))
    return read_message(message)


def test_a_message_byte_for_byte():
    packet = (
        b"/a/b\0\0\0\0"  # address, padded to 8
        b",ifsb\0\0\0"  # tags
        b"\x00\x00\x00\x07"  # 7
        b"\x3f\x80\x00\x00"  # 1.0
        b"hi\0\0"
        b"\x00\x00\x00\x03xyz\0"  # a blob of 3 bytes
    )
    assert decode(packet) == (Message("/a/b", (7, 1.0, "hi", b"xyz")),)
    assert encode("/a/b", "ifsb", (7, 1.0, "hi", b"xyz")) == packet


@given(st.lists(TAGGED, max_size=20))
def test_what_python_osc_writes_is_read(tagged):
    (message,) = decode(build("/x/y", *tagged))
    assert message.arguments == tuple(value for _, value in tagged)


@given(st.lists(TAGGED, max_size=20))
def test_what_is_written_python_osc_reads(tagged):
    packet = encode("/x/y", "".join(tag for tag, _ in tagged), tuple(value for _, value in tagged))
    assert len(packet) % 4 == 0
    assert OscMessage(packet).params == [value for _, value in tagged]


@given(st.integers(0, 300))
def test_runs_of_floats_of_any_length_arrive(count):
    values = np.linspace(-1, 1, count, dtype=np.float32)
    (message,) = decode(build("/x", "name", 3, *(("f", float(v)) for v in values)))
    assert message.arguments[:2] == ("name", 3)
    rest = message.arguments[2:]
    if count > LONG_RUN:
        (rest,) = rest
    np.testing.assert_array_equal(np.array(rest, np.float32), values)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(packet):
    elements = decode(packet)
    assert elements or packet.startswith(b"#bundle\0")
    assert all(e.address.startswith("/") or isinstance(e, Malformed) for e in elements)


def test_reading_stays_fast_whatever_comes():
    packets = [
        b"/x\0\0," + b"f" * 60_000 + b"i\0\0" + b"\0" * 1000,
        b"/x\0\0," + b"f" * 120 + b"\0" * 4 * 121,
        b"#bundle\0" + b"\0" * 8 + b"\0\0\0\4/a\0\0" * (MAX_MESSAGES + 1),
        b"/" + b"a" * 65_000,
    ]
    start = time.process_time()
    for packet in packets:
        decode(packet)
    assert time.process_time() - start < 1.0


def test_a_bundle_gives_its_messages_in_order():
    parts = [build("/diffroll/ping", n) for n in range(5)]
    assert [message.arguments for message in decode(bundle(*parts))] == [(n,) for n in range(5)]


@pytest.mark.parametrize(
    ("bad", "address"),
    [
        (build("/name", "xxxx").replace(b"xxxx", b"Caf\xe9"), "/name"),
        (build("/name").replace(b"name", b"n\xe4me"), ""),
        (build("/name", 1).replace(b",i", b",r"), "/name"),
        (bundle(build("/name", "xxxx").replace(b"xxxx", b"Caf\xe9")), "/name"),
        (bundle(b"")[:-2] + b"\x7f\xff", ""),
    ],
    ids=["string", "address", "tag", "nested", "nested without end"],
)
def test_a_bad_element_costs_itself_alone(bad, address):
    first, second = build("/tempo/raw", 93.0), build("/diffroll/ping", 1)
    before, spoilt, after = decode(bundle(first, bad, second))
    assert (before, after) == (Message("/tempo/raw", (93.0,)), Message("/diffroll/ping", (1,)))
    assert isinstance(spoilt, Malformed)
    assert spoilt.address == address


def test_a_bundle_gives_a_bounded_number_of_messages_and_says_so():
    *read, last = decode(bundle(*[build("/a")] * (MAX_MESSAGES + 5)))
    assert read == [Message("/a")] * MAX_MESSAGES
    assert "several bundles" in last.error.text


# Client messages


def test_missing_arguments_take_their_defaults():
    assert parse("/diffroll/hello", "x") == m.Hello("x", 0, 0)
    assert parse("/diffroll/job/region", "j", 1.0, 2.0) == JobRegion("j", 1.0, 2.0, 21, 108, hear=False)


def test_numbers_and_booleans_fit_each_other():
    assert parse("/diffroll/job/region", "j", 1, 2, 60.0, ("d", 72.0), True) == JobRegion(
        "j", 1.0, 2.0, 60, 72, hear=True
    )


@pytest.mark.parametrize("index", [3, ("f", 3.0)])
@pytest.mark.parametrize("count", [1, 2, LONG_RUN - 1, LONG_RUN, LONG_RUN + 1, 500])
def test_samples_come_as_floats(index, count):
    chunk = parse("/diffroll/audio/chunk", "b", index, *(("f", 0.5) for _ in range(count)))
    assert (chunk.buffer, chunk.index) == ("b", 3)
    np.testing.assert_array_equal(chunk.data, np.full(count, 0.5, np.float32))


def test_errors_show_the_form_that_is_meant():
    with pytest.raises(ProtocolError, match=r"send /diffroll/ping \[i:n\]"):
        parse("/diffroll/ping", "text")
    with pytest.raises(UnknownAddress, match="/diffroll/pong"):
        parse("/diffroll/pong")


# Daemon messages


@pytest.mark.parametrize("limit", [256, 1024])
def test_long_replies_fit_the_limit(limit):
    missing = r.AudioMissing("buffer", tuple(range(1000)))
    packets = write_reply(missing, limit)
    assert all(len(packet) <= limit for packet in packets)
    assert [i for packet in packets for i in OscMessage(packet).params[1:]] == list(range(1000))
    (error,) = write_reply(r.Error("job", "internal", "ä" * 2000), limit)
    assert len(error) <= limit
    assert set(OscMessage(error).params[2]) == {"ä"}


@pytest.mark.parametrize(("address", "kind"), r.DAEMON_MESSAGES.items())
def test_every_reply_is_written(address, kind):
    values = {int: 3, float: 0.5, str: "s", tuple[int, ...]: (1, 2)}
    from diffroll_live.osc.arguments import field_types

    reply = kind(*(values[t] for t in field_types(kind).values()))
    (packet,) = write_reply(reply, 1024)
    message = OscMessage(packet)
    assert message.address == address


def test_a_value_that_osc_cannot_hold_is_refused():
    with pytest.raises(ProtocolError):
        write_reply(r.Pong(2**40), 1024)


# PROTOCOL.md


def documented(heading: str) -> dict[str, str]:
    """Address to signature of every row of the tables under a heading."""
    section = PROTOCOL.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows: list[tuple[str, str]] = re.findall(r"^\| `(/[^ `]*) ?([^`]*)`", section, flags=re.MULTILINE)
    return {address: text.replace("\\|", "|") for address, text in rows}


@pytest.mark.parametrize(
    ("heading", "table"),
    [("What a client sends", m.CLIENT_MESSAGES), ("What the daemon sends", r.DAEMON_MESSAGES)],
)
def test_protocol_page_lists_the_messages_of_the_code(heading, table):
    assert documented(heading) == {address: signature(kind) for address, kind in table.items()}


def test_protocol_page_lists_the_error_codes_of_the_code():
    from diffroll_live import errors

    codes = {e.code for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.DiffrollError)}
    section = PROTOCOL.read_text().split("\n## Errors\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)`", section, flags=re.MULTILINE)) == codes


def test_protocol_page_lists_the_options_of_the_code():
    from diffroll_live.limits import LIMITS
    from diffroll_live.server.job_settings import JobSettings

    section = PROTOCOL.read_text().split("\n## Options\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z_]+)`", section, flags=re.MULTILINE)) == set(JobSettings.OPTIONS)
    for name, limit in LIMITS.items():
        row = next(line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"{limit.low:.10g} to {limit.high:.10g}" in row
