"""A JACK client that plays audio and records MIDI on one clock, the server's frames.

JACK's thread only copies.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np

from diffroll_live.audio.jack.client import libjack
from diffroll_live.audio.jack.server import SAMPLE_RATE
from diffroll_live.errors import InternalError, PortError, TimedOut
from diffroll_live.types import Floats

_NO_START_SERVER = 0x01
_IS_INPUT, _IS_OUTPUT = 0x1, 0x2
_AUDIO, _MIDI = b"32 bit float mono audio", b"8 bit raw midi"
_CONNECT_SECONDS = 30.0
_NOTE_BYTES = 3
_PROCESS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)
_XRUN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class MidiEvent(ctypes.Structure):
    """``jack_midi_event_t``."""

    _fields_ = (("time", ctypes.c_uint32), ("size", ctypes.c_size_t), ("buffer", ctypes.POINTER(ctypes.c_ubyte)))


class JackPlayer:
    """A client ``name`` of the default server, with an audio output ``out`` and a MIDI input ``in``.

    Works inside ``with``. Raises PortError if no server is running.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.xruns = 0  # of the whole server, since the start
        self._library = declared(libjack())
        self._client = self._library.jack_client_open(name.encode(), _NO_START_SERVER, None)
        if not self._client:
            raise PortError("No JACK server is running. Start one (`jackd -d dummy` needs no sound card).")
        self._out = self._port(b"out", _AUDIO, _IS_OUTPUT)
        self._in = self._port(b"in", _MIDI, _IS_INPUT)
        self._events: deque[tuple[int, bytes]] = deque()  # frame, message; JACK's thread appends
        self._samples: Floats | None = None  # being played
        self._at = 0  # index of the next sample
        self._begun = 0  # frame of the first sample
        self._played = threading.Event()
        self._callbacks = (_PROCESS(self._process), _XRUN(self._count_xrun))  # kept alive here: ctypes does not
        self._library.jack_set_process_callback(self._client, self._callbacks[0], None)
        self._library.jack_set_xrun_callback(self._client, self._callbacks[1], None)

    def __enter__(self) -> Self:
        if self._library.jack_activate(self._client):
            raise PortError("The JACK server refuses the benchmark's ports; restart the server.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._library.jack_client_close(self._client)

    def record_from(self, port: str) -> None:
        """Connect a MIDI output to our input. Raises TimedOut if it does not appear."""
        deadline = time.monotonic() + _CONNECT_SECONDS
        while self._library.jack_connect(self._client, port.encode(), f"{self.name}:in".encode()):
            if time.monotonic() > deadline:
                raise TimedOut(f"The MIDI port {port} has not appeared; see the daemon's log.")
            time.sleep(0.05)

    def play(self, samples: Floats, idle: Callable[[], object] = lambda: None) -> int:
        """Play (n,) samples at the server's rate, calling ``idle`` regularly; return the frame of the first.

        Raises InternalError if the server stands still.
        """
        self._played.clear()
        self._at, self._begun = 0, 0
        self._samples = np.ascontiguousarray(samples, np.float32)
        deadline = time.monotonic() + 2 * len(samples) / SAMPLE_RATE + _CONNECT_SECONDS
        while not self._played.wait(0.05):
            idle()
            if time.monotonic() > deadline:
                raise InternalError("The JACK server stands still; end it, and run the benchmark again.")
        return self._begun

    def take_events(self) -> list[tuple[int, bytes]]:
        """Return the three-byte channel messages since the last call, each with its frame."""
        return [self._events.popleft() for _ in range(len(self._events))]

    def _port(self, name: bytes, kind: bytes, flags: int) -> Any:
        port = self._library.jack_port_register(self._client, name, kind, flags, 0)
        if not port:
            raise PortError(f"The JACK server refuses the port {name.decode()}; restart the server.")
        return port

    def _process(self, frames: int, _argument: object) -> int:
        now = self._library.jack_last_frame_time(self._client)
        self._copy_audio(frames, now)
        self._copy_midi(frames, now)
        return 0

    def _copy_audio(self, frames: int, now: int) -> None:
        buffer = self._library.jack_port_get_buffer(self._out, frames)
        samples, at = self._samples, self._at
        part = samples[at : at + frames] if samples is not None else np.zeros(0, np.float32)
        if len(part) < frames:
            ctypes.memset(buffer, 0, frames * 4)
        if samples is None:
            return
        ctypes.memmove(buffer, part.ctypes.data, len(part) * 4)
        if at == 0:
            self._begun = now
        self._at = at + frames
        if self._at >= len(samples):
            self._samples = None
            self._played.set()

    def _copy_midi(self, frames: int, now: int) -> None:
        buffer = self._library.jack_port_get_buffer(self._in, frames)
        event = MidiEvent()
        for index in range(self._library.jack_midi_get_event_count(buffer)):
            if not self._library.jack_midi_event_get(ctypes.byref(event), buffer, index) and event.size == _NOTE_BYTES:
                self._events.append((now + event.time, ctypes.string_at(event.buffer, event.size)))

    def _count_xrun(self, _argument: object) -> int:
        self.xruns += 1
        return 0


def declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """Declare the signatures of the functions that `audio.jack.client` does not use."""
    pointer, number = ctypes.c_void_p, ctypes.c_uint32
    types: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "jack_port_register": (pointer, (pointer, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong)),
        "jack_port_get_buffer": (pointer, (pointer, number)),
        "jack_set_process_callback": (ctypes.c_int, (pointer, _PROCESS, pointer)),
        "jack_set_xrun_callback": (ctypes.c_int, (pointer, _XRUN, pointer)),
        "jack_activate": (ctypes.c_int, (pointer,)),
        "jack_connect": (ctypes.c_int, (pointer, ctypes.c_char_p, ctypes.c_char_p)),
        "jack_midi_get_event_count": (number, (pointer,)),
        "jack_midi_event_get": (ctypes.c_int, (pointer, pointer, number)),
    }
    for name, (result, arguments) in types.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, list(arguments)
    return library
