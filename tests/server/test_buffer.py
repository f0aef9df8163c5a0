"""The life of a buffer: which state follows which, what it holds in each, and who is answered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from diffroll_live.audio.chunk_stream import ChunkStream
from diffroll_live.audio.chunks import ChunkAssembly, ChunkPlan
from diffroll_live.audio.clock import DEVICE_JITTER, StampedBlock
from diffroll_live.audio.live_buffer import LiveBuffer
from diffroll_live.errors import Incomplete, InternalError, UnknownBuffer
from diffroll_live.server.buffer import Buffer, BufferState
from diffroll_live.types import AudioBuffer

AUDIO = AudioBuffer("b", np.zeros(100, np.float32), 16_000)
FREED = UnknownBuffer("The buffer was freed.")


class Session:
    """Counts how often it is closed."""

    closed = 0

    def feed(self, block: StampedBlock) -> None: ...

    def close(self) -> None:
        self.closed += 1


def receiving() -> Buffer:
    return Buffer(800, assembly=ChunkAssembly(ChunkPlan("b", 16_000, 1, 100, "f32", 40)))


def loading() -> Buffer:
    buffer = receiving()
    buffer.load()
    return buffer


def live(session: Session | None = None, stream: ChunkStream | None = None) -> Buffer:
    source = LiveBuffer("b", lambda _: None, lambda _: session or Session(), jitter=DEVICE_JITTER, keep_samples=16_000)
    source.open(16_000)
    return Buffer(800, live=source, stream=stream)


def ready() -> Buffer:
    buffer = loading()
    buffer.finish(AUDIO)
    return buffer


def freed() -> Buffer:
    buffer = ready()
    buffer.free(FREED)
    return buffer


MADE = {
    BufferState.RECEIVING: receiving,
    BufferState.LOADING: loading,
    BufferState.LIVE: live,
    BufferState.READY: ready,
    BufferState.FREED: freed,
}
STEPS: dict[str, Callable[[Buffer], None]] = {
    "load": Buffer.load,
    "receive_again": Buffer.receive_again,
    "finish": lambda buffer: buffer.finish(AUDIO),
    "free": lambda buffer: buffer.free(FREED),
}
AFTER = {
    (BufferState.RECEIVING, "load"): BufferState.LOADING,
    (BufferState.LOADING, "receive_again"): BufferState.RECEIVING,
    (BufferState.LOADING, "finish"): BufferState.READY,
    (BufferState.LIVE, "finish"): BufferState.READY,
    **{(state, "free"): BufferState.FREED for state in BufferState},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", BufferState)
def test_a_state_is_followed_by_those_that_make_sense(state, step):
    buffer = MADE[state]()
    assert buffer.state is state
    if (state, step) in AFTER:
        STEPS[step](buffer)
        assert buffer.state is AFTER[state, step]
    else:
        with pytest.raises(InternalError, match=state.value):
            STEPS[step](buffer)
        assert buffer.state is state


@pytest.mark.parametrize("state", BufferState)
def test_it_holds_what_its_state_says(state):
    buffer = MADE[state]()
    held = {"assembly": buffer.assembly, "live": buffer.live, "audio": buffer.audio}
    owner = {"assembly": BufferState.RECEIVING, "live": BufferState.LIVE, "audio": BufferState.READY}
    assert {name for name, value in held.items() if value is not None} == {n for n, s in owner.items() if s is state}


def test_jobs_get_what_is_ready_and_wait_for_what_is_loaded():
    assert ready().snapshot("b") is AUDIO
    assert loading().snapshot("b") is None
    with pytest.raises(Incomplete, match="lacks 10 chunks"):
        receiving().snapshot("b")
    with pytest.raises(Incomplete, match="no sound yet"):
        live().snapshot("b")


@pytest.mark.parametrize("step", ["finish", "free"])
def test_a_live_buffer_stops_once(step):
    session = Session()
    buffer = live(session)
    STEPS[step](buffer)
    buffer.free(FREED)
    assert session.closed == 1


def test_what_waits_is_answered_once():
    buffer, answers = loading(), []
    buffer.wait(answers.append)
    buffer.free(FREED)
    buffer.free(FREED)
    assert answers == [FREED]


def test_only_a_device_is_captured():
    assert live().is_captured
    assert not live(stream=ChunkStream("b", 16_000, 1, "f32", 40)).is_captured
    assert not ready().is_captured
