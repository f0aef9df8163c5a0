"""Captures of what a function gives a device to do, which are then replayed without its Python.

A small network on a fast device waits for its launches, a hundred of them an evaluation. A CUDA graph launches them at
once. What is captured works on tensors that stay where they are, and neither waits for the device nor goes by its
values.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

WARM_UPS = 3  # runs of a function before it is captured

Replay = Callable[[], None]
Capture = Callable[[Callable[[], None]], Replay]
"""Turns a function of fixed tensors into something that does the same; the function itself does, too."""


def cuda_graph(function: Callable[[], None]) -> Replay:
    """Capture the work that a function gives to the device."""
    here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
    aside.wait_stream(here)
    with torch.cuda.stream(aside):
        for _ in range(WARM_UPS):
            function()
    here.wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # live input has a thread of its own
        function()
    return graph.replay


#: How each kind of device captures; the others are given one operation after another.
CAPTURES: dict[str, Capture] = {"cuda": cuda_graph}
