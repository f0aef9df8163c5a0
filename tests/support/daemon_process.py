"""A daemon with the fake engine as a program of its own: ``daemon_process.py FOLDER [FLAG ...]``.

Prints a JSON line with its port and the processes it has started when it is ready, another with what its MIDI output
was told when it has ended. With --slow that output takes a while to end its notes, and prints a line when it begins;
with --jack it is a port, daemon:notes, and what it was told is not known. With --follow it goes by the JACK
transport. With --spool there is one, FOLDER/spool.
With --few-files it may open 64 files.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import signal
import sys
import time
from pathlib import Path

from diffroll_live.config import Config, ServerConfig, TransportConfig
from diffroll_live.midi.ports import PortChoice
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import MidiSink
from diffroll_live.server.daemon import serve
from diffroll_live.worker.queue import Worker
from support.fake_engine import make_engine
from support.recorder import RecordingScheduler


class SlowScheduler(RecordingScheduler):
    """Takes half a second to end its notes."""

    def close(self) -> None:
        print(json.dumps({"close": "begun"}), flush=True)
        time.sleep(0.5)
        super().close()


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
    if "--few-files" in sys.argv:
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    config = Config(
        server=ServerConfig(port=0, allowed_folders=(Path(sys.argv[1]),)),
        transport=TransportConfig("jack" if "--follow" in sys.argv else "osc"),
    )
    recorder = SlowScheduler() if "--slow" in sys.argv else RecordingScheduler()
    scheduler: RecordingScheduler | Scheduler = recorder
    if "--jack" in sys.argv:
        scheduler = Scheduler(lambda: MidiSink(PortChoice("jack", client="daemon")))
        scheduler.start()

    def ready(port: int) -> None:
        children = [process.pid for process in multiprocessing.active_children()]
        if "--no-disk" in sys.argv:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        print(json.dumps({"port": port, "children": children}), flush=True)

    spool = Path(sys.argv[1]) / "spool" if "--spool" in sys.argv else None
    asyncio.run(serve(config, Worker(make_engine, grace=0.5), scheduler, ready=ready, spool=spool))
    print(json.dumps({"calls": recorder.calls}), flush=True)


if __name__ == "__main__":
    main()
