"""Puts the model's process, the sockets, the MIDI port and what is served beside OSC together."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import click

from diffroll_live.cli.beside import Beside, opened_beside
from diffroll_live.config import Config, MidiConfig
from diffroll_live.midi.ports import PortChoice
from diffroll_live.midi.scheduler import Scheduler
from diffroll_live.midi.sinks import MidiSink
from diffroll_live.server.daemon import serve as serve_clients
from diffroll_live.worker.queue import Worker


def serve_all(config: Config, worker: Worker) -> None:
    """Serve until a signal comes. Raises errors.PortError when a port is taken, and the engine's error at the start."""
    scheduler = start_midi(config.midi)
    try:
        with opened_beside(config) as beside:
            _serve(config, worker, scheduler, beside)
    finally:
        if scheduler is not None:
            scheduler.close()


def _serve(config: Config, worker: Worker, scheduler: Scheduler | None, beside: Beside) -> None:
    def ready(port: int) -> None:
        where = f"{config.server.host}:{port}"
        click.echo(f"Ready at {where} (OSC over UDP and TCP), model {worker.info.name} on {worker.info.device}.")
        for line in beside.lines:
            click.echo(line)

    readable = replace(config.server, allowed_folders=(*config.server.allowed_folders, *beside.folders))
    asyncio.run(
        serve_clients(
            replace(config, server=readable),
            worker,
            scheduler,
            ready=ready,
            spool=readable.spool_folder,
            attach=beside.open,
        )
    )


def start_midi(midi: MidiConfig) -> Scheduler | None:
    """Open the MIDI output, or keep trying (the scheduler warns); None when the configuration wants no MIDI."""
    if midi.api == "none":
        return None
    choice = PortChoice(midi.api, midi.port or None, midi.client_name, midi.port_name)  # type: ignore[arg-type]
    scheduler = Scheduler(lambda: MidiSink(choice))
    scheduler.start()
    return scheduler
