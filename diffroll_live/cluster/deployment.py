"""The engine as a deployment of Ray Serve: deployed, and looked at. Runs inside the cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from diffroll_live.cluster.relay import Relay
from diffroll_live.cluster.replica import Replica, Welcome
from diffroll_live.errors import Busy, EngineLost
from diffroll_live.types import Engine

APP, RELAY = "diffroll-live", "relay"
ONGOING = 32  # requests that take turns in a replica
WAITING = 256  # requests that wait for one, of which more are refused
BUSY = 2.0  # requests a replica, above which there should be another
_DAEMONS = 10_000  # questions that the relay answers at a time
_ON_HEAD = {"node:__internal_head__": 0.001}  # a resource that every head has, and nobody else


@dataclass(frozen=True, slots=True)
class Served:
    """How a deployment is: Serve's word for it, its running replicas, what is not well, and what a replica serves."""

    state: str
    replicas: int
    reason: str
    model: str = ""
    version: str = ""  # of the package
    sha256: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is deployed: engines of one model, ``least`` to ``most`` of them, each with its cores or GPUs."""

    factory: Callable[[], Engine]
    sha256: str
    least: int = 1
    most: int = 1
    cores: float = 1.0
    gpus: float = 0.0


def deploy(wanted: Deployment) -> None:
    """Deploy, in place of what was deployed before; returns when a replica serves. Raises EngineLost."""
    import ray
    from ray import serve

    _check_room(wanted, ray.cluster_resources())
    serve.start(proxy_location="Disabled")  # nothing of it listens: daemons come through Ray's client
    scaled = {"min_replicas": wanted.least, "max_replicas": wanted.most, "target_ongoing_requests": BUSY}
    replica = serve.deployment(
        name="engine",
        ray_actor_options={"num_cpus": wanted.cores, "num_gpus": wanted.gpus},
        autoscaling_config={**scaled, "initial_replicas": wanted.least, "upscale_delay_s": 5, "downscale_delay_s": 300},
        max_ongoing_requests=ONGOING,
        max_queued_requests=WAITING,
        health_check_period_s=5,
        graceful_shutdown_timeout_s=5,
    )(Replica)
    try:
        serve.run(replica.bind(wanted.factory, wanted.sha256), name=APP, route_prefix=None)
    except RuntimeError as error:
        raise EngineLost(f"No replica starts: {_reason(serve.status()) or error}") from error
    _end_relay()
    ray.remote(Relay).options(
        name=RELAY, lifetime="detached", num_cpus=0, resources=_ON_HEAD, max_restarts=-1, max_concurrency=_DAEMONS
    ).remote(APP)


def _check_room(wanted: Deployment, has: dict[str, float]) -> None:
    """Raise Busy where the cluster cannot hold what is wanted, for which Serve would wait."""
    for kind, each in (("CPU", wanted.cores), ("GPU", wanted.gpus)):
        if wanted.least * each > has.get(kind, 0.0):
            text = (
                f"The cluster has {has.get(kind, 0.0):g} {kind}s, and {wanted.least} replicas of {each:g} need more; "
            )
            raise Busy(text + "deploy fewer, or add a node.")


def _end_relay() -> None:
    """End the relay, if there is one."""
    import ray

    try:
        ray.kill(ray.get_actor(RELAY))
    except ValueError:
        return


def served() -> Served | None:
    """Look at the deployment; None where there is none."""
    import ray
    from ray import serve

    status = serve.status()
    app = status.applications.get(APP)
    if app is None:
        return None
    running = sum(part.replica_states.get("RUNNING", 0) for part in app.deployments.values())
    found = Served(str(app.status.value), running, _reason(status))
    if not running:
        return found
    welcome: Welcome = ray.get(ray.get_actor(RELAY).welcome.remote())
    info = welcome.info
    return replace(found, model=info.name, version=welcome.version, sha256=info.sha256, device=info.device)


def _reason(status: Any) -> str:
    """The last line of what Serve says about a deployment that is not well."""
    app = status.applications.get(APP)
    messages = [part.message for part in app.deployments.values()] if app is not None else []
    lines = [line.strip() for message in messages for line in message.splitlines() if line.strip()]
    return lines[-1] if lines else ""
