"""``diffroll-live send``: the four tasks, done by a running daemon."""

from __future__ import annotations

import click

from diffroll_live.cli.commands.tasks import remote_command
from diffroll_live.types import TASKS


@click.group("send")
def send() -> None:
    """Run a task in a running daemon over OSC: the audio is sent there, the notes come back and are written here."""


for _task in TASKS:
    send.add_command(remote_command(_task, f"As 'diffroll-live {_task}', done by a running daemon."))
