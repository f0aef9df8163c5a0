"""Somebody who plays into a live input of a daemon."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from support.osc_client import TcpClient

RATE = 16_000  # Hz


class Musician:
    """Sends chunks in real time, loud or silent."""

    CHUNK = RATE // 20

    def __init__(self, client: TcpClient) -> None:
        self.client, self.index = client, 0
        client.ask("/diffroll/audio/open", "live", RATE, 1, 0, "f32", 4 * self.CHUNK, answer="/diffroll/audio/opened")

    def play(self, level: float, until: Callable[[], bool], seconds: float = 20.0) -> None:
        chunk = np.full(self.CHUNK, level, np.float32).tobytes()
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, "it never came"
            self.client.send("/diffroll/audio/chunk", "live", self.index, chunk)
            self.index += 1
            time.sleep(self.CHUNK / RATE)
