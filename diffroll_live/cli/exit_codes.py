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
    OK: "success",
    INTERNAL: "a bug in the program; the log has the details",
    USAGE: "an option or a region with an invalid value",
    FILE: "a file that is missing, refused, damaged in transfer, or not usable audio",
    MODEL: "a model that is missing or was altered",
    MEMORY: "too little memory on the device",
    PORT: "a MIDI or network port that cannot be opened",
    DAEMON: "the daemon or the cluster is not running, busy, or stopped answering",
    UNWELL: "the doctor found a problem that needs fixing",
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
    "engine-lost": DAEMON,
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
