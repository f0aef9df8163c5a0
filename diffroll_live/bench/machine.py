"""The machine that figures belong to; without it they mean nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """What determines the speed of the program."""

    cpu: str
    cores: int  # available to this process
    memory_gb: float  # 0 if unknown
    gpu: str  # empty if none is used
    system: str
    python: str
    torch: str
    precision: str

    def __str__(self) -> str:
        """Name the machine in one line."""
        memory = f", {self.memory_gb:.0f} GB" if self.memory_gb else ""
        gpu = f", {self.gpu}" if self.gpu else ""
        software = f"{self.system}, Python {self.python}, torch {self.torch}, {self.precision}"
        return f"{self.cpu}, {self.cores} core{'s' if self.cores > 1 else ''}{memory}{gpu}; {software}"


def usable_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def this_machine(device: str) -> Machine:
    """Describe this machine and the device in use. Raises RequestError for a device that it does not have."""
    import torch

    from diffroll_live.engine.loading import choose_device, choose_precision

    chosen = choose_device(device)
    gpu = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else "Metal" if chosen.type == "mps" else ""
    return Machine(
        cpu=_cpu(),
        cores=usable_cores(),
        memory_gb=round(_memory_bytes() / 1e9, 1),
        gpu=gpu,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=torch.__version__,
        precision=str(choose_precision(chosen)).removeprefix("torch."),
    )


def _cpu() -> str:
    if sys.platform == "linux":
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1]
    elif sys.platform == "darwin":
        asked = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        if asked.stdout.strip():
            return asked.stdout.strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 0
