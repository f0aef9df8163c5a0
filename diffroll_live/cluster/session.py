"""A connection to a cluster through Ray's client, as ``ray://HOST:PORT``; one at a time in a process.

Ray itself waits ten minutes where a network stalls. Here every question is asked on a thread that can be left behind,
and a cluster that does not answer is lost in less than a minute.
"""

from __future__ import annotations

import atexit
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from diffroll_live import __version__
from diffroll_live.cluster.ray_library import require_ray
from diffroll_live.errors import DiffrollError, EngineLost, InternalError
from diffroll_live.notation.addresses import split_cluster

logger = logging.getLogger(__name__)

NAMESPACE = "diffroll-live"
CONNECT_SECONDS = 5.0  # until somebody must have opened the door; what follows takes longer
PATIENCE = 20.0  # s without an answer to a question that is answered within LOOK
CONNECTING = 50.0  # s to be let in: the cluster starts a process for whoever comes
LOOK = 3.0  # s that a question for something unfinished waits for its end
_LEAVING = 5.0  # s to say goodbye

T = TypeVar("T")


class Session:
    """A connection to a cluster; whatever is asked through it raises EngineLost, with a reason, where that is gone."""

    def __init__(self, ray: Any, address: str, patience: float = PATIENCE) -> None:
        self.ray = ray
        self._address, self._patience = address, patience

    def call(self, ask: Callable[[], T]) -> T:
        """Ask for what takes no time."""
        return _within(self._patience, ask, self._address)

    def result(self, ask: Callable[[], Any]) -> Any:
        """Wait for the object that ``ask`` gives a reference of, however long that takes while the cluster answers."""
        reference = self.call(ask)
        while not self.call(lambda: self.ray.wait([reference], timeout=min(LOOK, self._patience / 2))[0]):
            continue
        return self.call(lambda: self.ray.get(reference))

    def compute(self, function: Callable[..., Any], *words: Any) -> Any:
        """Have a function computed in the cluster, on no core of its own."""
        return self.result(lambda: self.ray.remote(num_cpus=0)(function).remote(*words))


@contextmanager
def session(address: str) -> Iterator[Session]:
    """Be connected to a cluster until the block ends. Raises EngineLost where that is not possible."""
    connected = connect(address)
    try:
        yield connected
    finally:
        disconnect()


def connect(address: str, patience: float = PATIENCE, connecting: float = CONNECTING) -> Session:
    """Connect this process to a cluster that has this version of the package. Raises EngineLost."""
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
        _within(connecting, lambda: _enter(ray, address), address)
        connected = Session(ray, address, patience)
        _check_version(connected, address)
    except BaseException:
        disconnect()
        raise
    return connected


def disconnect() -> None:
    """End the connection, and whatever was only for this process."""
    ray = require_ray()
    try:
        _within(_LEAVING, ray.shutdown, "")
    except Exception:
        logger.debug("the cluster could not be told that this process leaves", exc_info=True)
        atexit.unregister(ray.shutdown)  # which would wait for it


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


def _within(seconds: float, call: Callable[[], T], address: str) -> T:
    """Call on a thread of its own, which is left behind after so many seconds. Raises EngineLost then."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001 - raised below
            future.set_exception(error)

    threading.Thread(target=run, name="diffroll-question", daemon=True).start()
    try:
        with told(address):
            return future.result(seconds)
    except TimeoutError as error:
        text = f"The cluster at {address} has not answered for {seconds:.0f} s; look at the network in between."
        raise EngineLost(text) from error


def _enter(ray: Any, address: str) -> None:
    try:
        ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        text = (
            f"The cluster at {address} does not let this machine in ({_words(error)}); look at the network in between."
        )
        raise EngineLost(text) from error


def _check_version(connected: Session, address: str) -> None:
    try:
        theirs = connected.compute(version)
    except InternalError as error:
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
