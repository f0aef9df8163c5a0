"""``diffroll-live live``: the daemon with one live input of its own, and a view of what it hears."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from diffroll_live.audio.capture.devices import choose
from diffroll_live.cli.commands.embedded_daemon import Wire, open_midi, run_with_client
from diffroll_live.cli.live_events import JsonLines, Screen, View
from diffroll_live.cli.options import Finite
from diffroll_live.config import load_config
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


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How to listen. An empty ``device`` is the machine's default one."""

    device: str
    latency: float  # ms
    lane: str


@click.command("live")
@click.option("--in", "device", default="", metavar="DEVICE", help="The input, by a part of its name; see --list.")
@click.option("--out", metavar="PORT", help="An existing MIDI port, in place of a virtual one; 'none' for no MIDI.")
@click.option("--latency", type=Finite(50, 700), default=200.0, show_default=True, help="From sound to MIDI, in ms.")
@click.option(
    "--lane",
    type=click.Choice(("commit", "preview")),
    default="commit",
    show_default=True,
    help="Sound notes on time, or as soon as they may be notes.",
)
@click.option("--list", "only_list", is_flag=True, help="List the inputs, and do nothing else.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print what happens as lines of JSON; so it is without a terminal."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="For OSC clients beside; otherwise any free one."
)
@click.option("--model", metavar="NAME", help="One of 'diffroll-live models'; otherwise the default one.")
@click.option("--device", "compute", type=click.Choice(("auto", "cuda", "mps", "cpu")), help="Where the model runs.")
@click.option("--threads", type=click.IntRange(1, 256), help="CPU threads; otherwise as many as there are cores.")
def live(
    device: str, latency: float, lane: str, only_list: bool, as_json: bool, compute: str | None, **flags: Any
) -> None:
    """Hear an input, and play the notes of it on a MIDI port until Ctrl-C. Nothing sounds after that."""
    if only_list:
        asyncio.run(_list())
        return
    asyncio.run(_check(device))  # before the model is loaded
    silent = flags["out"] == NOWHERE
    flags = {**flags, "device": compute, "out": None if silent else flags["out"]}
    config = load_config(None, {_FLAGS[name]: value for name, value in flags.items()})
    scheduler = None if silent else open_midi(config.midi)
    try:
        with _view(device, latency, scheduler, as_json=as_json) as view:
            asyncio.run(
                run_with_client(config, scheduler, partial(_converse, LiveOptions(device, latency, lane), view))
            )
    finally:
        if scheduler is not None:
            scheduler.close()


def _view(device: str, latency: float, scheduler: Scheduler | None, *, as_json: bool) -> View:
    if as_json or not sys.stdout.isatty():
        return JsonLines()
    ours = logging.getLogger("diffroll_live")
    if ours.level == logging.NOTSET:
        ours.setLevel(logging.ERROR)  # the view tells the rest
    return Screen(device or "default input", lambda: scheduler.state.text if scheduler else "no MIDI", latency)


async def _list() -> None:
    for device in await list_inputs():
        mark = "*" if device.is_main else " "
        click.echo(f"{mark} {device.label} ({device.channels} channels, {device.sample_rate} Hz)")


async def _check(device: str) -> None:
    """Make sure that there is such an input. Raises errors.NoSuchDevice."""
    choose(await list_inputs(), device)


async def _converse(wish: LiveOptions, view: View, wire: Wire) -> None:
    """Ask the daemon to listen, and show what it says until it hangs up. Raises the error that it answers with."""
    wire.send(messages.AudioListen(BUFFER, wish.device, wish.latency))
    async for reply in wire.replies():
        if isinstance(reply, replies.AudioListening | replies.AudioReconnected):
            wire.send(messages.LiveSet(BUFFER, "lane", wish.lane))
        view.show(reply)
