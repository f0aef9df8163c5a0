"""Windows over long audio: every frame once, with music around it."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.engine.windows import Window, cover
from diffroll_live.model.adapters.cut_windows import cut_windows

WINDOW, MARGIN = 64, 8


@given(st.data())
def test_every_frame_is_kept_once_with_its_margins(data: st.DataObject) -> None:
    n_frames = data.draw(st.integers(1, 600))
    first = data.draw(st.integers(0, n_frames - 1))
    last = data.draw(st.integers(first + 1, n_frames))
    windows = cover(first, last, n_frames, WINDOW, MARGIN)
    assert windows[0].first == first
    assert windows[-1].last == last
    assert all(before.last == after.first for before, after in pairwise(windows))
    for window in windows:
        assert window.first < window.last
        assert window.first - window.begin >= MARGIN or window.begin == 0
        end = window.begin + WINDOW
        assert end - window.last >= MARGIN or end >= n_frames
        assert window.last <= end <= max(n_frames, WINDOW)
    assert len(windows) <= 1 + (last - first) // (WINDOW - 2 * MARGIN)


def test_nothing_takes_no_window() -> None:
    assert cover(5, 5, 100, WINDOW, MARGIN) == ()


def test_what_fits_in_one_window_lies_in_its_middle() -> None:
    assert cover(190, 210, 1000, WINDOW, MARGIN) == (Window(168, 190, 210),)
    assert cover(990, 1000, 1000, WINDOW, MARGIN) == (Window(936, 990, 1000),)
    assert cover(0, 10, 1000, WINDOW, MARGIN) == (Window(0, 0, 10),)
    assert cover(0, 10, 10, WINDOW, MARGIN) == (Window(0, 0, 10),)


@given(st.lists(st.integers(-20, 30), min_size=1, max_size=4), st.integers(0, 12))
def test_a_cut_holds_the_frames_and_the_filling(begins: list[int], n_frames: int) -> None:
    whole = torch.arange(2.0 * n_frames).view(2, n_frames)
    cut = cut_windows(whole, begins, 8, -1.0)
    assert cut.shape == (len(begins), 2, 8)
    for row, begin in zip(cut, begins, strict=True):
        for column in range(8):
            inside = 0 <= begin + column < n_frames
            wanted = whole[:, begin + column] if inside else torch.full((2,), -1.0)
            assert torch.equal(row[:, column], wanted)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_cut_keeps_the_type(dtype: torch.dtype) -> None:
    assert cut_windows(torch.zeros(1, 4, dtype=dtype), [0], 8, 1.0).dtype == dtype
