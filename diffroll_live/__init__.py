"""diffroll-live: a diffusion model of piano rolls, controlled over OSC and played over MIDI."""

from pathlib import Path

__version__ = "0.1.0"

#: Version of the OSC interface in ``bridge/PROTOCOL.md``; it changes only when an old client would break.
PROTOCOL_VERSION = 1

#: Where this package lies; a wheel has the bridges and the models below it.
PACKAGE_FOLDER = Path(__file__).resolve().parent
