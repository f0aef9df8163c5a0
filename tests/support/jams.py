"""A MIDI program that plays into a jam."""

from __future__ import annotations

import rtmidi

from support.waiting import wait_until


def send_to(port: str) -> rtmidi.MidiOut:
    """An output that is connected to a port, once it is there."""
    out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="musician")
    wait_until(lambda: any(name.startswith(port) for name in out.get_ports()), f"the port {port}")
    out.open_port(next(i for i, name in enumerate(out.get_ports()) if name.startswith(port)))
    return out
