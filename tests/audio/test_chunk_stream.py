"""A stream of chunks: order, losses, bursts, pauses, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.audio.chunk_stream import ChunkStream
from diffroll_live.audio.clock import CLIENT_JITTER, StreamClock
from diffroll_live.errors import AudioError, ProtocolError

RATE = 8000
CHUNK = np.linspace(-1, 1, 800, dtype=np.float32)  # 0.1 s
RAW = CHUNK.tobytes()


def stream(**changes) -> ChunkStream:
    layout = {"sample_rate": RATE, "channels": 1, "fmt": "f32", "chunk_bytes": len(RAW)} | changes
    return ChunkStream("b", **layout)


@given(st.lists(st.floats(0.0, 0.3), min_size=2, max_size=40))
def test_chunks_that_come_in_bursts_join(delays):
    chunks, clock = stream(), StreamClock(RATE, CLIENT_JITTER)
    stamped = [clock.stamp(chunks.take(i, RAW, 50.0 + 0.1 * i + delay)) for i, delay in enumerate(delays)]
    for before, after in itertools.pairwise(stamped):
        assert after.first == before.end
        assert abs(after.at - before.at - 0.1) <= 0.001001
    assert chunks.received == len(delays)


def test_floats_and_blobs_of_any_length_and_layout_are_read():
    np.testing.assert_array_equal(stream().take(0, CHUNK[:7], 1.0).samples, CHUNK[:7])
    np.testing.assert_array_equal(stream().take(0, RAW[:40], 1.0).samples, CHUNK[:10])
    stereo = np.array([[16384, -16384], [16384, 16384]], "<i2").tobytes()
    assert stream(channels=2, fmt="s16").take(0, stereo, 1.0).samples.tolist() == [0.0, 0.5]


def test_a_chunk_that_comes_too_late_is_passed_over_and_a_missing_one_is_a_loss():
    chunks = stream()
    chunks.take(0, RAW, 10.0)
    ahead = chunks.take(3, RAW, 10.3)
    assert (ahead.overrun, ahead.lost, ahead.at) == (True, 1600, pytest.approx(10.2))
    assert chunks.take(2, RAW, 10.31) is None
    assert chunks.take(3, RAW, 10.32) is None


def test_the_last_sample_sounds_as_the_chunk_comes_in():
    arrival = stream().take(0, RAW, 70.0)
    assert (arrival.at, arrival.overrun, arrival.lost) == (pytest.approx(69.9), False, 0)


def test_a_whole_file_at_once_is_not_live():
    chunks, clock = stream(), StreamClock(RATE, CLIENT_JITTER)
    stamped = [clock.stamp(chunks.take(i, RAW, 10.0)) for i in range(100)]
    assert 1.0 < sum(len(block.samples) for block in stamped) / RATE < 1.3
    assert clock.lost > 8.5
    before = clock.overruns
    clock.stamp(chunks.take(100, RAW, 12.0))
    assert clock.overruns == before


@pytest.mark.parametrize(
    ("index", "data"), [(-1, RAW), (0, b""), (0, RAW + RAW), (0, b"abc"), (0, np.zeros(801, np.float32))]
)
def test_chunks_that_cannot_be_are_refused(index, data):
    with pytest.raises(ProtocolError):
        stream().take(index, data, 1.0)


def test_samples_that_are_no_numbers_are_refused_and_the_stream_goes_on():
    chunks = stream()
    with pytest.raises(AudioError, match="NaN or infinite"):
        chunks.take(0, np.array([np.nan], np.float32), 1.0)
    assert chunks.take(1, RAW, 1.1) is not None


@pytest.mark.parametrize(
    "layout",
    [{"sample_rate": 100}, {"channels": 0}, {"channels": 65}, {"fmt": "f64"}, {"chunk_bytes": 0}, {"chunk_bytes": 3}],
)
def test_layouts_that_cannot_be_are_refused(layout):
    with pytest.raises((AudioError, ProtocolError)):
        stream(**layout)
