"""Packets through a stream: whole again however the stream was cut, and no length is believed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.errors import ProtocolError
from diffroll_live.osc.framing import PacketReader, frame

PACKETS = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


@given(packets=PACKETS, piece=st.integers(1, 50))
def test_packets_come_whole_however_the_stream_is_cut(packets: list[bytes], piece: int) -> None:
    sent = b"".join(map(frame, packets))
    reader, received = PacketReader(40), []
    for at in range(0, len(sent), piece):
        reader.feed(sent[at : at + piece])
        received += reader.packets()
    assert received == packets


def test_the_length_is_an_int32_in_network_order() -> None:
    assert frame(b"/abc") == b"\0\0\0\4/abc"


def test_an_unfinished_packet_waits() -> None:
    reader = PacketReader(100)
    reader.feed(frame(b"one") + frame(b"two")[:-1])
    assert list(reader.packets()) == [b"one"]
    assert list(reader.packets()) == []


@pytest.mark.parametrize("length", [-(2**31), -1, 0, 11, 2**31 - 1])
def test_an_impossible_length_is_refused_before_its_bytes_are_waited_for(length: int) -> None:
    reader = PacketReader(10)
    reader.feed(frame(b"good") + struct.pack(">i", length))
    packets = reader.packets()
    assert next(packets) == b"good"
    with pytest.raises(ProtocolError, match="outside 1 to 10"):
        next(packets)
