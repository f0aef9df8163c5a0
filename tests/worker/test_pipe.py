"""Work over the pipe: audio once, and no more of it kept than a little."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
from support.asking import planned

from diffroll_live.types import AudioBuffer, Request
from diffroll_live.worker import pipe
from diffroll_live.worker.messages import Run
from diffroll_live.worker.pipe import WorkReceiver, WorkSender


def test_audio_goes_over_the_pipe_once():
    here, there = multiprocessing.Pipe()
    sender, receiver = WorkSender(here), WorkReceiver(there)
    received = []
    ones, zeros = np.ones(300, np.float32), np.zeros(2, np.float32)
    for number, samples in enumerate([ones, ones, zeros, None, ones, zeros]):
        audio = None if samples is None else AudioBuffer("b", samples, 16_000, 2.5)
        work = Run(number, planned(Request(f"job#{number}", "transcribe" if audio else "generate", audio)))
        sender.send(work)
        back = receiver.receive()
        assert (back.serial, back.plan.id) == (number, work.plan.id)
        if audio is not None:
            assert (back.plan.audio.name, back.plan.audio.origin) == ("b", 2.5)
            np.testing.assert_array_equal(back.plan.audio.samples, samples)
            received.append(back.plan.audio.samples)
    assert received[0] is received[1] is received[3]
    assert received[2] is received[4]
    assert received[0].flags.writeable
    assert not here.poll()


@pytest.mark.parametrize("is_freed", [True, False])
def test_the_process_keeps_a_little_audio_and_none_that_the_daemon_has_freed(monkeypatch, is_freed):
    monkeypatch.setattr(pipe, "KEPT_BYTES", 4000)
    here, there = multiprocessing.Pipe()
    sender, receiver = WorkSender(here), WorkReceiver(there)
    held = []
    for number in range(8):
        samples = np.full(300, number, np.float32)  # 1200 bytes
        held = [samples] if is_freed else [*held, samples]
        sender.send(Run(number, planned(Request("job", "transcribe", AudioBuffer("b", samples, 16_000)))))
        np.testing.assert_array_equal(receiver.receive().plan.audio.samples, samples)
        assert len(receiver._samples) == min(number + 1, 1 if is_freed else 3)
