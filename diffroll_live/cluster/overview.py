"""What a cluster has and does, as its nodes see it. Runs inside the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffroll_live.cluster.deployment import Served, served


@dataclass(frozen=True, slots=True)
class NodeOverview:
    """A node that is alive: its address, cores, GPUs and GiB of memory."""

    address: str
    is_head: bool
    cores: float
    gpus: float
    memory: float


@dataclass(frozen=True, slots=True)
class Overview:
    """All nodes, what is free of them, and what is served; None where nothing is deployed."""

    nodes: tuple[NodeOverview, ...]
    free_cores: float
    free_gpus: float
    served: Served | None


def look() -> Overview:
    """Look at the cluster that this runs in."""
    import ray

    free = ray.available_resources()
    nodes = tuple(_node(node) for node in ray.nodes() if node["Alive"])
    return Overview(nodes, free.get("CPU", 0.0), free.get("GPU", 0.0), served())


def _node(node: dict[str, Any]) -> NodeOverview:
    has = node["Resources"]
    return NodeOverview(
        node["NodeManagerAddress"],
        "node:__internal_head__" in has,
        has.get("CPU", 0.0),
        has.get("GPU", 0.0),
        round(has.get("memory", 0.0) / 2**30, 1),
    )
