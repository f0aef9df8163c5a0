"""The life of the daemon, from opening its ports to shutdown, in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from diffroll_live.config import Config, ServerConfig
from diffroll_live.server.audio.buffers import BufferStore
from diffroll_live.server.audio.handlers import AudioHandlers
from diffroll_live.server.audio.input_handlers import InputHandlers
from diffroll_live.server.audio.live_inputs import LiveInputs
from diffroll_live.server.clients import Client, ClientTable
from diffroll_live.server.counts import Counts
from diffroll_live.server.dispatch import Dispatcher
from diffroll_live.server.endpoints.attached import Attachment, OpenAttachment
from diffroll_live.server.endpoints.sockets import TcpEndpoint, UdpEndpoint, bind
from diffroll_live.server.endpoints.spool import SpoolEndpoint, open_spool
from diffroll_live.server.endpoints.spool_folder import SpoolFolder
from diffroll_live.server.event_router import EventRouter
from diffroll_live.server.history import History
from diffroll_live.server.jam.handlers import JamHandlers
from diffroll_live.server.jam.session import JamContext
from diffroll_live.server.jobs.delivery import NoteDelivery
from diffroll_live.server.jobs.handlers import JobHandlers
from diffroll_live.server.jobs.results import ResultHandlers
from diffroll_live.server.jobs.runs import Runs
from diffroll_live.server.live.handlers import LiveHandlers
from diffroll_live.server.midi_output import MidiOut
from diffroll_live.server.pictures import PictureHandlers
from diffroll_live.server.report import Reporter
from diffroll_live.server.session import SessionHandlers
from diffroll_live.server.surroundings import SurroundingsHandlers
from diffroll_live.server.surviving import surviving
from diffroll_live.server.transport import TransportHandlers
from diffroll_live.server.vitals import Vitals
from diffroll_live.server.watch import WatchHandlers
from diffroll_live.timeline.sources import SourceThread
from diffroll_live.timeline.table import SOURCES, source_opener
from diffroll_live.timeline.timeline import Timeline
from diffroll_live.worker.messages import Died, Ready, StartFailed
from diffroll_live.worker.queue import Worker

logger = logging.getLogger(__name__)

_SWEEP_SECONDS = 0.25
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


async def serve(
    config: Config,
    worker: Worker,
    scheduler: MidiOut | None,
    *,
    ready: Callable[[int], None],
    stop: asyncio.Event | None = None,
    spool: Path | None = None,
    attach: OpenAttachment | None = None,
) -> None:
    """Serve until a signal comes or ``stop`` is set; then end every note, the worker and the scheduler.

    ``ready`` gets the port once the engine is ready and clients are served. Without a scheduler there is no MIDI,
    without a spool folder only clients over sockets. ``attach`` opens one more endpoint on this loop. Raises
    errors.PortError when the port is taken, and the engine's error when there is no engine at the start.
    """
    stop = stop or asyncio.Event()
    sockets = bind(config.server)
    daemon = Daemon(config, worker, scheduler, open_spool(spool))
    with _stopping_on_signals(stop):  # until the end: a second signal must not come before the last note-off
        try:
            if await daemon.start(stop):
                await daemon.listen(*sockets)
                port = sockets[0].getsockname()[1]
                if attach is not None:
                    await daemon.attach(attach, port)
                logger.info("serving clients on port %d", port)
                ready(port)
                await daemon.run(stop)
        finally:
            await daemon.close()
            for bound in sockets:
                bound.close()


class Daemon:
    """The parts of a running daemon, put together."""

    def __init__(self, config: Config, worker: Worker, midi: MidiOut | None, folder: SpoolFolder | None) -> None:
        self._config, self._midi_config = config.server, config.midi
        self._worker = worker
        self._midi = midi
        self._folder = folder
        self._clients = ClientTable(config.server)
        self._clock = time.perf_counter if midi is None else midi.now
        traits = SOURCES[config.transport.source].traits
        self._timeline = Timeline(traits, (lambda _: None) if midi is None else midi.follow)
        self._source = config.transport.source
        self._open_source = source_opener(config, self._timeline, self._clock)
        self._following: SourceThread | None = None
        self._delivery = NoteDelivery(config.server, midi, self._timeline)
        events = self._events = EventRouter()
        events.follow_process(self._on_process)
        counts = self._counts = Counts()
        events.follow_process(counts.on_process)
        self._history = History()
        self._runs = Runs(worker, events, self._delivery, counts, self._history)
        self._live = LiveHandlers(worker, events, midi)
        context = JamContext(worker, events, midi, self._timeline, self._clock, config.midi.api)
        self._jams = JamHandlers(context, self._live)
        self._audio: AudioHandlers | None = None
        self._listening: InputHandlers | None = None
        self._dispatcher: Dispatcher | None = None
        self._transport: asyncio.BaseTransport | None = None
        self._server: asyncio.Server | None = None
        self._spool: SpoolEndpoint | None = None
        self._looking: asyncio.Task[None] | None = None
        self._attached = AsyncExitStack()
        self._watching: WatchHandlers | None = None
        self._reporter: Reporter | None = None
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, stop: asyncio.Event) -> bool:
        """Start the worker and wait until its engine is warm; False when a signal came first."""
        loop = asyncio.get_running_loop()

        def post(call: Callable[[], None]) -> None:
            loop.call_soon_threadsafe(call)

        self._worker.start(post, self._events.route)
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((self._started, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._started.done():
            self._started.result()
        return self._started.done()

    async def listen(self, datagram: Any, stream: Any) -> None:
        """Serve clients, including what they have sent since the sockets were bound."""
        max_seconds = min(self._config.max_buffer_seconds, self._worker.info.max_seconds)
        clients, buffers = self._clients, BufferStore(self._config, self._clients)
        inputs = LiveInputs(self._config, clients, buffers, self._live.open)
        audio = self._audio = AudioHandlers(self._readable(), clients, buffers, inputs, max_seconds)
        listening = self._listening = InputHandlers(inputs)
        datagram_bytes = self._config.max_datagram
        session = SessionHandlers(self._worker, self._runs, self._jams, self._delivery, max_seconds, datagram_bytes)
        jobs = JobHandlers(audio, self._runs, self._delivery)
        results = ResultHandlers(clients, audio, self._events, self._delivery, self._history)
        transport = TransportHandlers(self._timeline, self._clock, follows=self._open_source is None)
        vitals = Vitals(self._midi, self._counts, lambda: inputs.overruns)
        watching = WatchHandlers(clients, buffers, self._runs, self._timeline, self._source, self._clock, vitals.report)
        pictures = PictureHandlers(audio)
        around = SurroundingsHandlers(self._midi_config, lambda: int(datagram.getsockname()[1]))
        self._attached.callback(pictures.close)
        self._attached.push_async_callback(around.close)
        self._watching = watching
        self._reporter = Reporter(
            *(self._worker, self._clients, self._live, self._midi, self._counts, watching.transport, max_seconds)
        )
        self._clients.evict = self._forget
        self._clients.plays, self._clients.watches = self._jams.has, watching.has
        handlers = (
            *(session, audio, listening, jobs, results, transport, self._live, self._jams),
            *(watching, pictures, around, self._history),
        )
        dispatcher = self._dispatcher = Dispatcher(*(each.handlers for each in handlers))
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: UdpEndpoint(self._clients, dispatcher.receive), sock=datagram
        )
        tcp = TcpEndpoint(self._clients, dispatcher.receive, self._forget, self._config.max_packet_bytes)
        self._server = await tcp.start(stream)
        if self._open_source is not None:
            self._following = SourceThread(self._open_source, self._timeline, self._clock)
        if self._folder is not None:
            self._spool = SpoolEndpoint(self._folder, self._clients, dispatcher.take, self._forget)
            self._looking = loop.create_task(self._spool.serve())

    async def attach(self, attach: OpenAttachment, port: int) -> None:
        """Open one more endpoint beside the sockets; it is closed with the daemon."""
        assert self._dispatcher is not None
        assert self._reporter is not None
        attachment = Attachment(port, self._clients, self._dispatcher.take, self._reporter.report)
        await self._attached.enter_async_context(attach(attachment))

    async def run(self, stop: asyncio.Event) -> None:
        """Run housekeeping until stopped."""
        while not stop.is_set():
            self._sweep(time.monotonic())
            try:
                await asyncio.wait_for(stop.wait(), _SWEEP_SECONDS)
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Accept nothing more, cancel all jobs, end all notes, close everything."""
        if self._server is not None:
            self._server.close()
        if self._dispatcher is not None:
            self._dispatcher.close()
        await self._end_work()
        await self._attached.aclose()
        loop = asyncio.get_running_loop()
        if self._following is not None:
            await loop.run_in_executor(None, self._following.close)
        if self._midi is not None:  # callbacks that wait for silence run before this returns
            await loop.run_in_executor(None, self._midi.close)
        await loop.run_in_executor(None, self._worker.close)
        if self._audio is not None:
            self._audio.close()
        for client in self._clients:
            client.outbox.drain()
            self._clients.forget(client)
        if self._looking is not None and self._spool is not None:
            self._looking.cancel()
            await loop.run_in_executor(None, self._spool.close)
        elif self._folder is not None:
            self._folder.close()
        if self._transport is not None:
            self._transport.close()
        await asyncio.sleep(0)

    def _readable(self) -> ServerConfig:
        """The configuration, with the spool's recordings added to the allowed folders."""
        if self._folder is None:
            return self._config
        return replace(self._config, allowed_folders=(*self._config.allowed_folders, self._folder.audio))

    async def _end_work(self) -> None:
        """Stop all inputs and cancel all jobs."""
        if self._listening is not None:
            await self._listening.close()
        self._jams.close()
        self._live.close()
        for client in self._clients:
            self._runs.cancel_all(client)
            client.free_buffers()

    def _on_process(self, event: Ready | StartFailed | Died) -> None:
        if isinstance(event, Ready) and not self._started.done():
            self._started.set_result(None)
        elif isinstance(event, StartFailed) and not self._started.done():
            self._started.set_exception(event.error)
        elif isinstance(event, StartFailed):
            logger.error("the engine could not be started again: %s", event.error.text)

    def _sweep(self, now: float) -> None:
        assert self._audio is not None
        assert self._listening is not None
        assert self._watching is not None
        chores = (
            partial(self._audio.sweep, now),
            self._listening.sweep,
            lambda: self._timeline.check(self._clock()),
            self._jams.tick,
            self._watching.tick,
            partial(self._look_after_clients, now),
        )
        for chore in chores:
            with surviving("a chore of the daemon"):
                chore()

    def _look_after_clients(self, now: float) -> None:
        for client in self._clients:
            self._delivery.tell_late(client)
            silent = now - client.last_seen > self._config.client_timeout_s
            if silent and not client.busy and not client.connected and not self._jams.has(client):
                self._forget(client)

    def _forget(self, client: Client) -> None:
        self._runs.forget(client)
        self._jams.forget(client)
        self._clients.forget(client)


@contextmanager
def _stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set ``stop`` on Ctrl-C and similar signals, if this is the main thread.

    A signal that is ignored when the daemon starts stays ignored: ``nohup`` relies on that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set)) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
