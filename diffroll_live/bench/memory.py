"""Processes, their families and the memory that they use, from /proc on Linux and ps elsewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PROC = Path("/proc")
LINUX = (PROC / "self" / "status").is_file()
#: The kind of memory summed by ``resident``: proportional set size where available.
KIND = "PSS" if LINUX else "RSS"


def resident(pid: int) -> float:
    """Sum the resident memory of a process and its descendants, in MB; 0 if it cannot be read."""
    if LINUX:
        return sum(_field(PROC / str(each) / "smaps_rollup", "Pss") for each in family(pid, proc_parents()))
    rows = _ps_rows()
    return sum(rows[each][1] for each in family(pid, {child: row[0] for child, row in rows.items()}) if each in rows)


def peak(pid: int) -> float:
    """The peak resident memory of a process in MB; on systems other than Linux, the present value."""
    if LINUX:
        return _field(PROC / str(pid) / "status", "VmHWM")
    return _ps_rows().get(pid, (0, 0.0))[1]


def _field(path: Path, name: str) -> float:
    """Read a line such as ``Pss:   1234 kB`` in MB; 0 for a process that has ended."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", path.read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def family(pid: int, parents: dict[int, int]) -> set[int]:
    """A process and its descendants."""
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def forked(pid: int) -> set[int]:
    """The descendants of a process that a fork server made, which are those that compute. Linux only."""
    parents = proc_parents()
    servers = {each for each in family(pid, parents) if _is_fork_server(each)}
    return {each for each in servers if parents[each] in servers}


def _is_fork_server(pid: int) -> bool:
    """Whether a process is a fork server or, since these keep its command, was made by one."""
    try:
        return b"multiprocessing.forkserver" in (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False


def proc_parents() -> dict[int, int]:
    """The parent of every process."""
    parents = {}
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may contain anything; the state and the parent follow it.
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    return parents


def _ps_rows() -> dict[int, tuple[int, float]]:
    """Every process: its parent and its resident memory in MB; empty if there is no ps."""
    try:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {}
    numbers = [[int(part) for part in line.split()] for line in listed.stdout.splitlines()]
    return {pid: (parent, kib * 1024 / 1e6) for pid, parent, kib in numbers}
