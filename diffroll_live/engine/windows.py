"""Cutting long audio into windows that overlap, so that every frame has context on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Frames [begin, begin + n) go through the network, of which [first, last) are kept."""

    begin: int
    first: int
    last: int


def cover(first: int, last: int, n_frames: int, window: int, margin: int) -> tuple[Window, ...]:
    """Cover frames [first, last) of a recording of ``n_frames`` with windows of ``window`` frames.

    Each kept range has ``margin`` frames of context on both sides, or touches an end of the recording. What fits in one
    window is centred in it, and no window extends beyond the end more than necessary.
    """
    windows: list[Window] = []
    at = first
    while at < last:
        begin = at - margin if last - at > window - 2 * margin else (at + last - window) // 2
        begin = max(min(begin, n_frames - window), 0)
        end = begin + window - margin if begin + window < n_frames else begin + window
        windows.append(Window(begin, at, min(end, last)))
        at = windows[-1].last
    return tuple(windows)


def batches(windows: tuple[Window, ...], size: int) -> Iterator[list[Window]]:
    """First a single window, so that the first notes come early, then ``size`` at a time."""
    yield list(windows[:1])
    for at in range(1, len(windows), size):
        yield list(windows[at : at + size])
