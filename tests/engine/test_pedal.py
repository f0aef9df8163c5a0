"""The sustain pedal from sound to spans, by a network that was set to hear it where it is loud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.asking import ask
from support.engines import float32_engine
from support.tiny import listening_adapter, tiny_adapter, write_tiny_model

from diffroll_live.engine.defaults import Defaults
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.live.priority import PriorityGate
from diffroll_live.engine.live.transcriber import StreamingTranscriber
from diffroll_live.live_types import LiveEstimate
from diffroll_live.meter.meter_map import steady_meter
from diffroll_live.server.live.pedal_tracker import PedalTracker
from diffroll_live.types import AudioBuffer, ModelInfo, NoteEvent, Options, PedalSpan, Region, Request

RATE = 16_000
INFO = ModelInfo("tiny", "0", "CC0-1.0", "0" * 64, "cpu", RATE, 256, 0, 600.0)
LOUD = (1.0, 2.0)  # s
NEAR = 0.3  # s; the network of these tests is small, and blurs


def swell() -> AudioBuffer:
    """Three seconds, of which the second is loud."""
    samples = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32) * 0.1
    samples[:RATE] = samples[2 * RATE :] = 0.0
    return AudioBuffer("swell", samples, RATE)


@pytest.fixture(scope="module")
def engine() -> TorchEngine:
    return TorchEngine(listening_adapter(), INFO, Defaults(onset_threshold=0.12))


def pedal(engine: TorchEngine, request: Request) -> list[tuple[float, float]]:
    return [(span.down, span.up) for span in ask(engine, request).pedal]


REQUEST = Request("job", "transcribe", swell())


def test_the_pedal_is_heard(engine):
    assert pedal(engine, REQUEST) == [pytest.approx(LOUD, abs=NEAR)]


def test_it_is_the_same_when_notes_are_decoded_again(engine):
    once = pedal(engine, REQUEST)
    assert [(s.down, s.up) for s in engine.redecode("job", 0.9, 0.05).pedal] == once


def test_nothing_is_said_of_it_when_it_is_not_wanted(engine):
    assert not pedal(engine, replace(REQUEST, options=Options(pedal="off")))


def test_the_users_stays_outside_what_is_heard(engine):
    """Of a pedal from 0.2 to 2.9 s, the part in the region is replaced."""
    known = (PedalSpan(0.2, 2.9),)
    found = pedal(engine, replace(REQUEST, pedal=known, regions=(Region(1.2, 2.8, hear=True),)))
    assert found[0][0] == 0.2
    assert found[0][1] == pytest.approx(LOUD[1], abs=NEAR)
    assert found[-1] == (2.8, 2.9)


def test_the_users_stays_where_the_network_has_no_ear_for_it():
    deaf = TorchEngine(tiny_adapter(), INFO, Defaults(onset_threshold=0.12))
    known = (PedalSpan(0.2, 1.2), PedalSpan(1.3, 2.9))
    assert ask(deaf, REQUEST).pedal == ()
    assert ask(deaf, replace(REQUEST, pedal=known)).pedal == known


@pytest.mark.parametrize("mode", ["on", "off"])
def test_in_a_hole_that_is_written_the_pedal_of_the_bars_before_goes_on(tmp_path, mode):
    notes = tuple(NoteEvent(0.5 * at, 0.5 * at + 0.4, 60 + at % 5, 70) for at in range(16))
    known = tuple(PedalSpan(2.0 * bar + 0.1, 2.0 * bar + 1.9) for bar in (0, 1, 3))
    request = Request("job", "inpaint", None, (Region(4.0, 6.0),), notes, Options(pedal=mode), pedal=known)
    for writes in float32_engine(write_tiny_model(tmp_path / "tiny").path):
        found = ask(writes, replace(request, meter=steady_meter(120.0))).pedal
        new = [span for span in found if span not in known]
        assert set(known) <= set(found)
        assert new == ([] if mode == "off" else [PedalSpan(pytest.approx(4.1), pytest.approx(5.9))])


@torch.inference_mode()
def estimates() -> Iterator[LiveEstimate]:
    adapter = listening_adapter()
    stream = StreamingTranscriber(adapter, Defaults(onset_threshold=0.12), RATE, PriorityGate(adapter.network))
    samples = swell().samples
    for first in range(0, len(samples), 1024):
        yield stream.update(first, samples[first : first + 1024])


@pytest.mark.slow
def test_a_live_input_has_a_pedal_that_moves_as_late_as_its_notes():
    tracker, moves = PedalTracker(), []
    for estimate in estimates():
        moves += tracker.update(estimate, estimate.edge - 0.15)
    assert [move.down for move in moves] == [True, False]
    assert [move.at for move in moves] == [pytest.approx(t, abs=NEAR) for t in LOUD]
