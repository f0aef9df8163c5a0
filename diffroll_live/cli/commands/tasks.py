"""The four tasks as commands, for an engine in this process or for one behind OSC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from diffroll_live.cli.handover import open_nearest
from diffroll_live.cli.inputs import MAX_SECONDS
from diffroll_live.cli.options import BY_TASK, LOCAL, OUTPUT, REMOTE, SAMPLING, TaskChoices, choices, with_options
from diffroll_live.cli.run import Opened, run_task
from diffroll_live.music.plan import plan_request
from diffroll_live.types import Control, Request, Result, Task

Opener = Callable[[TaskChoices], Opened]


def open_local(wanted: TaskChoices) -> Opened:
    """Open a daemon that is warm, or load a model. Raises errors.CheckpointError."""
    return open_nearest(wanted, open_here)


def open_here(wanted: TaskChoices) -> Opened:
    """Load a model into this process; imports torch. Raises errors.CheckpointError."""
    from diffroll_live.engine.loading import load_engine

    engine = load_engine(wanted.model, wanted.device, wanted.threads, warm=False)

    def run(request: Request, control: Control) -> Result:
        result: Result = engine.run(plan_request(request, MAX_SECONDS), control)
        return result

    return Opened(engine.info.name, engine.info.device, run, close=lambda: None)


def open_remote(wanted: TaskChoices) -> Opened:
    """Greet the daemon. Raises errors.TimedOut when it does not answer."""
    from diffroll_live.osc.client import Client

    client = Client(wanted.host, wanted.port, name="diffroll-live send")
    return Opened(client.welcome.model, client.welcome.device, client.run, client.close)


def local_command(task: Task, help_text: str) -> click.Command:
    """Make the command that runs a task on this machine."""
    return _command(task, help_text, LOCAL, open_local)


def remote_command(task: Task, help_text: str) -> click.Command:
    """Make the command that has a running daemon do a task."""
    return _command(task, help_text, REMOTE, open_remote)


def _command(task: Task, help_text: str, where: tuple[Callable[..., Any], ...], opener: Opener) -> click.Command:
    def command(**given: Any) -> int:
        return run_task(task, choices(task, given), opener)

    options = (*BY_TASK[task], *OUTPUT, *where, *SAMPLING)
    return click.command(task, help=help_text)(with_options(*options)(command))


transcribe = local_command(
    "transcribe",
    "Write the notes that are played in recordings: WAV, FLAC, MP3 or Ogg, up to four hours of each at a time.",
)
inpaint = local_command(
    "inpaint",
    "Write new notes into regions of a recording or a MIDI file, from what surrounds them. Notes outside stay as they "
    "are, and so do all other tracks and events of a MIDI file.",
)
continue_ = local_command(
    "continue", "Write what could come after a recording or a MIDI file; the new notes start at its end."
)
generate = local_command("generate", "Write something new from nothing.")
