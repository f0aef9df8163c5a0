"""How late notes reach the MIDI port while the inference process is fully busy."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self

from diffroll_live.audio.jack.server import DummyJack
from diffroll_live.bench.figures import Figure, Progress, Repetitions, Settings
from diffroll_live.bench.material import piece
from diffroll_live.errors import InternalError, PortError
from diffroll_live.midi.ports import PortChoice
from diffroll_live.midi.scheduler import Lateness, Scheduler
from diffroll_live.midi.sinks import MidiSink, RecordingSink, Sink
from diffroll_live.music.plan import plan_request
from diffroll_live.types import Engine, NoteEvent, Request
from diffroll_live.worker.messages import Died, Event, Failed, Finished, Ready, Run, StartFailed
from diffroll_live.worker.queue import Worker

CHOICE = PortChoice(client="diffroll-live-bench")
NOTES_A_SECOND = 50
LEAD = 0.1  # s before the first note
LOAD_SECONDS = 60.0  # of audio per request
MOST_MEDIAN_MS, MOST_P99_MS = 1.0, 10.0


def midi(settings: Settings, progress: Progress) -> Iterator[Figure]:
    """Play notes on a port while the inference process transcribes continuously."""
    with ExitStack() as stack:
        open_sink, port = find_sink(stack)
        load = stack.enter_context(Load(settings))
        late = Repetitions(settings, progress).repeat(partial(play, open_sink, load, settings.play_seconds))
    messages = f"{sum(each.count for each in late)} messages, with the inference process always busy"
    medians, p99s = tuple(each.median * 1000 for each in late), tuple(each.p99 * 1000 for each in late)
    yield Figure("MIDI lateness under inference, median", "ms", medians, MOST_MEDIAN_MS, port)
    yield Figure("MIDI lateness under inference, p99", "ms", p99s, MOST_P99_MS, messages)


def play(open_sink: Callable[[], Sink], load: Load, seconds: float) -> Lateness:
    """Play for a while; return how late the messages were. Raises InternalError if the port does not accept them."""
    scheduler = Scheduler(open_sink)
    try:
        state = scheduler.start()
        if not state.is_open:
            raise InternalError(f"The MIDI port cannot be measured: {state.text}")
        start = scheduler.now() + LEAD
        scheduler.play("bench", _notes(seconds), start)
        load.keep_up(seconds + 2 * LEAD)
        return scheduler.lateness()
    finally:
        scheduler.close()


def find_sink(stack: ExitStack) -> tuple[Callable[[], Sink], str]:
    """Find an output for notes and describe it: a virtual port, if needed on our own JACK server, or memory."""
    open_port = partial(MidiSink, CHOICE)
    try:
        return open_port, _probe(open_port)
    except PortError:
        pass
    try:
        jack = stack.enter_context(DummyJack(f"diffroll-bench-{os.getpid()}"))
        stack.enter_context(environment(jack.environment))
        return open_port, f"{_probe(open_port)}, a JACK server without hardware"
    except PortError:
        return RecordingSink, "in memory, since this machine has no MIDI system"


class Load:
    """The daemon's own worker with the real engine, always busy, inside ``with``."""

    def __init__(self, settings: Settings) -> None:
        self._worker = Worker(partial(make_engine, settings.model, settings.device))
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._audio = piece(LOAD_SECONDS)
        self._serial = 0

    def __enter__(self) -> Self:
        self._worker.start(self._calls.put, self._on_event)
        try:
            while not self._serial:
                self._calls.get()()
        except BaseException:
            self._worker.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.close()

    def keep_up(self, seconds: float) -> None:
        """Act as the daemon's loop for a while: handle the worker's events and give it the next request."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self._calls.get(timeout=left)()
            except queue.Empty:
                return

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StartFailed | Failed):
            raise event.error
        if isinstance(event, Died):
            raise InternalError("The inference process died under the benchmark's load; see the log.")
        if isinstance(event, Ready | Finished):
            self._serial += 1
            plan = plan_request(Request("load", "transcribe", self._audio), self._worker.info.max_seconds)
            self._worker.submit(Run(self._serial, plan), "load")


def make_engine(model: str | None, device: str) -> Engine:
    """Load the model, in the inference process."""
    from diffroll_live.engine.loading import load_engine

    return load_engine(model, device)


def _notes(seconds: float) -> tuple[NoteEvent, ...]:
    step = 1.0 / NOTES_A_SECOND
    return tuple(NoteEvent(i * step, (i + 0.7) * step, 40 + i % 40, 80) for i in range(int(seconds * NOTES_A_SECOND)))


def _probe(open_port: Callable[[], Sink]) -> str:
    sink = open_port()
    sink.close()
    return sink.name


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for this process and its children."""
    before: dict[str, Any] = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
