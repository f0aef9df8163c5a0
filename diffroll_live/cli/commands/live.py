"""``diffroll-live live``: a daemon with one live input of its own, and a display of its events."""

from __future__ import annotations

import asyncio
import logging
import sys
from functools import partial
from typing import Any

import click

from diffroll_live.audio.capture.devices import choose
from diffroll_live.cli.commands.embedded_daemon import Wire, open_midi, run_with_client
from diffroll_live.cli.live_events import JsonLines, Screen, View
from diffroll_live.cli.options import ENGINE, setting, settings, with_options
from diffroll_live.config import load_config
from diffroll_live.limits import LIVE, PORT
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.osc import messages, replies
from diffroll_live.server.audio.capture import list_inputs

BUFFER = "live"
NOWHERE = "none"
_FLAGS = {
    "port": "server.port",
    "model": "engine.model",
    "device": "engine.device",
    "threads": "engine.threads",
    "out": "midi.port",
}


@click.command("live")
@click.option("--in", "source", default="", metavar="DEVICE", help="The input, by a part of its name; see --list.")
@click.option("--out", metavar="PORT", help="An existing MIDI port, instead of a virtual one; 'none' for no MIDI.")
@with_options(*settings(LIVE, "latency", "lane", "pedal"))
@click.option("--list", "only_list", is_flag=True, help="Only list the inputs.")
@click.option("--json", "as_json", is_flag=True, help="Print events as lines of JSON, as is done without a terminal.")
@setting(PORT, "--port", default=0, show_default=False, help="For other OSC clients; otherwise any free port.")
@with_options(*ENGINE)
def live(source: str, latency: float, lane: str, pedal: str, only_list: bool, as_json: bool, **flags: Any) -> None:
    """Transcribe an input onto a MIDI port until Ctrl-C, which ends all notes."""
    if only_list:
        asyncio.run(_list())
        return
    asyncio.run(_check(source))  # before the model is loaded
    silent, options = flags["out"] == NOWHERE, {"lane": lane, "pedal": pedal}
    flags["out"] = None if silent else flags["out"]
    config = load_config(None, {_FLAGS[name]: value for name, value in flags.items()})
    scheduler = None if silent else open_midi(config.midi)
    try:
        with _view(source, latency, scheduler, as_json=as_json) as view:
            asyncio.run(run_with_client(config, scheduler, partial(_converse, source, latency, options, view)))
    finally:
        if scheduler is not None:
            scheduler.close()


def _view(source: str, latency: float, scheduler: Scheduler | None, *, as_json: bool) -> View:
    if as_json or not sys.stdout.isatty():
        return JsonLines()
    ours = logging.getLogger("diffroll_live")
    if ours.level == logging.NOTSET:
        ours.setLevel(logging.ERROR)  # the view shows the rest
    return Screen(source or "default input", lambda: scheduler.state.text if scheduler else "no MIDI", latency)


async def _list() -> None:
    for device in await list_inputs():
        mark = "*" if device.is_main else " "
        click.echo(f"{mark} {device.label} ({device.channels} channels, {device.sample_rate} Hz)")


async def _check(source: str) -> None:
    """Make sure that there is such an input. Raises errors.NoSuchDevice."""
    choose(await list_inputs(), source)


async def _converse(source: str, latency: float, options: dict[str, str], view: View, wire: Wire) -> None:
    """Have the daemon capture the input, and show its replies until it ends. Raises the error that it replies with."""
    wire.send(messages.AudioListen(BUFFER, source, latency))
    async for reply in wire.replies():
        if isinstance(reply, replies.AudioListening | replies.AudioReconnected):
            for key, value in options.items():
                wire.send(messages.LiveSet(BUFFER, key, value))
        view.show(reply)
