"""diffroll-live: a warm diffusion model of piano rolls, spoken to over OSC and heard over MIDI."""

__version__ = "0.1.0"

#: Version of the OSC interface in ``bridge/PROTOCOL.md``; it changes only when an old client would break.
PROTOCOL_VERSION = 1
