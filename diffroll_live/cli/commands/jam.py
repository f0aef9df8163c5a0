"""``diffroll-live jam``: play and stop, and the model continues; play again, and it listens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from diffroll_live.cli.commands.embedded_daemon import Wire, open_midi, run_with_client
from diffroll_live.cli.jam_events import JamPrinter
from diffroll_live.cli.live_events import JsonLines, View
from diffroll_live.cli.options import ENGINE, setting, settings, with_options
from diffroll_live.config import load_config
from diffroll_live.errors import Busy, DeviceMemory, InternalError, PortClosed
from diffroll_live.limits import CONFIG, CONTROLS, PORT
from diffroll_live.osc import jam_messages, messages, replies
from diffroll_live.server.jam.settings import JamSettings

JAM, BUFFER = "jam", "jam-input"
#: Errors that do not end the jam: the turn is the musician's again, or the keyboard is being looked for.
_PASSING = (InternalError.code, Busy.code, DeviceMemory.code, PortClosed.code)
_FLAGS = {
    "port": "server.port",
    "model": "engine.model",
    "device": "engine.device",
    "threads": "engine.threads",
    "midi_api": "midi.api",
    "out": "midi.port",
    "transport": "transport.source",
}
#: The options that are passed on to the daemon's jam.
_SETTINGS = ("cue", "rest_bars", "tempo", "beats", "ahead", "lead", "quality", "seed", *CONTROLS)


@click.command("jam")
@click.option("--midi-in", metavar="PORT", help="Listen to this MIDI input; otherwise to a virtual one.")
@click.option("--in", "audio", metavar="DEVICE", help="Listen to an audio input instead of MIDI; see 'live --list'.")
@click.option("--out", metavar="PORT", help="An existing MIDI port, instead of a virtual one.")
@with_options(*settings(JamSettings.OPTIONS, *_SETTINGS))
@setting(CONFIG["transport.source"], "--transport")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as lines of JSON.")
@setting(PORT, "--port", default=0, show_default=False, help="For other OSC clients; otherwise any free port.")
@with_options(*ENGINE)
@setting(CONFIG["midi.api"], "--midi-api")
def jam(midi_in: str | None, audio: str | None, as_json: bool, **options: Any) -> None:
    """Trade phrases with the model until Ctrl-C, which ends all notes.

    Play something and stop: after two bars of rest, or at the cue, the model continues until you play again.
    """
    config = load_config(None, {field: options[name] for name, field in _FLAGS.items()})
    scheduler = open_midi(config.midi)
    chosen = {name: options[name] for name in _SETTINGS if options[name] is not None}
    view: View = JsonLines() if as_json else JamPrinter()
    try:
        with view:
            asyncio.run(run_with_client(config, scheduler, partial(_converse, midi_in or "", audio, chosen, view)))
    finally:
        if scheduler is not None:
            scheduler.close()


async def _converse(port: str, device: str | None, settings: Mapping[str, Any], view: View, wire: Wire) -> None:
    """Begin the jam, once its input is open, and show its events. Raises the daemon's errors."""
    if device is None:
        _begin("midi", port, settings, wire)
    else:
        wire.send(messages.AudioListen(BUFFER, device))
    async for reply in wire.replies(lambda error: error.about == JAM and error.code in _PASSING):
        if isinstance(reply, replies.AudioListening):
            wire.send(messages.LiveSet(BUFFER, "deliver", "osc"))
            _begin("audio", BUFFER, settings, wire)
        view.show(reply)


def _begin(source: str, name: str, settings: Mapping[str, Any], wire: Wire) -> None:
    wire.send(jam_messages.JamStart(JAM, source, name))
    for key, value in settings.items():
        wire.send(jam_messages.JamSet(JAM, key, value))
