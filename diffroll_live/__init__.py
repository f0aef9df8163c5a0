"""diffroll-live: a diffusion model of piano rolls, controlled over OSC and played over MIDI."""

import os
from pathlib import Path

__version__ = "0.1.0"

#: Version of the OSC interface in ``bridge/PROTOCOL.md``; it changes only when an old client would break.
PROTOCOL_VERSION = 1

#: Where this package lies; a wheel has the bridges and the models below it.
PACKAGE_FOLDER = Path(__file__).resolve().parent

#: What OpenMP reads when torch is loaded, and the C library when a process starts. A thread that waits must sleep: one
#: that spins burns the time of those it waits for, wherever a DAW keeps the cores busy. But an evaluation has hundreds
#: of waits, most of them shorter than it takes to wake up: GNU's threads look a thousand times, some 30 microseconds,
#: before they sleep, and so never lose more than about twice the time of the better choice (Karlin et al., 1991).
ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "0", "MALLOC_ARENA_MAX": "2"}

for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
