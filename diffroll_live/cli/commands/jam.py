"""``diffroll-live jam``: play, stop, and hear the model go on; play again, and it listens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from diffroll_live.cli.commands.embedded_daemon import Wire, open_midi, run_with_client
from diffroll_live.cli.jam_events import JamPrinter
from diffroll_live.cli.live_events import JsonLines, View
from diffroll_live.cli.options import Finite
from diffroll_live.config import load_config
from diffroll_live.errors import Busy, DeviceMemory, InternalError, PortClosed
from diffroll_live.osc import jam_messages, messages, replies
from diffroll_live.types import QUALITIES

JAM, BUFFER = "jam", "jam-input"
#: Errors of the jam after which it goes on: the turn is the musician's again, or the keyboard is sought.
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
#: Options that the daemon's jam has, by their names there.
_SETTINGS = ("cue", "rest_bars", "tempo", "beats", "ahead", "lead", "quality", "seed", "temperature", "density")


@click.command("jam")
@click.option("--midi-in", metavar="PORT", help="Hear this MIDI input; otherwise a virtual one of our own.")
@click.option("--in", "audio", metavar="DEVICE", help="Hear an audio input in place of MIDI; see 'live --list'.")
@click.option("--out", metavar="PORT", help="An existing MIDI port, in place of a virtual one.")
@click.option("--cue", default="none", show_default=True, help="What gives the turn: none, pedal, 'note N' or 'cc N'.")
@click.option("--rest-bars", type=Finite(0, 64), default=2.0, show_default=True, help="So does a rest; 0: it does not.")
@click.option("--tempo", type=Finite(20, 400), default=120.0, show_default=True, help="Where the DAW tells none.")
@click.option("--beats", type=Finite(1, 32), default=4.0, show_default=True, help="A bar.")
@click.option("--ahead", type=Finite(0.5, 30), default=4.0, show_default=True, help="Seconds written at a time.")
@click.option(
    "--lead", type=Finite(0.05, 5), default=0.3, show_default=True, help="Seconds from the turn to the answer."
)
@click.option("--quality", type=click.Choice(QUALITIES), default="live", show_default=True, help="How long it writes.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--temperature", type=Finite(0, 5), default=1.0, show_default=True)
@click.option("--density", type=Finite(0, 4), default=1.0, show_default=True)
@click.option("--transport", type=click.Choice(("osc", "midi-clock", "mtc", "jack", "link")), help="The DAW's time.")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as lines of JSON.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="For OSC clients beside; otherwise any free one."
)
@click.option("--model", metavar="NAME", help="One of 'diffroll-live models'; otherwise the default one.")
@click.option("--device", type=click.Choice(("auto", "cuda", "mps", "cpu")), help="Where the model runs.")
@click.option("--threads", type=click.IntRange(1, 256), help="CPU threads; otherwise as many as there are cores.")
@click.option("--midi-api", type=click.Choice(("auto", "coremidi", "windows", "alsa", "jack")))
def jam(midi_in: str | None, audio: str | None, as_json: bool, **options: Any) -> None:
    """Play in turns with the model until Ctrl-C. Nothing sounds after that.

    Play something and stop: after two bars of rest, or at the cue, the model goes on until you play again.
    """
    config = load_config(None, {field: options[name] for name, field in _FLAGS.items()})
    scheduler = open_midi(config.midi)
    settings = {name: options[name] for name in _SETTINGS}
    view: View = JsonLines() if as_json else JamPrinter()
    try:
        with view:
            asyncio.run(run_with_client(config, scheduler, partial(_converse, midi_in or "", audio, settings, view)))
    finally:
        if scheduler is not None:
            scheduler.close()


async def _converse(port: str, device: str | None, settings: Mapping[str, Any], view: View, wire: Wire) -> None:
    """Begin the jam, once its input is heard, and show what comes of it. Raises the daemon's errors."""
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
