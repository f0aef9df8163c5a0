"""How often the JACK server was late: one tally for the whole process, however many watches it has on the server.

JACK tells of its xruns only clients that take part in its periods. One watch of the process is made one, with nothing
to do in a period: no Python runs there, only where an xrun is told of, and that is a thread of its own.
"""

from __future__ import annotations

import ctypes

XRUN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class XrunTally:
    """Xruns of the servers that this process has used. ``count`` is None until there was one."""

    def __init__(self) -> None:
        self.count: int | None = None
        self._callback = XRUN(self._on_xrun)  # kept: ctypes does not hold it
        self._client: int | None = None  # that counts; libjack's

    def follow(self, library: ctypes.CDLL, client: int) -> None:
        """Count by a client that is not active yet, unless another one counts; the caller holds JACK_CLIENT_LOCK."""
        if self._client is not None:
            return
        library.jack_set_xrun_callback(client, self._callback, None)
        if library.jack_activate(client) == 0:
            self._client, self.count = client, self.count or 0

    def leave(self, client: int) -> None:
        """Let the next one that follows count, where this client did; the caller holds JACK_CLIENT_LOCK."""
        if client == self._client:
            self._client = None

    def _on_xrun(self, _argument: object) -> int:
        self.count = (self.count or 0) + 1
        return 0


def declare_xruns(library: ctypes.CDLL) -> None:
    """Give the functions of libjack that are used here their types. Raises AttributeError where one is missing."""
    library.jack_set_xrun_callback.restype = library.jack_activate.restype = ctypes.c_int
    library.jack_set_xrun_callback.argtypes = [ctypes.c_void_p, XRUN, ctypes.c_void_p]
    library.jack_activate.argtypes = [ctypes.c_void_p]


#: Of this process.
XRUNS = XrunTally()
