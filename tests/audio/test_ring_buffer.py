"""The end of a stream, whatever the stream's blocks and pauses are, beside all of it in one array."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.audio.ring_buffer import RecentAudio

RATE = 10
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=30)


@given(STEPS, st.integers(1, 150))
def test_it_keeps_the_end_and_knows_where_that_begins(steps, most):
    recent, whole = RecentAudio(RATE, most), np.zeros(0, np.float32)
    for is_pause, count in steps:
        if is_pause:
            recent.skip(count)
            whole = np.append(whole, np.zeros(count, np.float32))
        else:
            samples = np.arange(len(whole), len(whole) + count, dtype=np.float32)
            recent.write(samples)
            whole = np.append(whole, samples)
    audio = recent.snapshot("b", 2.0)
    kept = min(most, len(whole))
    np.testing.assert_array_equal(audio.samples, whole[len(whole) - kept :])
    assert audio.origin == 2.0 + (len(whole) - kept) / RATE


def test_a_copy_stays_as_it_was():
    recent = RecentAudio(RATE, 4)
    recent.write(np.ones(4, np.float32))
    audio = recent.snapshot("b", 0.0)
    recent.write(np.zeros(4, np.float32))
    assert audio.samples.tolist() == [1, 1, 1, 1]
