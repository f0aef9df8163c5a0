"""``diffroll-live serve``: which puts the model's process, the sockets and the MIDI port together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from diffroll_live.cli.engine_factory import EngineFactory
from diffroll_live.cli.options import ENGINE, PATH, setting, with_options
from diffroll_live.config import Config, MidiConfig, load_config
from diffroll_live.errors import PortError, RequestError
from diffroll_live.limits import CONFIG, PANEL_PORT, PORT
from diffroll_live.midi.ports import PortChoice
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import MidiSink
from diffroll_live.panel import Panel
from diffroll_live.panel.address import kept_address
from diffroll_live.panel.folder import panel_folder
from diffroll_live.panel.service import bind as bind_panel
from diffroll_live.server.daemon import serve as serve_clients
from diffroll_live.worker.queue import Worker

logger = logging.getLogger(__name__)

FLAGS = {
    "host": "server.host",
    "port": "server.port",
    "model": "engine.model",
    "device": "engine.device",
    "threads": "engine.threads",
    "midi_api": "midi.api",
    "midi_port": "midi.port",
    "spool": "server.spool",
    "transport": "transport.source",
    "transport_port": "transport.midi_port",
}


def _panel_choice(_: click.Context, param: click.Parameter, value: str | None) -> dict[str, int | str]:
    """Return what ``--panel`` sets in the section ``panel``."""
    if value is None:
        return {}
    if value == "off":
        return {"panel.serve": "off"}
    try:
        return {"panel.serve": "on", "panel.port": int(PANEL_PORT.check(float(value)))}
    except (ValueError, RequestError) as error:
        raise click.BadParameter(f"must be off or a port from 0 to 65535, not {value!r}.", param=param) from error


@click.command("serve")
@setting(PORT, "--port", default=None, help=f"{PORT.sentence.rstrip('.')}; {PORT.default} unless configured.")
@click.option("--host", help="The address to listen on; 127.0.0.1 unless configured.")
@click.option("--config", "config_file", type=PATH, metavar="FILE", help="A TOML file; options here win over it.")
@with_options(*ENGINE)
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
    callback=_panel_choice,
    help=f"The panel's port in the browser; {PANEL_PORT.default} unless configured.",
)
def serve(config_file: Path | None, panel: dict[str, int | str], **flags: str | int | None) -> None:
    """Run the daemon: it keeps the model warm, serves clients over OSC, and plays notes on a virtual MIDI port."""
    config = load_config(config_file, {**{FLAGS[name]: value for name, value in flags.items()}, **panel})
    ours = logging.getLogger("diffroll_live")
    if ours.level == logging.NOTSET:
        ours.setLevel(logging.INFO)
    engine = config.engine
    factory = EngineFactory(engine.model or None, engine.device, engine.threads or None, engine.precision)
    worker = Worker(factory, config.server.queue_size)
    scheduler = start_midi(config.midi)

    try:
        with opened_panel(config) as served:
            _serve(config, worker, scheduler, served)
    finally:
        if scheduler is not None:
            scheduler.close()


def _serve(config: Config, worker: Worker, scheduler: Scheduler | None, panel: Panel | None) -> None:
    def ready(port: int) -> None:
        where = f"{config.server.host}:{port}"
        click.echo(f"Ready at {where} (OSC over UDP and TCP), model {worker.info.name} on {worker.info.device}.")
        if panel is not None:
            click.echo(f"The panel: {panel.address}")

    readable = config.server
    if panel is not None:
        readable = replace(readable, allowed_folders=(*readable.allowed_folders, panel.folder.path))
    asyncio.run(
        serve_clients(
            replace(config, server=readable),
            worker,
            scheduler,
            ready=ready,
            spool=readable.spool_folder,
            attach=None if panel is None else panel.open,
        )
    )


@contextmanager
def opened_panel(config: Config) -> Iterator[Panel | None]:
    """Open the panel's port and folder; without its port, the daemon logs why and serves the others alone."""
    if config.panel.serve == "off":
        yield None
        return
    try:
        socket = bind_panel(config.panel.host, config.panel.port)
    except PortError as error:
        logger.warning("there is no panel: %s", error.text)
        yield None
        return
    with socket, panel_folder() as folder:
        panel = Panel(socket, config.panel.host, folder)
        with kept_address(panel.address):
            yield panel


def start_midi(midi: MidiConfig) -> Scheduler | None:
    """Open the MIDI output, or keep trying (the scheduler warns); None when the configuration wants no MIDI."""
    if midi.api == "none":
        return None
    choice = PortChoice(midi.api, midi.port or None, midi.client_name, midi.port_name)  # type: ignore[arg-type]
    scheduler = Scheduler(lambda: MidiSink(choice))
    scheduler.start()
    return scheduler
