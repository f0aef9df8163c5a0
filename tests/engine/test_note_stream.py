"""Decoding as a posterior grows: the same notes as from the whole, wherever it is cut."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.engine.note_stream import Decode, NoteStream
from diffroll_live.model.adapters.diffroll import DiffRollAdapter
from diffroll_live.model.decoding import Posterior, Thresholds, decode
from diffroll_live.model.networks.diffroll import DiffRoll, DiffRollConfig
from diffroll_live.model.networks.diffroll_mel import LogMel, MelConfig
from diffroll_live.model.roll_targets import NoteArray, long_enough
from diffroll_live.model.schedules import LinearSchedule
from diffroll_live.music.roll import RollGeometry

GEOMETRY = RollGeometry(16_000, 256)
ALL = Thresholds(0.5, 0.5, 0.0)
DIFFROLL = DiffRollAdapter(
    DiffRoll(DiffRollConfig(residual_channels=1, residual_layers=1)),
    LogMel(MelConfig()),
    LinearSchedule(),
    torch.device("cpu"),
)
DECODERS: dict[str, tuple[Decode, float]] = {
    "peaks": (partial(decode, geometry=GEOMETRY, thresholds=ALL), GEOMETRY.frame_rate),
    "runs": (partial(DIFFROLL.decode, thresholds=ALL), DIFFROLL.geometry.frame_rate),
}


def posterior_of(seed: int, n_frames: int, busy: float) -> Posterior:
    """A posterior in which anything may happen, on a few pitches: onsets of any width, repeats, gaps and long notes."""
    rng = np.random.default_rng(seed)
    shape = (n_frames, 88)
    active = np.isin(np.arange(88), rng.choice(88, 5))
    onset = np.where(rng.random(shape) < busy, rng.random(shape), 0.0) * active
    frame = np.maximum(rng.random(shape) < 0.9, onset > 0.5) * active
    shifts = rng.uniform(-2.0, 2.0, (2, *shape))
    parts = (onset, frame, rng.random(shape), *shifts)
    return Posterior(*(torch.from_numpy(part.astype(np.float32)) for part in parts))


def pieces(posterior: Posterior, cuts: list[int]) -> list[Posterior]:
    edges = [0, *sorted(min(cut, posterior.n_frames) for cut in cuts), posterior.n_frames]
    return [posterior.cut(a, b) for a, b in pairwise(edges)]


def streamed(stream: NoteStream, parts: list[Posterior]) -> NoteArray:
    rows = np.concatenate([*(stream.push(part) for part in parts), stream.finish()])
    return rows[np.lexsort((rows[:, 2], rows[:, 0]))]


@pytest.mark.slow
@pytest.mark.parametrize("name", DECODERS)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_frames=st.integers(1, 120),
    busy=st.floats(0.0, 0.5),
    cuts=st.lists(st.integers(0, 120), max_size=12),
    first=st.integers(0, 5000),
    min_note=st.sampled_from([0.0, 0.03, 0.2, 1.0]),
)
def test_streamed_is_whole(
    name: str, seed: int, n_frames: int, busy: float, cuts: list[int], first: int, min_note: float
) -> None:
    decoder, rate = DECODERS[name]
    posterior = posterior_of(seed, n_frames, busy)
    whole = decoder(posterior)
    whole[:, :2] = np.round(whole[:, :2] + first / rate, 6)
    whole = whole[long_enough(whole, min_note)]
    rows = streamed(NoteStream(decoder, rate, first, min_note), pieces(posterior, cuts))
    np.testing.assert_array_equal(rows, whole[np.lexsort((whole[:, 2], whole[:, 0]))])


def test_a_note_comes_out_once_it_has_ended() -> None:
    decoder, rate = DECODERS["runs"]
    roll = torch.zeros(100, 88)
    roll[10:30, 5] = 1.0
    roll[20:90, 6] = 1.0
    posterior = Posterior(*[roll] * 5)
    stream = NoteStream(decoder, rate, 0, 0.0)
    came = [len(stream.push(part)) for part in pieces(posterior, [25, 32, 40, 60, 92, 96])]
    assert came == [0, 0, 1, 0, 0, 1, 0]
    assert len(stream.finish()) == 0


def test_what_is_settled_is_not_kept() -> None:
    decoder, rate = DECODERS["peaks"]
    stream = NoteStream(decoder, rate, 0, 0.03)
    for seed in range(20):
        stream.push(posterior_of(seed, 50, 0.1))
    quiet = torch.zeros(50, 88)
    stream.push(Posterior(*[quiet] * 5))
    assert stream.parts[0].n_frames < 20


def test_nothing_pushed_is_nothing() -> None:
    decoder, rate = DECODERS["peaks"]
    assert NoteStream(decoder, rate, 0, 0.03).finish().shape == (0, 4)
