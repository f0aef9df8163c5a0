"""``batch`` with the fake engine as a program of its own: ``batch_process.py FOLDER ARCHIVE OUT [OPTION ...]``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from diffroll_live.cli.app import run
from diffroll_live.cli.commands import batch
from diffroll_live.model.checkpoints.folder import find_model
from support.archives import ArchiveEngineFactory

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
    folder, archive, out, *options = sys.argv[1:]
    factory = ArchiveEngineFactory(Path(folder), find_model("compact").sha256)
    batch.EngineFactory = lambda *_: factory  # type: ignore[assignment,misc]
    sys.exit(run(["batch", archive, "-o", out, "--steps", "2", "--processes", "2", *options]))
