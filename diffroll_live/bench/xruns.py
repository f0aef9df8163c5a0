"""How often a JACK server is late beside the daemon, idle and at work: a DAW's sound must not break."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from diffroll_live.audio.jack.server import DummyJack
from diffroll_live.bench.daemon import Link, running_daemon
from diffroll_live.bench.figures import Figure, Progress, Settings
from diffroll_live.bench.jack_player import JackPlayer
from diffroll_live.bench.material import write_wav
from diffroll_live.bench.midi_lateness import environment

PERIOD_FRAMES = 128  # 2.7 ms, as somebody who plays would choose
LOOK = 0.02  # s


def xruns(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Count for as long without a job as with jobs, one after another, as often as the settings say."""
    with ExitStack() as stack:
        server = stack.enter_context(DummyJack(f"diffroll-xruns-bench-{os.getpid()}", PERIOD_FRAMES))
        stack.enter_context(environment(server.environment))
        player = stack.enter_context(JackPlayer("bench-listener"))
        daemon = stack.enter_context(running_daemon(settings, "--midi-api", "jack"))
        link = stack.enter_context(Link(daemon.port))
        wav = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "long.wav"
        write_wav(wav, settings.minute_seconds)
        link.ask("/diffroll/audio/file", "long", str(wav), answer="/diffroll/audio/ready")
        counts: dict[bool, list[float]] = {False: [], True: []}
        for number in range(settings.repeat):
            for works, found in counts.items():
                job = _jobs(link) if works else lambda: None
                found.append(float(_count(player, settings.xrun_seconds, job)))
            progress(number + 1, settings.repeat)
    note = f"in {settings.xrun_seconds:g} s, periods of {PERIOD_FRAMES} frames"
    idle = Figure("JACK xruns beside an idle daemon", "", tuple(counts[False]), note=note)
    yield idle
    most = max(idle.values)
    yield replace(idle, name="JACK xruns beside a daemon that works", values=tuple(counts[True]), asked=most)


def _count(player: JackPlayer, seconds: float, work: Callable[[], None]) -> int:
    before, end = player.xruns, time.monotonic() + seconds
    while time.monotonic() < end:
        work()
        time.sleep(LOOK)
    return player.xruns - before


def _jobs(link: Link) -> Callable[[], None]:
    """Make a function that starts a transcription whenever none is under way."""
    is_free = True

    def work() -> None:
        nonlocal is_free
        is_free = is_free or any(message.address == "/diffroll/job/done" for message in link.arrived())
        if is_free:
            is_free = False
            link.send("/diffroll/job/new", "load", "transcribe", "long")
            link.send("/diffroll/job/set", "load", "deliver", "osc")
            link.send("/diffroll/job/run", "load")

    return work
