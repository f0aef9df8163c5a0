"""The relay inside a cluster: it has replicas answer, and keeps the events of each daemon until that asks for them.

Daemons reach a cluster through Ray's client, which has no streams. So the streams end here, and a daemon asks for what
has come; the answer waits until something has. When a replica dies, its work is given to another one, which sends the
same notes under the same indices. A daemon that asks no more is gone, and its work is cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from diffroll_live.cluster.replica import Parcel, Welcome
from diffroll_live.errors import Busy, DiffrollError, EngineLost, InternalError
from diffroll_live.worker.messages import Failed, Finished, WorkEvent

logger = logging.getLogger(__name__)

PATIENCE = 3.0  # s that a daemon's question waits for an event
LEASE = 30.0  # s without a question, after which a daemon is gone
TRIES = 3  # of work whose replica dies
SILENCE = 30.0  # s without an event, after which somebody must be there to send one


class Mailbox:
    """What is done for one daemon, and the events that it has yet to take."""

    def __init__(self) -> None:
        self.tasks: dict[int, asyncio.Task[None]] = {}  # by serial
        self.asked = time.monotonic()
        self._events: list[WorkEvent] = []
        self._taken = 0  # events that the daemon has had
        self._news = asyncio.Event()

    def post(self, *events: WorkEvent) -> None:
        """Keep events."""
        self._events += events
        self._news.set()

    async def take(self, taken: int) -> tuple[WorkEvent, ...]:
        """Wait a little for events beyond the ``taken`` first."""
        self.asked = time.monotonic()
        del self._events[: taken - self._taken]
        self._taken = taken
        if not self._events:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), PATIENCE)
            except TimeoutError:
                logger.debug("nothing has come")
        return tuple(self._events)


class Relay:
    """An actor that all daemons of a cluster share."""

    def __init__(self, app: str) -> None:
        self._app = app
        self._mailboxes: dict[str, Mailbox] = {}
        self._sweeping: asyncio.Task[None] | None = None

    async def welcome(self) -> Welcome:
        """Say what serves. Raises EngineLost where no replica answers."""
        try:
            welcome: Welcome = await asyncio.wait_for(self._handle.welcome.remote(), SILENCE)
        except TimeoutError as error:
            raise EngineLost("No replica answers; 'diffroll-live cluster status' says how they are.") from error
        return welcome

    async def submit(self, daemon: str, parcel: Parcel) -> None:
        """Have a piece of work answered for a daemon."""
        if self._sweeping is None:
            self._sweeping = asyncio.create_task(self._sweep())
        mailbox = self._mailboxes.setdefault(daemon, Mailbox())
        mailbox.tasks[parcel.work.serial] = asyncio.create_task(self._answer(mailbox, parcel))

    async def cancel(self, daemon: str, serial: int) -> None:
        """End a piece of work; the replica stops within a network evaluation."""
        mailbox = self._mailboxes.get(daemon)
        if mailbox is not None and serial in mailbox.tasks:
            mailbox.tasks[serial].cancel()

    async def events(self, daemon: str, taken: int) -> tuple[WorkEvent, ...]:
        """Wait a little for events beyond the ``taken`` first. Raises EngineLost where they are lost."""
        mailbox = self._mailboxes.setdefault(daemon, Mailbox()) if not taken else self._mailboxes.get(daemon)
        if mailbox is None:
            raise EngineLost("The cluster's relay was started again.")
        return await mailbox.take(taken)

    @property
    def _handle(self) -> Any:
        from ray import serve
        from ray.serve.exceptions import RayServeException

        try:
            return serve.get_app_handle(self._app)
        except RayServeException as error:
            raise EngineLost("Nothing is deployed there; run 'diffroll-live cluster deploy'.") from error

    async def _answer(self, mailbox: Mailbox, parcel: Parcel) -> None:
        serial = parcel.work.serial
        try:
            for attempt in range(1, TRIES + 1):
                if await self._try(mailbox, parcel, is_last=attempt == TRIES):
                    return
        except asyncio.CancelledError:
            mailbox.post(Failed(serial))
        except DiffrollError as error:
            mailbox.post(Failed(serial, getattr(error, "cause", error)))  # Ray raises an error of a class of its own
        except Exception as error:
            logger.exception("work %d failed in the cluster", serial)
            text = f"The cluster failed ({type(error).__name__}); the logs of its nodes have the details."
            mailbox.post(Failed(serial, InternalError(text)))
        finally:
            del mailbox.tasks[serial]

    async def _try(self, mailbox: Mailbox, parcel: Parcel, *, is_last: bool) -> bool:
        """Have one replica answer; False where it has died and another one should. Raises Busy, EngineLost."""
        from ray import exceptions
        from ray.serve.exceptions import BackPressureError

        stream, ended = self._handle.options(stream=True).answer.remote(parcel), False
        try:
            while not ended:
                events = await self._next(stream)
                mailbox.post(*events)
                ended = isinstance(events[-1], Finished | Failed)
        except BackPressureError as error:
            raise Busy("The cluster has as much to do as it takes; run the job again in a while.") from error
        except (exceptions.RayActorError, exceptions.OwnerDiedError, exceptions.ObjectLostError) as error:
            logger.warning("a replica is gone: %s", error)
            ended = True
            if is_last:
                text = f"The cluster has lost {TRIES} replicas with this job; run it again, or a shorter part of it."
                raise EngineLost(text) from error
            return False
        finally:
            if not ended:
                stream.cancel()
        return True

    async def _next(self, stream: Any) -> tuple[WorkEvent, ...]:
        """Wait for events of a replica, as long as there is one. Raises EngineLost."""
        waiting = asyncio.ensure_future(anext(stream))
        try:
            while not (await asyncio.wait((waiting,), timeout=SILENCE))[0]:
                if not await asyncio.to_thread(is_served, self._app):
                    raise EngineLost("The cluster has no replica left; 'diffroll-live cluster status' says why.")
            events: tuple[WorkEvent, ...] = waiting.result()
            return events
        finally:
            waiting.cancel()

    async def _sweep(self) -> None:
        """Forget daemons that are gone."""
        while True:
            await asyncio.sleep(PATIENCE)
            for daemon, mailbox in tuple(self._mailboxes.items()):
                if time.monotonic() - mailbox.asked > LEASE:
                    for task in mailbox.tasks.values():
                        task.cancel()
                    del self._mailboxes[daemon]


def is_served(app: str) -> bool:
    """Whether a replica runs."""
    from ray import serve

    state = serve.status().applications.get(app)
    return state is not None and any(part.replica_states.get("RUNNING") for part in state.deployments.values())
