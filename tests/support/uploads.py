"""A tone to send to the daemon in chunks."""

from __future__ import annotations

import numpy as np

from support.osc_client import OscClient

RATE = 16_000


def tone(seconds: float, channels: int = 1, rate: int = RATE) -> bytes:
    t = np.arange(int(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * 440 * t).astype("<f4")
    return np.repeat(wave[:, None], channels, axis=1).tobytes()


def upload_tone(client: OscClient, name: str = "b", seconds: float = 2.0) -> None:
    client.upload(name, tone(seconds), rate=RATE, channels=1)
