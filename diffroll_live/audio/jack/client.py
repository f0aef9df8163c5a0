"""Watch a JACK server through the very libjack that rtmidi is linked to.

rtmidi cannot tell that its JACK server died: sends go on "succeeding" into a ring buffer that nobody empties, and
once that is full a send spins for ever while it holds the GIL. A client of our own, without ports, learns of the
end of the server at once and sees the server's frame counter. Knows nothing of MIDI.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
import time
from functools import cache
from importlib.util import find_spec
from weakref import WeakSet

from diffroll_live.audio.jack.transport import JackTransport, declare_transport, query_transport
from diffroll_live.audio.jack.xruns import XRUNS, declare_xruns
from diffroll_live.errors import PortError

#: Held while a client opens or closes. All clients of a process share libjack's tables: closing one of a server that
#: had died, during or after the opening of another on the next server, ended the process by a segmentation fault.
JACK_CLIENT_LOCK = threading.RLock()
_STILL_SECONDS = 1.0  # without a new period, after which a server counts as dead
_NO_START_SERVER = 0x01
_SERVER_NAME = 0x04
_IS_OUTPUT = 0x2
_AUDIO = b"32 bit float mono audio"
_MIDI = b"8 bit raw midi"
_SHUTDOWN = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@cache
def libjack() -> ctypes.CDLL:
    """Load libjack, quiet and typed. Raises PortError where rtmidi comes without JACK."""
    try:
        # A symbol looked up in the extension is found in the libjack it was linked to, wherever that lies; a second
        # copy of the library would not share the error handler.
        spec = find_spec("rtmidi._rtmidi")
        library = ctypes.CDLL(spec.origin if spec else None)
        _declare(library)
    except (ImportError, OSError, AttributeError) as error:
        raise PortError("This build of python-rtmidi has no JACK. Choose another MIDI system (api = auto).") from error
    return library


def _declare(library: ctypes.CDLL) -> None:
    declare_transport(library)
    declare_xruns(library)
    library.jack_client_open.restype = ctypes.c_void_p
    library.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    library.jack_client_close.argtypes = [ctypes.c_void_p]
    library.jack_on_shutdown.restype = None
    library.jack_on_shutdown.argtypes = [ctypes.c_void_p, _SHUTDOWN, ctypes.c_void_p]
    library.jack_last_frame_time.restype = ctypes.c_uint32
    library.jack_last_frame_time.argtypes = [ctypes.c_void_p]
    library.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)  # a list that ends with NULL
    library.jack_get_ports.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
    library.jack_free.restype = None
    library.jack_free.argtypes = [ctypes.c_void_p]
    # libjack writes to stderr whenever a server is absent or leaves; we say so ourselves. Its handler may be called
    # on any thread, so it must not need the GIL: strlen takes a string and does nothing, which is what is wanted.
    nothing = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p)
    for name in ("jack_set_error_function", "jack_set_info_function"):
        function = getattr(library, name)
        function.restype = None
        function.argtypes = [ctypes.c_void_p]
        function(nothing)


_open_watches: WeakSet[JackWatch] = WeakSet()


class JackWatch:
    """A client without ports on a running server; ``gone`` turns true when the server ends.

    ``server`` names the server; None takes the user's default (environment JACK_DEFAULT_SERVER). A server is never
    started. Code with other clients keeps a watch beside them, opened before and closed after them. With ``counts``,
    the server's xruns are counted (see ``xruns``), as long as no other watch does.
    Raises PortError where no server runs, or while a watch on one that has ended is still to be closed: a new client
    moves libjack's tables to the next server, and using an old one then ended the process by a segmentation fault.
    """

    def __init__(self, server: str | None = None, *, counts: bool = False) -> None:
        self._library = libjack()
        self.gone = False
        with JACK_CLIENT_LOCK:
            if not all(other.lives() for other in _open_watches):
                raise PortError("The JACK server has ended, or stands still. Try again in a second.")
            self._client = self._open(server)
            if self._client:
                _open_watches.add(self)
        if not self._client:
            raise PortError("No JACK server is running. Start one (`jackd -d dummy` needs no sound card).")
        self._callback = _SHUTDOWN(self._on_shutdown)  # kept: ctypes does not hold it
        self._library.jack_on_shutdown(self._client, self._callback, None)
        if counts:
            with JACK_CLIENT_LOCK:
                XRUNS.follow(self._library, self._client)

    def _open(self, server: str | None) -> int | None:
        name = b"diffroll-live-watch"
        if server is None:
            client = self._library.jack_client_open(name, _NO_START_SERVER, None)
        else:
            flags = _NO_START_SERVER | _SERVER_NAME
            client = self._library.jack_client_open(name, flags, None, ctypes.c_char_p(server.encode()))
        return int(client) if client else None

    def _on_shutdown(self, _argument: object) -> None:
        self.gone = True

    def lives(self) -> bool:
        """Return whether the server still runs its periods, which ``gone`` may tell late: wait for the next one."""
        frame, deadline = self.frame(), time.monotonic() + _STILL_SECONDS
        while not self.gone and time.monotonic() < deadline:
            if self.frame() != frame:
                return True
            time.sleep(0.002)
        return False

    def transport(self) -> JackTransport | None:
        """Query the server's transport; None after close()."""
        return query_transport(self._library, self._client) if self._client else None

    def period(self) -> float:
        """Return the length of the server's period, in seconds; 0 after close()."""
        if not self._client:
            return 0.0
        return float(
            self._library.jack_get_buffer_size(self._client) / self._library.jack_get_sample_rate(self._client)
        )

    def frame(self) -> int:
        """Return the frame at which the server's current period began; it stands still when the server does."""
        return int(self._library.jack_last_frame_time(self._client)) if self._client else 0

    def plays(self, client: str) -> bool:
        """Return whether a client of the server has an audio output; a server that is gone has no clients."""
        return any(name.rpartition(":")[0] == client for name in self._outputs(_AUDIO))

    def midi_outputs(self) -> set[str]:
        """Return the full names of the MIDI ports that other clients can read."""
        return set(self._outputs(_MIDI))

    def _outputs(self, kind: bytes) -> list[str]:
        if self.gone or not self._client:
            return []
        ports = self._library.jack_get_ports(self._client, None, kind, _IS_OUTPUT)
        names = [name.decode(errors="replace") for name in itertools.takewhile(bool, ports)] if ports else []
        self._library.jack_free(ports)
        return names

    def close(self) -> None:
        """Leave the server. Safe to call again."""
        client, self._client = self._client, None
        if client:
            with JACK_CLIENT_LOCK:
                XRUNS.leave(client)
                self._library.jack_client_close(client)
                _open_watches.discard(self)


def jack_answers(server: str | None = None) -> bool:
    """Return whether a JACK server (of that name) answers."""
    try:
        JackWatch(server).close()
    except PortError:
        return False
    return True
