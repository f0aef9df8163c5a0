"""The transport of a JACK server: libjack's C structure, and what a query makes of it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

HAS_BAR = 0x10
ROLLING = 1


class Position(ctypes.Structure):
    """``jack_position_t`` up to the fields that differ between versions, and room for those."""

    _fields_ = (
        ("unique_1", ctypes.c_uint64),
        ("usecs", ctypes.c_uint64),
        ("frame_rate", ctypes.c_uint32),
        ("frame", ctypes.c_uint32),
        ("valid", ctypes.c_int),
        ("bar", ctypes.c_int32),
        ("beat", ctypes.c_int32),
        ("tick", ctypes.c_int32),
        ("bar_start_tick", ctypes.c_double),
        ("beats_per_bar", ctypes.c_float),
        ("beat_type", ctypes.c_float),
        ("ticks_per_beat", ctypes.c_double),
        ("beats_per_minute", ctypes.c_double),
        ("others", ctypes.c_ubyte * 128),
    )


@dataclass(frozen=True, slots=True)
class JackTransport:
    """Where the transport was when the server's current period began, ``age`` seconds ago.

    Tempo, beat (quarter notes from the first bar) and metre are None where no client reports them.
    """

    rolling: bool
    age: float  # s
    position: float  # s
    tempo: float | None = None  # BPM
    beat: float | None = None
    metre: tuple[int, int] | None = None


def declare_transport(library: ctypes.CDLL) -> None:
    """Give the functions of libjack that are used here their types. Raises AttributeError where one is missing."""
    library.jack_get_time.restype = ctypes.c_uint64
    library.jack_get_time.argtypes = []
    library.jack_transport_query.restype = ctypes.c_int
    library.jack_transport_query.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.jack_get_buffer_size.restype = library.jack_get_sample_rate.restype = ctypes.c_uint32
    library.jack_get_buffer_size.argtypes = library.jack_get_sample_rate.argtypes = [ctypes.c_void_p]


def query_transport(library: ctypes.CDLL, client: int) -> JackTransport:
    """Query the transport."""
    found = Position()
    state = library.jack_transport_query(client, ctypes.byref(found))
    age = (library.jack_get_time() - found.usecs) * 1e-6
    position = found.frame / max(1, found.frame_rate)
    if not found.valid & HAS_BAR or not found.beats_per_minute > 0.0:
        return JackTransport(state == ROLLING, age, position)
    metre = (round(found.beats_per_bar), round(found.beat_type))
    beats = (found.bar - 1) * found.beats_per_bar + found.beat - 1 + found.tick / max(1.0, found.ticks_per_beat)
    quarters = beats * 4.0 / max(1.0, found.beat_type)
    return JackTransport(state == ROLLING, age, position, found.beats_per_minute, quarters, metre)
