"""The exit codes of every command; scripts may rely on them."""

from __future__ import annotations

OK = 0
INTERNAL = 1
USAGE = 2
FILE = 3
MODEL = 4
MEMORY = 5
PORT = 6
DAEMON = 7
UNWELL = 8
INTERRUPTED = 130

#: What each exit code means, as printed by ``--help``.
MEANINGS = {
    OK: "all done",
    INTERNAL: "a fault of the program; the log has the details",
    USAGE: "an option or a region with a value that it cannot have",
    FILE: "a file that is missing, refused, or not usable audio, or that arrived damaged at the daemon",
    MODEL: "a model that is missing or was altered",
    MEMORY: "too little memory on the device",
    PORT: "a MIDI or network port that cannot be opened",
    DAEMON: "the daemon is not there, busy, or stopped answering",
    UNWELL: "the doctor found something that must be mended",
    INTERRUPTED: "interrupted with Ctrl-C",
}

#: Exit code for each wire code of `errors`.
BY_ERROR = {
    "bad-message": INTERNAL,
    "unknown-address": INTERNAL,
    "bad-audio": FILE,
    "unknown-buffer": INTERNAL,
    "too-large": FILE,
    "bad-checksum": FILE,
    "incomplete": DAEMON,
    "timed-out": DAEMON,
    "bad-option": USAGE,
    "bad-region": USAGE,
    "unknown-job": INTERNAL,
    "busy": DAEMON,
    "cancelled": INTERRUPTED,
    "file-refused": FILE,
    "file-not-found": FILE,
    "no-model": MODEL,
    "checksum": MODEL,
    "no-such-device": PORT,
    "no-such-port": PORT,
    "port-closed": PORT,
    "out-of-memory": MEMORY,
    "internal": INTERNAL,
}
