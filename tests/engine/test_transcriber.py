"""The live edge: the same samples and features as of a file, the same notes as offline but for the future."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import EXAMPLES
from support.tiny import tiny_adapter

from diffroll_live.engine.defaults import Defaults
from diffroll_live.engine.engine import TorchEngine
from diffroll_live.engine.features import Recording, Resampled
from diffroll_live.engine.live.onset_candidates import live_estimate
from diffroll_live.engine.live.priority import PriorityGate
from diffroll_live.engine.live.resampler import StreamingResampler
from diffroll_live.engine.live.transcriber import StreamingTranscriber, _Past
from diffroll_live.engine.loading import load_engine
from diffroll_live.errors import RequestError
from diffroll_live.evaluation.scores import score_one
from diffroll_live.files.audio_file import read_audio
from diffroll_live.live_types import LiveEstimate
from diffroll_live.model.decoding import Posterior, Thresholds
from diffroll_live.server.live.note_tracker import NoteTracker
from diffroll_live.types import AudioBuffer

HOP = 1024  # samples
CPU = torch.device("cpu")


def noise(seconds: float, rate: int = 16_000) -> np.ndarray:
    return (np.random.default_rng(0).standard_normal(round(seconds * rate)) * 0.1).astype(np.float32)


def new_transcriber() -> StreamingTranscriber:
    adapter = tiny_adapter()
    return StreamingTranscriber(adapter, Defaults(), 16_000, PriorityGate(adapter.network))


@settings(max_examples=20)
@given(
    st.sampled_from([8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]),
    st.lists(st.integers(0, 3000), min_size=1, max_size=12).filter(any),
)
def test_a_stream_is_resampled_as_a_file_is(rate: int, blocks: list[int]) -> None:
    samples = noise(sum(blocks) / rate + 0.01, rate)
    resampler, ends = StreamingResampler(rate, 16_000, CPU), np.cumsum([0, *blocks])
    streamed = torch.cat([resampler.push(samples[a:b]) for a, b in pairwise(ends)])
    whole = Resampled(AudioBuffer("", samples[: ends[-1]], rate), 16_000, CPU)
    assert 0 <= whole.n_samples - len(streamed) <= 20
    torch.testing.assert_close(streamed, whole.samples(0, len(streamed)), atol=1e-5, rtol=0)


def test_features_and_the_gate_are_those_of_a_file() -> None:
    adapter, samples = tiny_adapter(), noise(3.0)
    samples[20_000:30_000] *= 1e-5
    past = _Past(adapter, -65.0, 16_000, 0)
    for at in range(0, len(samples), 1000):
        past.take(samples[at : at + 1000])
        whole = Recording(AudioBuffer("", samples[: past._n_samples], 16_000), adapter, -65.0)
        n = min(past.n_frames, adapter.live_frames)
        assert whole.n_frames == past.n_frames
        torch.testing.assert_close(past.features[:, -n:], whole.features()[:, -n:])
        assert torch.equal(past.loud[-n:], whole.loud(past.n_frames - n, past.n_frames)[:, 0])


def test_a_gap_is_silence_and_a_long_one_starts_over() -> None:
    transcriber, samples = new_transcriber(), noise(1.0)
    transcriber.update(0, samples[:HOP])
    short = transcriber.update(4 * HOP, samples[:HOP])
    filled = new_transcriber()
    filled.update(0, np.concatenate([samples[:HOP], np.zeros(3 * HOP, np.float32), samples[:HOP]]))
    torch.testing.assert_close(transcriber._past.features, filled._past.features)
    assert short.edge == pytest.approx(5 * HOP / 16_000, abs=0.016)
    far = 10_000 * HOP
    assert transcriber.update(far, samples[:HOP]).edge == pytest.approx((far + HOP) / 16_000, abs=0.016)
    assert transcriber._past.n_frames < 5
    assert transcriber.update(0, samples[:HOP]).edge == pytest.approx(HOP / 16_000, abs=0.016), (
        "the counting started over"
    )


def test_silence_is_not_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    transcriber, asked = new_transcriber(), []
    monkeypatch.setattr(transcriber, "_evaluate", lambda past, n_frames: asked.append(past.n_frames))
    monkeypatch.setattr("diffroll_live.engine.live.transcriber.live_estimate", lambda *_: None)
    transcriber.update(0, noise(0.1))
    assert len(asked) == 1
    silent = [transcriber.update(transcriber._past.next, np.zeros(HOP, np.float32)) for _ in range(40)]
    assert 20 < len(asked) < 30, "until the sound is out of the window"
    assert (silent[-1].candidates, silent[-1].spans) == ((), ())
    assert silent[-1].edge == pytest.approx(0.1 + 40 * HOP / 16_000, abs=0.02)


def test_warming_up_leaves_nothing_behind() -> None:
    transcriber = new_transcriber()
    transcriber.warm_up()
    assert transcriber.update(0, np.zeros(HOP, np.float32)).edge == pytest.approx(HOP / 16_000, abs=0.016)
    assert not transcriber._past.loud.any()


def test_estimates_are_peaks_and_spans() -> None:
    zeros = torch.zeros(40, 88)
    posterior = Posterior(zeros.clone(), zeros.clone(), zeros + 0.5, zeros + 0.25, zeros.clone())
    posterior.onset[10, 39], posterior.onset[30, 39], posterior.onset[1, 39] = 0.9, 0.35, 0.9
    posterior.frame[10:20, 39] = posterior.frame[30:, 39] = 1.0
    estimate = live_estimate(posterior, Thresholds(0.5, 0.5), 50.0, 7.0)
    assert (estimate.since, estimate.edge, estimate.threshold) == (7.06, 7.8, 0.5)
    onsets = [(s.pitch, round(s.onset, 3), s.velocity, round(s.probability, 3)) for s in estimate.candidates]
    assert onsets == [(60, 7.205, 64, 0.9), (60, 7.605, 64, 0.35)]
    assert [(s.pitch, s.begin, s.end) for s in estimate.spans] == [(60, 7.2, 7.4), (60, 7.6, None)]


def test_a_job_is_held_up_at_its_next_layer_while_a_hop_is_transcribed() -> None:
    adapter = tiny_adapter()
    gate, steps = PriorityGate(adapter.network), []
    features, mask = torch.zeros(1, adapter.n_features, 16), torch.ones(1, 1, 16)

    def job() -> None:
        adapter.encode(features, mask)
        steps.append("job")

    thread = threading.Thread(target=job)
    with gate.first():
        thread.start()
        thread.join(0.3)
        adapter.encode(features, mask)
        steps.append("hop")
    thread.join(60.0)
    assert steps == ["hop", "job"]


# The model that ships


@pytest.fixture(scope="module")
def engine() -> Iterator[TorchEngine]:
    threads = torch.get_num_threads()  # a transcriber wants one on the thread that makes it
    yield load_engine("compact", "cpu", warm=False)
    torch.set_num_threads(threads)


def estimates(engine: TorchEngine, samples: np.ndarray) -> list[LiveEstimate]:
    transcriber = engine.open_stream(16_000)
    return [transcriber.update(at, samples[at : at + HOP]) for at in range(0, len(samples), HOP)]


@pytest.mark.slow
def test_live_notes_are_nearly_those_of_the_recording(engine: TorchEngine) -> None:
    seconds, latency = 6.0, 0.15  # of the clip; from the edge back to what is decided
    clip = read_audio(EXAMPLES / "clip.flac", 0.0, seconds)
    with (EXAMPLES / "clip.csv").open(newline="") as handle:
        rows = np.array([list(map(float, row)) for row in list(csv.reader(handle))[1:]])
    played = rows[rows[:, 0] < seconds]
    notes, sent = NoteTracker(), []
    for estimate in estimates(engine, clip.samples):
        sent += notes.update(estimate, estimate.edge - latency)
    sent += notes.finish(seconds)
    for lane in ("commit", "revise"):
        found = [[n.onset, n.offset, n.pitch, n.velocity] for n in sent if n.lane == lane and n.offset and n.velocity]
        assert score_one(np.array(found), played).onset >= 0.7


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.0, 1e-4, 3e-3])
def test_a_silent_input_has_no_notes(engine: TorchEngine, level: float) -> None:
    assert not any(estimate.candidates for estimate in estimates(engine, noise(2.0) * np.float32(10 * level)))


def test_a_model_that_cannot_transcribe_live_says_so(engine: TorchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    offline = TorchEngine(tiny_adapter(), engine.info, Defaults())
    object.__setattr__(offline.adapter, "live_frames", 0)
    with pytest.raises(RequestError, match="cannot transcribe live"):
        offline.open_stream(48_000)
