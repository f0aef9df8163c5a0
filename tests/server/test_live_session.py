"""One live input: hops to the worker, notes to MIDI and OSC on the clock of the samples.

The worker and the MIDI output are fakes that record their calls.
"""

from __future__ import annotations

import numpy as np
import pytest
from support.live_bench import HOP, RATE, LiveBench

from diffroll_live.audio.clock import DEVICE_JITTER
from diffroll_live.errors import InternalError, RequestError
from diffroll_live.limits import set_option
from diffroll_live.live_types import LiveSettings
from diffroll_live.osc.replies import LiveNote, LiveStatus
from diffroll_live.server.live.session import HOP_SECONDS, KEPT_HOPS
from diffroll_live.worker.messages import LiveClose, LiveFailed, LiveOpen


def test_samples_go_to_the_worker_by_the_hop_and_never_queue() -> None:
    bench = LiveBench()
    assert bench.worker.messages == [LiveOpen(1, RATE)]
    for _ in range(3):
        bench.feed(0.5)
    assert bench.worker.feeds == [(0, HOP)]
    for _ in range(5):
        bench.feed(0.5)
    assert bench.worker.feeds == [(0, HOP)], "one hop is under way"
    assert bench.session.counts.missed == 2
    bench.answer()
    bench.feed(0.5)
    assert bench.worker.feeds == [(0, HOP), (HOP, round(3.5 * HOP))]


def test_what_waits_is_bounded() -> None:
    bench = LiveBench()
    bench.feed()
    for _ in range(3 * KEPT_HOPS):
        bench.feed()
    bench.answer()
    bench.feed()
    first, count = bench.worker.feeds[-1]
    assert count <= (KEPT_HOPS + 1) * HOP
    assert first + count == round((3 * KEPT_HOPS + 2) * HOP)


@pytest.mark.parametrize("seconds", [0.06, 1.0])
def test_a_short_gap_is_silence_between_blocks_and_a_gap_between_feeds(seconds: float) -> None:
    bench, lost, half = LiveBench(), round(seconds * RATE), np.full(HOP // 2, 0.5, np.float32)
    bench.take(half, bench.now)
    bench.take(half, bench.now + seconds)
    assert bench.worker.feeds == [(0, HOP + lost)]
    samples = bench.worker.messages[-1].samples
    assert np.array_equal(np.flatnonzero(samples == 0.0), np.arange(len(half), len(half) + lost))
    bench.answer()
    bench.feed(at=bench.now + seconds)
    assert bench.worker.feeds[-1] == (HOP + 2 * lost, HOP)


def test_a_long_gap_is_left_out() -> None:
    bench = LiveBench()
    bench.feed()
    bench.answer()
    bench.feed(0.5)
    bench.feed(at=bench.now + 60.0)
    assert bench.worker.feeds[-1] == (round(1.5 * HOP) + 60 * RATE, HOP)


def test_a_block_that_is_a_little_late_joins_the_one_before() -> None:
    bench = LiveBench()
    bench.feed()
    bench.answer()
    bench.feed(at=bench.now + DEVICE_JITTER / 2)
    assert bench.worker.feeds[-1] == (HOP, HOP)


def test_a_note_sounds_and_ends_the_asked_latency_after_it_was_played() -> None:
    bench = LiveBench(latency_ms=200.0)
    for _ in range(20):
        bench.feed()
        bench.answer(0.1, 0.5)
    assert [(what, at) for what, _, at in bench.midi.calls] == [("on", 100.3), ("off", 100.7)]
    lanes = [(r.lane, r.index, round(r.duration, 6)) for r in bench.client.sent if isinstance(r, LiveNote)]
    assert lanes == [("preview", 0, 0.0), ("commit", 0, 0.0), ("commit", 0, 0.4), ("revise", 0, 0.4)]


def test_the_decision_is_made_as_late_as_it_can_be() -> None:
    bench, decided = LiveBench(latency_ms=300.0), []
    for _ in range(20):
        bench.feed()
        before = len(bench.midi.calls)
        bench.answer(0.1)
        decided += [bench.now] * (len(bench.midi.calls) - before)
    assert 100.4 - 2.5 * HOP_SECONDS < decided[0] <= 100.4


def test_when_hops_are_late_the_notes_wait_for_them_and_the_client_learns_the_latency() -> None:
    bench, late = LiveBench(latency_ms=100.0), []
    for _ in range(60):
        edge = bench.now - 100.0
        bench.take(np.full(3 * HOP, 0.5, np.float32), bench.now)
        before = len(bench.midi.calls)
        bench.answer(int(edge) + 0.3, int(edge) + 0.4)
        late += [bench.now - due for what, _, due in bench.midi.calls[before:] if what == "on"]
    assert len(late) > 5
    assert max(late[1:]) <= 0.05
    assert 150.0 < [r for r in bench.client.sent if isinstance(r, LiveStatus)][-1].latency_ms < 300.0


def test_the_preview_lane_sounds_at_once() -> None:
    bench = LiveBench(lane="preview")
    for _ in range(4):
        bench.feed()
        bench.answer(0.07)
    assert bench.midi.calls == [("on", 60, pytest.approx(100.0 + 2 * HOP_SECONDS, abs=1e-3))]


@pytest.mark.parametrize(("deliver", "sounds", "tells"), [("osc", False, True), ("midi", True, False)])
def test_notes_go_only_where_they_are_wanted(deliver: str, sounds: bool, tells: bool) -> None:
    bench = LiveBench(deliver=deliver)
    for _ in range(8):
        bench.feed()
        bench.answer()
    assert bool(bench.midi.calls) == sounds
    assert bool(bench.client.notes("commit")) == tells


def test_listeners_get_every_lane() -> None:
    bench, notes = LiveBench(), []
    bench.session.listeners.append(lambda note, origin: notes.append((note.lane, origin)))
    for _ in range(20):
        bench.feed()
        bench.answer(0.1, 0.5)
    assert notes == [(lane, pytest.approx(100.0)) for lane in ("preview", "commit", "commit", "revise")]


@pytest.mark.parametrize("ending", ["interrupt", "close"])
def test_every_note_ends_with_the_session(ending: str) -> None:
    bench = LiveBench()
    for _ in range(8):
        bench.feed()
        bench.answer()
    getattr(bench.session, ending)()
    assert [what for what, _, _ in bench.midi.calls] == ["on", "off", "cancel"]
    assert bench.client.notes("commit")[-1].duration > 0
    assert bench.closed == (ending == "close")
    assert (LiveClose(1) in bench.worker.messages) == (ending == "close")


def test_nothing_is_sent_to_a_process_that_is_not_there_or_has_failed() -> None:
    bench = LiveBench()
    bench.worker.is_ready = False
    bench.feed(3)
    assert not bench.worker.feeds
    bench.worker.is_ready = True
    bench.session.resume()
    bench.feed()
    assert bench.worker.feeds == [(3 * HOP, HOP)]
    bench.session.on_event(LiveFailed(1, InternalError("The engine failed.")))
    bench.feed(3)
    assert len(bench.worker.feeds) == 1
    assert ("live", "internal") in bench.client.sent


@pytest.mark.slow
def test_hours_of_silence_send_no_message() -> None:
    bench = LiveBench()
    for _ in range(3 * 3600):
        bench.feed(1.0 / HOP_SECONDS)
        bench.answer(onset=1e9)
    assert not bench.client.sent
    assert not bench.midi.calls
    begin = bench.now
    bench.take(np.full(HOP, 0.5, np.float32), begin)
    bench.now = begin + 1.0
    bench.feed()
    (status,) = bench.client.sent
    assert isinstance(status, LiveStatus)
    assert status.hops == 3 * 3600
    bench.worker.is_ready = False
    bench.now += 1.0
    bench.feed(3.0)
    bench.now += 1.0
    bench.feed(3.0)
    assert bench.client.sent[-1].missed > 0, "problems are reported in silence, too"


def test_settings_are_checked() -> None:
    assert set_option(LiveSettings(), "latency", 250).latency_ms == 250.0
    assert set_option(LiveSettings(), "lane", "preview").lane == "preview"
    assert set_option(LiveSettings(), "channel", 16).channel == 16
    for key, value in (("latency", 10), ("latency", float("nan")), ("lane", "revise"), ("channel", 1.5), ("tempo", 1)):
        with pytest.raises(RequestError, match=key):
            set_option(LiveSettings(), key, value)


def test_notes_keep_to_a_device_whose_clock_is_off() -> None:
    bench, origins = LiveBench(), []
    bench.session.listeners.append(lambda note, origin: origins.append(origin))
    for hop in range(1000):
        bench.feed(at=100.0 + hop * HOP_SECONDS * 1.0001)
        bench.answer(0.1 if hop < 100 else 999 * HOP_SECONDS - 0.5)
    assert origins[-1] == pytest.approx(100.0 + 999 * HOP_SECONDS * 0.0001, abs=0.001)
