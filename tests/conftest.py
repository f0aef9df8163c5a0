"""Fixtures that several test files share."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.osc_client import OscClient
from support.paths import TESTS
from support.recorder import RecordingScheduler
from support.running import DaemonProcess, RunningDaemon

pytest_plugins = ["support.jack"]
#: Files whose tests go by the clock of a JACK server or of another program, which a busy machine may stop for a while.
BY_THE_CLOCK = (
    *(
        "bridges/test_ardour",
        "bridges/test_ardour_recording",
        "bridges/test_ardour_transport",
        "bench/test_bench",
        "bench/test_live",
        "audio/test_capture",
    ),
    *(
        "cli/test_jam",
        "cli/test_live",
        "server/test_daemon_midi",
        "cli/test_demo",
        "bridges/test_generic",
        "midi/test_jack_midi",
    ),
    *(
        "server/test_jam",
        "server/test_live_input",
        "server/test_live_daemon",
        "midi/test_scheduler_thread",
        "midi/test_sinks",
    ),
    *(
        "bench/test_soak",
        "timeline/test_sources",
        "bench/test_transport",
        "bridges/test_ableton_script",
        "bridges/test_reaper_daemon",
    ),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try a test that goes by the clock three times: it fails only when it fails each time."""
    for item in items:
        if item.path.relative_to(TESTS).with_suffix("").as_posix() in BY_THE_CLOCK:
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """One daemon for all tests that leave it as it was: clients do not see each other."""
    with RunningDaemon(tmp_path_factory.mktemp("daemon"), scheduler=RecordingScheduler(), queue_size=8) as running:
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
