"""``diffroll-live serve``: the options of the daemon. The model's process starts before all else is imported."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from diffroll_live.cli.options import ENGINE, ENGINE_AT, PATH, setting, with_options
from diffroll_live.cli.worker import make_worker
from diffroll_live.config import load_config
from diffroll_live.errors import RequestError
from diffroll_live.limits import CONFIG, METRICS_PORT, PANEL_PORT, PORT, Limit

FLAGS = {
    "host": "server.host",
    "port": "server.port",
    "model": "engine.model",
    "device": "engine.device",
    "threads": "engine.threads",
    "address": "engine.address",
    "midi_api": "midi.api",
    "midi_port": "midi.port",
    "spool": "server.spool",
    "transport": "transport.source",
    "transport_port": "transport.midi_port",
    "discovery": "discovery.reach",
}


def _port_or_off(section: str, port: Limit) -> Callable[[click.Context, click.Parameter, str | None], dict[str, Any]]:
    """Make the callback of an option that takes a port or ``off``, and sets a section's ``serve`` and ``port``."""

    def choose(_: click.Context, param: click.Parameter, value: str | None) -> dict[str, Any]:
        if value is None:
            return {}
        if value == "off":
            return {f"{section}.serve": "off"}
        try:
            return {f"{section}.serve": "on", f"{section}.port": int(port.check(float(value)))}
        except (ValueError, RequestError) as error:
            raise click.BadParameter(f"must be off or a port from 0 to 65535, not {value!r}.", param=param) from error

    return choose


@click.command("serve")
@setting(PORT, "--port", default=None, help=f"{PORT.sentence.rstrip('.')}; {PORT.default} unless configured.")
@click.option("--host", help="The address to listen on; 127.0.0.1 unless configured.")
@click.option("--config", "config_file", type=PATH, metavar="FILE", help="A TOML file; options here win over it.")
@with_options(*ENGINE, ENGINE_AT)
@setting(CONFIG["midi.api"], "--midi-api")
@click.option("--midi-port", metavar="NAME", help="An existing port to play on, instead of a virtual one.")
@setting(CONFIG["transport.source"], "--transport", help="Where the DAW's time comes from; osc unless configured.")
@click.option(
    "--transport-port", metavar="NAME", help="An existing MIDI input for the DAW's time, instead of a virtual one."
)
@click.option("--spool", metavar="FOLDER", help="Folder for requests of scripts in REAPER and Ardour; 'none' for none.")
@click.option(
    "--panel",
    metavar="PORT|off",
    callback=_port_or_off("panel", PANEL_PORT),
    help=f"The panel's port in the browser; {PANEL_PORT.default} unless configured.",
)
@setting(CONFIG["discovery.reach"], "--discovery")
@click.option(
    "--metrics",
    metavar="PORT|off",
    callback=_port_or_off("metrics", METRICS_PORT),
    help=f"A port for Prometheus, such as {METRICS_PORT.default}; off unless configured.",
)
def serve(config_file: Path | None, panel: dict[str, Any], metrics: dict[str, Any], **flags: str | int | None) -> None:
    """Run the daemon: it keeps the model warm, serves clients over OSC, and plays notes on a virtual MIDI port."""
    config = load_config(config_file, {**{FLAGS[name]: value for name, value in flags.items()}, **panel, **metrics})
    ours = logging.getLogger("diffroll_live")
    if ours.level == logging.NOTSET:
        ours.setLevel(logging.INFO)
    worker = make_worker(config)
    worker.begin()  # the model is loaded while all that the daemon itself consists of is imported
    try:
        from diffroll_live.cli.commands.serving import serve_all

        serve_all(config, worker)
    finally:
        worker.close()
