"""diffroll-live: a diffusion model of piano rolls, controlled over OSC and played over MIDI."""

import os
from pathlib import Path

__version__ = "0.1.0"

#: Version of the OSC interface in ``bridge/PROTOCOL.md``; it changes only when an old client would break.
PROTOCOL_VERSION = 1

#: Where this package lies; a wheel has the bridges and the models below it.
PACKAGE_FOLDER = Path(__file__).resolve().parent

#: What OpenMP reads when torch is loaded, and the C library when a process starts. A thread that waits must sleep: one
#: that spins burns the time of those it waits for, wherever a DAW keeps the cores busy.
ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0", "MALLOC_ARENA_MAX": "2"}

for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
