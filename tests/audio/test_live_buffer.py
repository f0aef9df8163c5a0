"""What a live buffer passes on: no sample twice, time that never goes back, silence for what does not come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.audio.clock import DEVICE_JITTER, Arrival, StampedBlock
from diffroll_live.audio.live_buffer import LiveBuffer
from diffroll_live.errors import Incomplete
from diffroll_live.osc import replies as r

RATE = 1000
ONES = np.ones(100, np.float32)  # 0.1 s


class Session:
    """Keeps what it is fed."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.fed: list[StampedBlock] = []
        self.closed = 0

    def feed(self, block: StampedBlock) -> None:
        assert not self.closed
        self.fed.append(replace(block, samples=block.samples.copy()))

    def close(self) -> None:
        self.closed += 1


class World:
    """A buffer with recording neighbours, open at RATE."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.sent: list[Any] = []
        self.buffer = LiveBuffer(
            "live", self.sent.append, self._open, jitter=DEVICE_JITTER, keep_samples=10 * RATE, origin=5.0
        )
        self.buffer.open(RATE)

    def _open(self, rate: int) -> Session:
        self.sessions.append(Session(rate))
        return self.sessions[-1]

    @property
    def fed(self) -> list[StampedBlock]:
        return self.sessions[-1].fed

    def write(self, samples: np.ndarray, at: float, **loss: int) -> None:
        self.buffer.write(Arrival(samples, at, **loss))


STEPS = st.lists(
    st.tuples(st.booleans(), st.floats(-0.3, 2.0), st.integers(0, 300)),  # wait or write; s; samples
    max_size=30,
)


@given(STEPS)
def test_time_never_goes_back_and_the_recording_is_as_long_as_the_time(steps):
    world, now = World(), 100.0
    for is_wait, pause, count in steps:
        now = max(100.0, now + pause)
        if is_wait:
            world.buffer.wait(now)
        else:
            world.write(np.ones(count, np.float32), now)
            now += count / RATE
    end = None
    for block in world.fed:
        assert len(block.samples)
        assert block.first >= (0 if end is None else end.end)
        assert end is None or block.at > end.at + len(end.samples) / RATE - 0.0011
        end = block
    if end is not None:
        audio = world.buffer.snapshot()
        assert audio.origin + audio.seconds == pytest.approx(5.0 + end.end / RATE)


def test_a_recording_knows_when_it_was_heard():
    world = World()
    for block in range(30):
        world.write(ONES, 10.0 + 0.1 * block)
    audio = world.buffer.snapshot()
    assert audio.heard_at == pytest.approx(13.0 - audio.seconds)
    world.write(ONES, 13.3)  # after a gap
    audio = world.buffer.snapshot()
    assert audio.heard_at == pytest.approx(13.4 - audio.seconds)


def test_silence_stands_for_what_does_not_come_for_a_while():
    world = World()
    world.write(ONES, 10.0)
    for tenths in range(100):
        world.buffer.wait(10.0 + tenths / 10)
    first, *rest = world.fed
    assert first.samples.all()
    assert not any(block.samples.any() for block in rest)
    assert sum(len(block.samples) for block in rest) == 3 * RATE
    assert world.sent[-1] == r.AudioLevel("live", -120.0, -120.0)


@pytest.mark.slow
def test_hours_of_silence_are_one_message():
    world = World()
    for second in range(4 * 3600):
        world.write(np.zeros(RATE, np.float32), float(second))
    assert world.sent == [r.AudioLevel("live", -120.0, -120.0)]


def test_what_comes_later_than_silence_stood_for_it_is_cut():
    world = World()
    world.write(ONES, 10.0)
    world.buffer.wait(10.65)  # silence up to 10.15
    world.write(ONES, 10.1)
    assert [block.at for block in world.fed] == pytest.approx([10.0, 10.1, 10.15])
    assert [block.first for block in world.fed] == [0, 100, 150]
    assert len(world.fed[-1].samples) == 50


def test_a_gap_is_in_the_recording_and_at_another_rate_all_starts_over():
    world = World()
    world.write(ONES, 10.0)
    world.write(ONES, 10.3)
    np.testing.assert_array_equal(world.buffer.snapshot().samples, np.repeat([1, 0, 0, 1], 100))
    world.buffer.open(RATE)
    assert len(world.sessions) == 1
    world.buffer.open(2 * RATE)
    assert [session.closed for session in world.sessions] == [1, 0]
    with pytest.raises(Incomplete):
        world.buffer.snapshot()


def test_what_is_no_number_is_silence():
    world = World()
    world.write(np.array([np.nan, 0.5, np.inf, -np.inf] * 25, np.float32), 10.0)
    np.testing.assert_array_equal(world.fed[0].samples, np.array([0, 0.5, 0, 0] * 25, np.float32))
    assert world.sent == [r.AudioLevel("live", pytest.approx(-12.04, abs=0.01), pytest.approx(-6.02, abs=0.01))]


def test_losses_are_reported_once_a_second_at_most_with_all_that_came_before(monkeypatch):
    world, now = World(), 50.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    for step in range(30):
        now = 50.0 + step / 10
        world.write(ONES, 10.0 + step / 10, overrun=True, lost=10)
    world.write(ONES, 13.5, overrun=True)
    now += 2.0
    world.write(ONES, 13.6)
    reports = [reply for reply in world.sent if isinstance(reply, r.AudioOverrun)]
    counts = [(reply.count, round(reply.seconds, 2)) for reply in reports]
    assert counts == [(1, 0.01), (12, 0.12), (23, 0.23), (31, 0.8)]


def test_losses_go_on_being_counted_at_another_rate(monkeypatch):
    world, now = World(), 50.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    world.write(ONES, 10.0, overrun=True, lost=10)
    world.buffer.open(2 * RATE)
    now += 2.0
    world.write(ONES, 20.0, overrun=True, lost=20)
    assert [reply for reply in world.sent if isinstance(reply, r.AudioOverrun)][-1].count == 2


def test_it_is_closed_once():
    world, left = World(), []
    world.buffer.on_close = lambda: left.append(1)
    world.buffer.close()
    world.buffer.close()
    assert (world.sessions[0].closed, left, world.buffer.closed) == (1, [1], True)
