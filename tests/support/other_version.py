"""``cluster status`` of another version of the package, as a program of its own: ``other_version.py ADDRESS``."""

from __future__ import annotations

import sys

from diffroll_live.cli.app import run
from diffroll_live.cluster import session

if __name__ == "__main__":
    session.__version__ = "0.0.1"
    sys.exit(run(["cluster", "status", "--engine", *sys.argv[1:]]))
