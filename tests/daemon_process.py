"""A daemon with the fake engine as a program of its own: ``daemon_process.py FOLDER [--no-disk]``.

Prints a JSON line with its port and the processes it has started when it is ready, another with what its MIDI output
was told when it has ended.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
from pathlib import Path

from fake_engine import make_engine
from recorder import RecordingScheduler

from diffroll_live.config import Config, ServerConfig
from diffroll_live.server import serve
from diffroll_live.worker import Worker


def main() -> None:
    config = Config(server=ServerConfig(port=0, allowed_folders=(Path(sys.argv[1]),)))
    scheduler = RecordingScheduler()

    def ready(port: int) -> None:
        children = [process.pid for process in multiprocessing.active_children()]
        if "--no-disk" in sys.argv:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        print(json.dumps({"port": port, "children": children}), flush=True)

    asyncio.run(serve(config, Worker(make_engine, grace=0.5), scheduler, ready=ready))
    print(json.dumps({"calls": scheduler.calls}), flush=True)


if __name__ == "__main__":
    main()
