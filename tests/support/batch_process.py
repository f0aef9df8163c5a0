"""``batch`` with the fake engine as a program of its own: ``batch_process.py FOLDER ARCHIVE OUT``."""

from __future__ import annotations

import sys
from pathlib import Path

from diffroll_live.cli.app import run
from diffroll_live.cli.commands import batch
from support.archives import ArchiveEngineFactory

if __name__ == "__main__":
    folder, archive, out = sys.argv[1:]
    batch.EngineFactory = lambda *_: ArchiveEngineFactory(Path(folder))  # type: ignore[assignment,misc]
    sys.exit(run(["batch", archive, "-o", out, "--steps", "2", "--processes", "2"]))
