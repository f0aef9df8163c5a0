"""The end of a stream, whatever the stream's blocks and pauses are, beside all of it in one array."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.audio.ring_buffer import RingBuffer

RATE = 10
STEPS = st.lists(st.tuples(st.just(0) | st.integers(0, 200), st.integers(0, 200)), max_size=30)


@given(STEPS, st.integers(1, 150))
def test_it_keeps_the_end_and_knows_where_that_begins(steps, most):
    ring, whole, first = RingBuffer(RATE, most), np.zeros(0, np.float32), 0
    for gap, count in steps:
        first += gap
        samples = np.arange(first, first + count, dtype=np.float32)
        ring.write(first, samples)
        whole = np.concatenate([whole, np.zeros(first - len(whole), np.float32), samples])
        first += count
    audio = ring.snapshot("b", 2.0)
    kept = min(most, len(whole))
    np.testing.assert_array_equal(audio.samples, whole[len(whole) - kept :])
    assert audio.origin == 2.0 + (len(whole) - kept) / RATE


def test_a_copy_stays_as_it_was():
    ring = RingBuffer(RATE, 4)
    ring.write(0, np.ones(4, np.float32))
    audio = ring.snapshot("b", 0.0)
    ring.write(4, np.zeros(4, np.float32))
    assert audio.samples.tolist() == [1, 1, 1, 1]
