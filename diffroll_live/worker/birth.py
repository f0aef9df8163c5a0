"""How a process of inference comes to be: forked from one that has imported torch, where forking is safe."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext, SpawnContext


def birth_context(imports: Sequence[str]) -> ForkServerContext | SpawnContext:
    """The start method of this system; ``imports`` are the modules that every process needs before anything else.

    On Linux a server process imports them once, and a process that takes the place of one that died has them at once.
    Elsewhere a fork may break what the system's own libraries hold, so every process begins anew and imports them.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(imports))
    return context
