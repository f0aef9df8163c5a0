"""Fixtures that several test files share, and how all tests are run."""

from __future__ import annotations

import math
import os
import struct
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from support.osc_client import OscClient
from support.recorder import RecordingScheduler
from support.running import DaemonProcess, RunningDaemon

pytest_plugins = ["support.jack", "support.reruns"]

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch's; two workers, or a test and its daemon, have two cores

# No verdict depends on how long an example takes; `make test-fast` tries a few of them.
settings.register_profile("all", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=15)
settings.load_profile("all")


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """One daemon for all tests that leave it as it was: clients do not see each other."""
    with RunningDaemon(
        tmp_path_factory.mktemp("daemon"), scheduler=RecordingScheduler(), queue_size=8, max_clients=512
    ) as running:
        yield running


@pytest.fixture(params=["udp", "tcp"])
def any_client(daemon: RunningDaemon, request: pytest.FixtureRequest) -> Iterator[OscClient]:
    with getattr(daemon, request.param)() as client:
        yield client


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[OscClient]:
    with daemon.udp() as one:
        yield one


@pytest.fixture
def limited_daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    """A daemon that may not write a byte to any file, as on a full disk."""
    with DaemonProcess(tmp_path, "--no-disk") as process:
        yield process


@pytest.fixture(scope="session")
def make_wav() -> Callable[..., Path]:
    """Write a WAV file of a 440 Hz tone."""

    def make(path: Path, seconds: float = 2.0, rate: int = 16_000, channels: int = 1) -> Path:
        frames = [round(8000 * math.sin(2 * math.pi * 440 * i / rate)) for i in range(int(seconds * rate))]
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(struct.pack(f"<{len(frames) * channels}h", *(f for f in frames for _ in range(channels))))
        return path

    return make
