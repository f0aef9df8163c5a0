"""The processor time used by processes, where /proc provides it."""

from __future__ import annotations

import os

from diffroll_live.bench.memory import LINUX, PROC, family, proc_parents


def cpu_seconds(pid: int) -> float:
    """Sum the processor time of a process and its descendants, in seconds; 0 if it cannot be read."""
    return sum(_ticks(each) for each in family(pid, proc_parents())) / os.sysconf("SC_CLK_TCK") if LINUX else 0.0


def _ticks(pid: int) -> int:
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])  # user and system
