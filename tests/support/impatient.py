"""``batch_process`` that gives a cluster up sooner: ``impatient.py SECONDS FOLDER ARCHIVE OUT [OPTION ...]``."""

from __future__ import annotations

import runpy
import sys

from diffroll_live.cluster import session

if __name__ == "__main__":
    session.connect.__defaults__ = (float(sys.argv.pop(1)), session.CONNECTING)
    runpy.run_module("support.batch_process", run_name="__main__")
