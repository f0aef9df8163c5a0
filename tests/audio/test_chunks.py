"""Chunks in any order, repeated or lost, give the bytes that were sent."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.audio.chunks import ChunkAssembly, ChunkPlan
from diffroll_live.audio.pcm import FORMATS
from diffroll_live.errors import AudioError, BadChecksum, ProtocolError, TooLarge


@st.composite
def buffers(draw: st.DrawFn) -> tuple[ChunkPlan, bytes]:
    fmt = draw(st.sampled_from(sorted(FORMATS)))
    channels, frames = draw(st.integers(1, 4)), draw(st.integers(1, 200))
    plan = ChunkPlan("b", 16_000, channels, frames, fmt, draw(st.integers(1, 200)))
    size, rng = frames * channels, np.random.default_rng(draw(st.integers(0, 99)))
    samples = rng.uniform(-1, 1, size) if fmt == "f32" else rng.integers(-(2**15), 2**15, size)
    return plan, np.array(samples, FORMATS[fmt]).tobytes()


def chunk(plan: ChunkPlan, raw: bytes, index: int) -> bytes:
    return raw[index * plan.chunk_bytes : (index + 1) * plan.chunk_bytes]


@given(buffers(), st.randoms(use_true_random=False), st.data())
def test_loss_disorder_and_repeats_do_no_harm(buffer, random, data):
    plan, raw = buffer
    assembly = ChunkAssembly(plan)
    pending = list(range(plan.chunks))
    while pending:
        sent = pending + random.choices(range(plan.chunks), k=3)  # some come twice
        random.shuffle(sent)
        kept = data.draw(st.integers(1, len(sent)))
        for index in sent[:kept]:
            assembly.add(index, chunk(plan, raw, index))
        assert set(assembly.missing()) == set(pending) - set(sent[:kept])
        pending = list(assembly.missing())
        assert assembly.received == plan.chunks - len(pending)
    assert bytes(assembly.raw) == raw
    audio = assembly.finish(zlib.crc32(raw))
    samples = np.frombuffer(raw, FORMATS[plan.fmt]).reshape(-1, plan.channels)
    scale = 1.0 if plan.fmt == "f32" else 32768.0
    np.testing.assert_allclose(audio.samples, samples.astype(np.float64).mean(axis=1) / scale, atol=1e-6)
    assert (audio.sample_rate, audio.samples.dtype) == (16_000, np.float32)


def test_an_ack_is_due_every_window():
    plan = ChunkPlan("b", 16_000, 1, 10_000, "f32", 40)
    assembly = ChunkAssembly(plan)
    due = [assembly.add(index, b"\0" * 40) for index in range(2 * plan.window)]
    assert [i for i, ack in enumerate(due, 1) if ack] == [plan.window, 2 * plan.window]


@pytest.mark.parametrize(("chunk_bytes", "window"), [(1, 64), (4096, 64), (65_536, 4), (1 << 20, 1)])
def test_the_window_shrinks_with_the_chunks(chunk_bytes, window):
    assert ChunkPlan("b", 16_000, 1, 100_000, "f32", chunk_bytes).window == window


def test_checksums_may_be_signed_and_a_wrong_one_starts_anew():
    raw = b"\x01\x02\x03\x04" * 3
    assert zlib.crc32(raw) > 2**31
    assembly = ChunkAssembly(ChunkPlan("b", 16_000, 1, 3, "f32", 12))
    assembly.add(0, raw)
    with pytest.raises(BadChecksum):
        assembly.finish(1)
    assert assembly.missing() == (0,)
    assembly.add(0, raw)
    assert len(assembly.finish(zlib.crc32(raw) - 2**32).samples) == 3


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"sample_rate": 0}, AudioError),
        ({"channels": 65}, AudioError),
        ({"frames": 0}, AudioError),
        ({"frames": -1}, AudioError),
        ({"fmt": "u8"}, AudioError),
        ({"chunk_bytes": 0}, ProtocolError),
        ({"frames": 2**62}, TooLarge),
    ],
)
def test_plans_that_cannot_be_take_no_memory(change, error):
    good = {"name": "b", "sample_rate": 16_000, "channels": 1, "frames": 10, "fmt": "f32", "chunk_bytes": 1024}
    ChunkPlan(**good)
    with pytest.raises(error):
        ChunkPlan(**(good | change))
