"""A Ray cluster of two nodes on this machine as a program of its own, so that Ray stays out of the tests' process.

It prints a JSON line when it is ready, and one after each command on its standard input: ``remove`` (the second node),
``add`` (another one), ``kill-head``, ``start-head`` (and a second node). It ends with its input.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import ExitStack
from typing import Any

# Among them, what lets all of it stay on 127.0.0.1.
os.environ.update(
    RAY_USAGE_STATS_ENABLED="0", RAY_raylet_start_wait_time_s="120", RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0"
)

from ray._private import services, utils
from ray._raylet import (
    DASHBOARD_AGENT_LISTEN_PORT_NAME,
    METRICS_AGENT_PORT_NAME,
    METRICS_EXPORT_PORT_NAME,
    RUNTIME_ENV_AGENT_PORT_NAME,
    persist_port,
)
from ray.cluster_utils import Cluster

STORE = 80 << 20  # bytes, the least that Ray takes
#: Ray's agents of a node that nobody asks anything here, as they say themselves where they are not installed.
UNUSED = (DASHBOARD_AGENT_LISTEN_PORT_NAME, METRICS_AGENT_PORT_NAME, METRICS_EXPORT_PORT_NAME)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


def lighten_nodes() -> None:
    """Start nodes without dashboards, for whose ports Ray would wait 15 s and then give up, on a busy machine too."""
    start = services.start_raylet
    utils.get_dashboard_dependency_error = lambda: ImportError("not wanted")

    def start_raylet(*args: Any, **options: Any) -> Any:
        node, folder = args[2], args[11]
        for name in UNUSED:
            persist_port(folder, node, name, -1)
        persist_port(folder, node, RUNTIME_ENV_AGENT_PORT_NAME, options["runtime_env_agent_port"])
        return start(*args, **options)

    services.start_raylet = start_raylet


def agent() -> dict[str, int]:
    """The port of a node's one agent that is used."""
    return {"runtime_env_agent_port": free_ports(1)[0]}


def main() -> None:
    lighten_nodes()
    head_port, client_port = free_ports(2)
    plain: dict[str, Any] = {"num_cpus": 1, "object_store_memory": STORE, "node_ip_address": "127.0.0.1"}
    head = {**plain, "include_dashboard": False, "gcs_server_port": head_port, "ray_client_server_port": client_port}
    cluster = Cluster(initialize_head=True, head_node_args=head | agent())
    nodes = [cluster.add_node(**plain, **agent())]
    print(json.dumps({"address": f"ray://127.0.0.1:{client_port}"}), flush=True)
    for line in sys.stdin:
        match line.strip():
            case "remove":
                cluster.remove_node(nodes.pop(), allow_graceful=False)
            case "add":
                nodes.append(cluster.add_node(**plain, **agent()))
            case "kill-head":
                cluster.remove_node(cluster.head_node, allow_graceful=False)
            case "start-head":
                cluster.add_node(**head, **agent())
                nodes = [cluster.add_node(**plain, **agent())]
        print(json.dumps({"done": line.strip()}), flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
