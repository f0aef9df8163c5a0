"""The values that can be read at any time, as the messages in which the daemon would report them to a client."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from diffroll_live import PROTOCOL_VERSION, __version__
from diffroll_live.discovery.tree import Node
from diffroll_live.osc.replies import Welcome
from diffroll_live.osc.status_replies import Status
from diffroll_live.server.report import Report


def live_values(report: Report) -> dict[str, Any]:
    """Give the message of each of tree.LIVE."""
    model, worker = report.model, report.worker
    return {
        "/diffroll/welcome": Welcome(
            PROTOCOL_VERSION, __version__, model.name, model.device, model.sample_rate, report.max_seconds, model.sha256
        ),
        "/diffroll/status": Status(worker.state, worker.queued, "", worker.load),
        "/diffroll/watch/transport": report.transport,
    }


def with_values(node: Node, values: dict[str, Any]) -> Node:
    """Copy a node and all below it, with the values in their places."""
    copy = dict(node)
    if node["FULL_PATH"] in values:
        copy["VALUE"] = list(astuple(values[node["FULL_PATH"]]))
    if "CONTENTS" in node:
        copy["CONTENTS"] = {name: with_values(each, values) for name, each in node["CONTENTS"].items()}
    return copy
