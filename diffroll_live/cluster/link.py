"""A daemon's link to its cluster: work goes there, events come back, and whoever is silent for long is gone."""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffroll_live import __version__
from diffroll_live.cluster.deployment import RELAY
from diffroll_live.cluster.replica import Parcel, Welcome
from diffroll_live.cluster.session import CONNECTING, PATIENCE, connect, told
from diffroll_live.errors import ChecksumMismatch, EngineLost
from diffroll_live.types import Engine, Floats, ModelInfo
from diffroll_live.worker.messages import Computed, Failed, Finished, Redecode, Report, Work

logger = logging.getLogger(__name__)

REMEMBERED = 16  # requests whose audio stays in the cluster, to be decoded again
_NO_SAMPLES = np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class ClusterEngine:
    """What a daemon's inference process needs to have its work done by a cluster; picklable.

    ``sha256`` is of the model on this machine, which ``local`` loads for live input and the cluster must have as well.
    A cluster that says nothing for ``patience`` seconds is lost, and so is one that takes ``connecting`` to let it in.
    """

    address: str
    sha256: str
    local: Callable[[], Engine]
    patience: float = PATIENCE
    connecting: float = CONNECTING

    def __call__(self) -> Link:
        """Link this process to the cluster. Raises EngineLost, ChecksumMismatch."""
        return Link(self.address, self.sha256, self.patience, self.connecting)


class Link:
    """The link; ``send`` gets reports on a thread of its own, ``lose`` is called there when the cluster is gone."""

    def __init__(self, address: str, sha256: str, patience: float = PATIENCE, connecting: float = CONNECTING) -> None:
        self._address, self._patience = address, patience
        session = connect(address, patience, connecting)
        self._ray = session.ray
        try:
            self._relay = session.call(lambda: self._ray.get_actor(RELAY))
        except ValueError as error:
            text = f"Nothing is deployed at {address}; run 'diffroll-live cluster deploy' there."
            raise EngineLost(text) from error
        welcome: Welcome = session.result(self._relay.welcome.remote)
        self.info = _check(welcome, sha256, address)
        self._daemon = uuid.uuid4().hex  # a name that no other daemon has
        self._uploads = Uploads(self._ray.put)
        self._remembered: OrderedDict[str, Parcel] = OrderedDict()  # by request
        self._clients: dict[int, str] = {}  # by serial
        self._outbox: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._heard = time.monotonic()

    def start(self, send: Callable[[Report], None], lose: Callable[[Exception], None]) -> None:
        """Begin to send and to ask."""
        self._heard = time.monotonic()
        for loop in (self._send_work, self._watch):
            threading.Thread(target=self._until_lost, args=(loop, lose), daemon=True).start()
        threading.Thread(target=self._until_lost, args=(lambda: self._ask(send), lose), daemon=True).start()

    def put(self, work: Work) -> None:
        """Have a piece of work done."""
        self._clients[work.serial] = work.client
        self._outbox.put(work)

    def cancel(self, serial: int) -> None:
        """End a piece of work."""
        self._relay.cancel.remote(self._daemon, serial)

    def _send_work(self) -> None:
        while True:
            parcel = self._parcel(self._outbox.get())
            self._ray.get(self._relay.submit.remote(self._daemon, parcel))

    def _ask(self, send: Callable[[Report], None]) -> None:
        taken = 0
        while True:
            events = self._ray.get(self._relay.events.remote(self._daemon, taken))
            self._heard = time.monotonic()
            taken += len(events)
            for event in events:
                client = self._clients.pop(event.serial, "") if isinstance(event, Finished | Failed) else ""
                if isinstance(event, Finished):
                    send(Computed(((client, event.result.timings.total),)))
                send(event)

    def _watch(self) -> None:
        while (silent := time.monotonic() - self._heard) < self._patience:
            time.sleep(self._patience - silent)
        raise EngineLost(f"The cluster at {self._address} has been silent for {self._patience:.0f} s.")

    def _until_lost(self, loop: Callable[[], None], lose: Callable[[Exception], None]) -> None:
        try:
            with told(self._address):
                loop()
        except Exception as error:  # noqa: BLE001 - whatever it is, the link is of no more use
            lose(error)

    def _parcel(self, work: Work) -> Parcel:
        """Name a piece of work so that no other daemon's has its names, and put its samples where replicas see them."""
        work = replace(work, client=f"{self._daemon}/{work.client}")
        if isinstance(work, Redecode):
            request = f"{self._daemon}/{work.request_id}"
            return Parcel(replace(work, request_id=request), before=self._remembered.get(request))
        plan = replace(work.plan, id=f"{self._daemon}/{work.plan.id}")
        samples: tuple[Any, ...] = ()
        if plan.audio is not None:
            samples = (self._uploads.reference(plan.audio.samples),)
            plan = replace(plan, audio=replace(plan.audio, samples=_NO_SAMPLES))
        parcel = Parcel(replace(work, plan=plan), samples)
        self._remembered[plan.id] = parcel
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return parcel


class Uploads:
    """Samples that are in the cluster's memory already: each buffer goes there once."""

    def __init__(self, put: Callable[[Floats], Any]) -> None:
        self._put = put
        self._there: dict[int, tuple[weakref.ref[Floats], Any]] = {}  # by id

    def reference(self, samples: Floats) -> Any:
        """Give the object reference of samples, after putting them there if need be."""
        key = id(samples)
        known = self._there.get(key)
        if known is not None and known[0]() is samples:
            return known[1]
        reference = self._put(samples)
        self._there[key] = weakref.ref(samples, lambda _: self._there.pop(key, None)), reference
        return reference


def _check(welcome: Welcome, sha256: str, address: str) -> ModelInfo:
    """What serves, if it is what would be served here. Raises EngineLost, ChecksumMismatch."""
    if welcome.version != __version__:
        text = f"The cluster at {address} serves version {welcome.version}, this is {__version__}; deploy it anew."
        raise EngineLost(text)
    if welcome.info.sha256 != sha256:
        text = f"The cluster at {address} serves {welcome.info.name} with other weights than this machine's model; "
        raise ChecksumMismatch(text + "choose the same with --model, or deploy this one.")
    return replace(welcome.info, device=f"{welcome.info.device} at {address}")
