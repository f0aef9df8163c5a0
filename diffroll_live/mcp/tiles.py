"""Puts a picture together from the messages that it comes in."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from diffroll_live.osc.watch_replies import Picture
from diffroll_live.types import Floats

_MOST = 1 << 26  # values of one picture


class Tiles:
    """The frames of a picture ``about`` a buffer or a job, as they arrive. Of a trajectory, the last step counts."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._levels = np.zeros((0, 0), np.uint8)
        self._missing = -1

    def hear(self, reply: Any) -> tuple[Floats, float] | None:
        """Take a reply; give the whole, (n_frames, n_rows) in [0, 1], and its frame rate, once it is there."""
        if not isinstance(reply, Picture) or reply.about != self._about or reply.step != reply.steps - 1:
            return None
        if not (reply.rows > 0 and reply.frames > 0 and reply.frames * reply.rows <= _MOST):
            return None
        if self._missing < 0:
            self._levels, self._missing = np.zeros((reply.frames, reply.rows), np.uint8), reply.frames
        tile = np.frombuffer(base64.b64decode(reply.levels), np.uint8)
        tile = tile[: len(tile) // reply.rows * reply.rows].reshape(-1, reply.rows)
        self._levels[reply.first : reply.first + len(tile)] = tile
        self._missing -= len(tile)
        return (self._levels.astype(np.float32) / 255.0, reply.rate) if self._missing <= 0 else None
