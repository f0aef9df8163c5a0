"""A stand-in for a DAW on a JACK server: it moves the transport, reports the tempo, and records MIDI.

It records a note with the position of the transport at that moment, without any clock in between. JACK's threads only
record.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from diffroll_live.audio.jack.client import libjack
from diffroll_live.audio.jack.server import SAMPLE_RATE
from diffroll_live.audio.jack.transport import HAS_BAR, ROLLING, Position
from diffroll_live.bench.jack_player import MidiEvent, declared
from diffroll_live.errors import InternalError, PortError, TimedOut

TICKS = 960.0
_NO_START_SERVER = 0x01
_IS_INPUT = 0x1
_MIDI = b"8 bit raw midi"
_TIMEOUT = 30.0  # s
_LOOK = 0.0005  # s
_SKIP = 0.1  # s; a late client skips periods, which is not a jump
_PROCESS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)
_XRUN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_TIMEBASE = ctypes.CFUNCTYPE(
    None, ctypes.c_int, ctypes.c_uint32, ctypes.POINTER(Position), ctypes.c_int, ctypes.c_void_p
)

Tempo = Callable[[float], tuple[float, float]]  # of a position in s: BPM there, beats before it


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A MIDI message and the transport's position at which it arrived, in seconds."""

    position: float
    status: int
    pitch: int
    velocity: int


@dataclass(slots=True)
class Pass:
    """A stretch that the transport played without a break, and the messages recorded in it."""

    start: float  # s
    rolling: bool
    end: float  # s
    messages: list[RecordedMessage] = field(default_factory=list)


class JackDaw:
    """A client ``name`` of the default server that controls its transport. Works inside ``with``.

    Raises PortError if no server is running.
    """

    def __init__(self, name: str, tempo: Tempo) -> None:
        self.name = name
        self.xruns = 0
        self.passes: list[Pass] = [Pass(0.0, False, 0.0)]
        self._tempo = tempo
        self._library = _declared_transport(declared(libjack()))
        self._client = self._library.jack_client_open(name.encode(), _NO_START_SERVER, None)
        if not self._client:
            raise PortError("No JACK server is running. Start one (`jackd -d dummy` needs no sound card).")
        self._in = self._library.jack_port_register(self._client, b"in", _MIDI, _IS_INPUT, 0)
        self._callbacks = (_PROCESS(self._process), _XRUN(self._count_xrun), _TIMEBASE(self._report_tempo))
        self._library.jack_set_process_callback(self._client, self._callbacks[0], None)
        self._library.jack_set_xrun_callback(self._client, self._callbacks[1], None)

    def __enter__(self) -> Self:
        if self._library.jack_activate(self._client):
            raise PortError("The JACK server refuses the benchmark's MIDI input; restart the server.")
        self._library.jack_set_timebase_callback(self._client, 0, self._callbacks[2], None)
        self.locate(0.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._library.jack_transport_stop(self._client)
        self._library.jack_client_close(self._client)

    @property
    def position(self) -> float:
        """The transport's position, in seconds."""
        return self.passes[-1].end

    def record_from(self, port: str) -> None:
        """Connect a MIDI output to our input. Raises TimedOut if it does not appear."""
        deadline = time.monotonic() + _TIMEOUT
        while self._library.jack_connect(self._client, port.encode(), f"{self.name}:in".encode()):
            if time.monotonic() > deadline:
                raise TimedOut(f"The MIDI port {port} has not appeared; see the daemon's log.")
            time.sleep(0.05)

    def locate(self, seconds: float) -> None:
        """Jump to a position."""
        self._library.jack_transport_locate(self._client, round(seconds * SAMPLE_RATE))

    def play_to(self, seconds: float) -> None:
        """Play up to a later position. Raises InternalError if the server stands still."""
        self._library.jack_transport_start(self._client)
        self._wait(lambda: self.passes[-1].rolling and self.position >= seconds, seconds)

    def loop(self, start: float, end: float) -> None:
        """Jump back to ``start`` and play to ``end`` again."""
        self.locate(start)
        self._wait(lambda: self.position < (start + end) / 2, end)
        self.play_to(end)

    def stop(self) -> None:
        """Stop, for long enough that all notes should have ended."""
        self._library.jack_transport_stop(self._client)
        self._wait(lambda: not self.passes[-1].rolling, 0.0)
        time.sleep(0.3)

    def _wait(self, holds: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + abs(seconds - self.position) + _TIMEOUT
        while not holds():
            if time.monotonic() > deadline:
                raise InternalError("The JACK server stands still; end it, and run the benchmark again.")
            time.sleep(_LOOK)

    def _process(self, frames: int, _argument: object) -> int:
        state = Position()
        rolling = self._library.jack_transport_query(self._client, ctypes.byref(state)) == ROLLING
        begin = state.frame / SAMPLE_RATE
        now = self.passes[-1]
        if rolling != now.rolling or abs(begin - now.end) > _SKIP:
            now = Pass(begin, rolling, begin)
            self.passes.append(now)
        now.end = begin + frames / SAMPLE_RATE if rolling else begin
        self._record(frames, begin, now)
        return 0

    def _record(self, frames: int, begin: float, now: Pass) -> None:
        buffer = self._library.jack_port_get_buffer(self._in, frames)
        event = MidiEvent()
        for index in range(self._library.jack_midi_get_event_count(buffer)):
            if not self._library.jack_midi_event_get(ctypes.byref(event), buffer, index) and event.size == 3:
                status, pitch, velocity = ctypes.string_at(event.buffer, 3)
                now.messages.append(RecordedMessage(begin + event.time / SAMPLE_RATE, status, pitch, velocity))

    def _report_tempo(self, _state: int, _frames: int, state: Any, _is_new: int, _argument: object) -> None:
        position = state.contents
        tempo, beats = self._tempo(position.frame / SAMPLE_RATE)
        whole = int(beats)
        position.valid |= HAS_BAR
        position.bar, position.beat = 1 + whole // 4, 1 + whole % 4
        position.tick = int((beats - whole) * TICKS)
        position.bar_start_tick = whole // 4 * 4 * TICKS
        position.beats_per_bar, position.beat_type = 4.0, 4.0
        position.ticks_per_beat, position.beats_per_minute = TICKS, tempo

    def _count_xrun(self, _argument: object) -> int:
        self.xruns += 1
        return 0


def _declared_transport(library: ctypes.CDLL) -> ctypes.CDLL:
    for name, types in {
        "jack_transport_start": (ctypes.c_void_p,),
        "jack_transport_stop": (ctypes.c_void_p,),
        "jack_transport_locate": (ctypes.c_void_p, ctypes.c_uint32),
        "jack_set_timebase_callback": (ctypes.c_void_p, ctypes.c_int, _TIMEBASE, ctypes.c_void_p),
    }.items():
        function = getattr(library, name)
        function.restype, function.argtypes = ctypes.c_int, list(types)
    return library
