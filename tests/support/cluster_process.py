"""A Ray cluster of two nodes on this machine as a program of its own, so that Ray stays out of the tests' process.

It prints a JSON line when it is ready, and one after each command on its standard input: ``remove`` takes the second
node away, after another has come where there is none any more. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from typing import Any

from diffroll_live.cluster.node import FORKS, TRIES, free_ports, is_open

# Among them, what lets all of it stay on 127.0.0.1.
os.environ.update(FORKS, RAY_USAGE_STATS_ENABLED="0", RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0")

from ray.cluster_utils import Cluster

HOST = "127.0.0.1"
STORE = 80 << 20  # bytes, the least that Ray takes
AGENTS = ("dashboard_agent_listen_port", "metrics_agent_port", "metrics_export_port", "runtime_env_agent_port")
PLAIN: dict[str, Any] = {
    "num_cpus": 1,
    "object_store_memory": STORE,
    "node_ip_address": HOST,
    "include_log_monitor": False,
}


def agents() -> dict[str, int]:
    """Ports for a node's agents, which a busy machine would otherwise choose too late for Ray."""
    return dict(zip(AGENTS, free_ports(HOST, len(AGENTS)), strict=True))


def add_node(cluster: Cluster) -> Any:
    """Add a node, again where Ray gives it up because this machine is busy."""
    for _ in range(TRIES - 1):
        with suppress(Exception):
            return cluster.add_node(**PLAIN, **agents())
    return cluster.add_node(**PLAIN, **agents())


def main() -> None:
    head_port, client_port = free_ports(HOST, 2)
    ports = {"gcs_server_port": head_port, "ray_client_server_port": client_port, **agents()}
    head = {**PLAIN, **ports, "include_dashboard": False, "no_monitor": True}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [add_node(cluster)]
    while not is_open(HOST, client_port):
        time.sleep(0.1)
    print(json.dumps({"address": f"ray://{HOST}:{client_port}"}), flush=True)
    for line in sys.stdin:
        if line.strip() == "remove":
            cluster.remove_node(nodes.pop() if nodes else add_node(cluster), allow_graceful=False)
        print(json.dumps({"done": line.strip()}), flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
