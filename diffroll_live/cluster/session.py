"""A connection to a cluster through Ray's client, as ``ray://HOST:PORT``; one at a time in a process."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from diffroll_live import __version__
from diffroll_live.cluster.ray_library import require_ray
from diffroll_live.errors import DiffrollError, EngineLost, InternalError
from diffroll_live.notation.addresses import split_cluster

logger = logging.getLogger(__name__)

NAMESPACE = "diffroll-live"
CONNECT_SECONDS = 5.0  # until somebody must have opened the door; what follows takes longer


@contextmanager
def session(address: str) -> Iterator[Any]:
    """Be connected to a cluster; gives Ray. Raises EngineLost, with a reason, where that is not possible or ends."""
    ray = connect(address)
    try:
        with told(address):
            yield ray
    finally:
        disconnect()


def connect(address: str) -> Any:
    """Connect this process to a cluster that has this version of the package; returns Ray. Raises EngineLost."""
    ray = require_ray()
    host, port = split_cluster(address)
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise EngineLost(
            f"There is no cluster at {address} ({error.strerror or error}); start one with 'diffroll-live cluster "
            "start', or correct the address."
        ) from error
    try:
        ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        raise EngineLost(f"The cluster at {address} does not let this machine in: {_words(error)}") from error
    try:
        with told(address):
            _check_version(ray, address)
    except BaseException:
        disconnect()
        raise
    return ray


def disconnect() -> None:
    """End the connection, and whatever was only for this process."""
    with suppress(Exception):  # nothing of it may be there any more
        require_ray().shutdown()


@contextmanager
def told(address: str) -> Iterator[None]:
    """Turn what Ray raises about a cluster into errors of ours; those that were raised there are raised here."""
    ray = require_ray()
    import grpc

    try:
        yield
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, DiffrollError):
            raise error.cause from None
        logger.debug("the cluster failed", exc_info=True)
        raise InternalError(f"The cluster at {address} failed: {_words(error.cause)}") from error
    except (ConnectionError, grpc.RpcError, ray.exceptions.RayError) as error:
        raise EngineLost(f"The cluster at {address} is gone ({_words(error)}); try again.") from error


def version() -> str:
    """The version of the package where this runs."""
    return __version__


def _check_version(ray: Any, address: str) -> None:
    try:
        theirs = ray.get(ray.remote(num_cpus=0)(version).remote())
    except ray.exceptions.RayTaskError as error:
        text = (
            f"The cluster at {address} has no diffroll-live that this one understands; install version {__version__}."
        )
        raise EngineLost(text) from error
    if theirs != __version__:
        text = f"The cluster at {address} has version {theirs} of diffroll-live, this is {__version__}; "
        raise EngineLost(text + "install the same on both.")


def _words(error: BaseException) -> str:
    """The beginning of what an error says, on one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
