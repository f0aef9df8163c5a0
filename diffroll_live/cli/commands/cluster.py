"""``diffroll-live cluster``: machines that compute together, for daemons and archives elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from diffroll_live.cli.engine_factory import EngineFactory
from diffroll_live.cli.options import DEVICE, MODEL, Parsed, setting, with_options
from diffroll_live.cli.progress import ProgressBars
from diffroll_live.cluster.options import HEAD, NODE, REPLICAS
from diffroll_live.limits import CLUSTER, PRECISION
from diffroll_live.model.checkpoints.folder import DEFAULT_MODEL, find_model

ADDRESS = setting(
    CLUSTER,
    "--engine",
    "address",
    type=Parsed(CLUSTER),
    default="ray://127.0.0.1:10001",
    metavar="ray://HOST:PORT",
    help="The cluster; this machine's, unless another is named.",
)


@click.group("cluster")
def cluster() -> None:
    """Compute on several machines: Ray is started on each, and daemons and archives use them all.

    Whoever reaches the ports of a cluster can run code on it: keep them inside a network that you trust.
    """


@cluster.command("start")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address of this machine, to listen on.")
@setting(NODE["port"], "--port")
@setting(NODE["client_port"], "--client-port")
@setting(HEAD, "--join", type=Parsed(HEAD), metavar="HOST:PORT")
@setting(NODE["cores"], "--cores")
@setting(NODE["gpus"], "--gpus")
@setting(NODE["store"], "--store")
def start(**chosen: Any) -> None:
    """Make this machine the head of a cluster, or with --join a node of one."""
    from diffroll_live.cluster.node import Node, NodeSettings

    settings, node = NodeSettings(**chosen), Node()
    with ProgressBars() as bars, bars.stage("Starting Ray"):
        node.start(settings)
    if settings.join:
        click.echo(f"This machine ({settings.host}) has joined the cluster of {settings.join}.")
        return
    click.echo(f"A cluster is at ray://{settings.host}:{settings.client_port}.")
    click.echo(
        f"Other machines join it: diffroll-live cluster start --host THEIR-IP --join {settings.host}:{settings.port}"
    )


@cluster.command("deploy")
@ADDRESS
@with_options(MODEL, DEVICE, setting(PRECISION, "--precision"))
@setting(REPLICAS["least"], "--replicas", "least")
@setting(REPLICAS["most"], "--most")
@setting(REPLICAS["cores"], "--cores-each", "cores")
@setting(REPLICAS["gpus"], "--gpus-each", "gpus")
def deploy(
    address: str, model: str | None, device: str, precision: str, least: int, most: int | None, cores: int, gpus: float
) -> None:
    """Have a cluster serve a model, in place of what it serves. Every node must have the same model.

    Daemons use it as 'diffroll-live serve --engine ray://HOST:PORT'.
    """
    from diffroll_live.cluster.deployment import Deployment
    from diffroll_live.cluster.deployment import deploy as deploy_there
    from diffroll_live.cluster.session import session

    folder = find_model(model or DEFAULT_MODEL)
    factory = EngineFactory(model, device, cores, precision)
    wanted = Deployment(factory, folder.sha256, least, max(most or least, least), cores, gpus)
    with ProgressBars() as bars, bars.stage("Waiting for a replica"), session(address) as there:
        there.compute(deploy_there, wanted)
    click.echo(f"{folder.name} is served at {address}: diffroll-live serve --engine {address}")


@cluster.command("status")
@ADDRESS
@click.option("--json", "as_json", is_flag=True, help="Print it on stdout as one JSON document.")
def status(address: str, as_json: bool) -> None:
    """Say which machines a cluster has, what is free, and what is served."""
    from diffroll_live.cluster.overview import look
    from diffroll_live.cluster.session import session

    with session(address) as there:
        overview = there.compute(look)
    if as_json:
        click.echo(json.dumps(asdict(overview), indent=2))
        return
    table = Table("node", "role", "cores", "GPUs", "GiB", box=None)
    for node in overview.nodes:
        numbers = (f"{number:g}" for number in (node.cores, node.gpus, node.memory))
        table.add_row(node.address, "head" if node.is_head else "node", *numbers)
    Console(soft_wrap=True).print(table)
    click.echo(f"Free: {overview.free_cores:g} cores, {overview.free_gpus:g} GPUs.")
    served = overview.served
    if served is None:
        click.echo("Nothing is deployed; 'diffroll-live cluster deploy' does that.")
        return
    what = f"{served.model}, version {served.version}, on {served.device}" if served.model else served.reason
    click.echo(f"Served by {served.replicas} replicas ({served.state.lower()}): {what or 'no replica answers'}")


@cluster.command("stop")
def stop() -> None:
    """Take this machine out of its cluster; the head ends the cluster."""
    from diffroll_live.cluster.node import Node

    with ProgressBars() as bars, bars.stage("Stopping Ray"):
        stopped = Node().stop()
    click.echo("This machine is no longer part of a cluster." if stopped else "This machine is not part of a cluster.")
