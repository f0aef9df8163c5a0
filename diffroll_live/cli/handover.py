"""A command's work handed over to a daemon that is warm already, when one serves what the command would load itself."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import click

from diffroll_live import __version__
from diffroll_live.cli.options import TaskChoices
from diffroll_live.cli.run import Opened
from diffroll_live.errors import Busy, DiffrollError, InternalError, TimedOut, TooLarge
from diffroll_live.model.checkpoints.folder import DEFAULT_MODEL, find_model
from diffroll_live.types import Control, Request, Result

PATIENCE = 0.05  # s that whatever has the daemon's port may take to connect, and again to greet
_LOCAL = "127.0.0.1"


def open_nearest(wanted: TaskChoices, open_here: Callable[[TaskChoices], Opened]) -> Opened:
    """Open an idle daemon of this version and these weights on the default port, or else the engine of ``open_here``.

    The engine also takes over when the daemon fails. What OSC cannot say (pictures, a device, threads) is done here.
    """
    if wanted.local or wanted.plot or wanted.trajectory or wanted.threads or wanted.device != "auto":
        return open_here(wanted)
    return _open_daemon(wanted, open_here) or open_here(wanted)


def _open_daemon(wanted: TaskChoices, open_here: Callable[[TaskChoices], Opened]) -> Opened | None:
    try:
        socket.create_connection((_LOCAL, wanted.port), PATIENCE).close()
    except OSError:
        return None
    from diffroll_live.osc.client import Client  # not imported where nobody listens

    try:
        weights = find_model(wanted.model or DEFAULT_MODEL).sha256
        client = Client(_LOCAL, wanted.port, "diffroll-live", patience=PATIENCE)
    except DiffrollError:
        return None
    welcome = client.welcome
    if (welcome.version, welcome.weights) != (__version__, weights) or client.status().state != "ready":
        client.close()
        return None
    click.echo(f"The daemon on port {wanted.port} does this; with --local, it is done here.", err=True)
    engines: list[Opened] = []

    def run(request: Request, control: Control) -> Result:
        if not engines:
            with contextlib.suppress(Busy, InternalError, TimedOut, TooLarge):
                return client.run(request, control)
            click.echo("The daemon cannot do this now; it is done here.", err=True)
            engines.append(open_here(wanted))
        return engines[0].run(request, control)

    return Opened(welcome.model, welcome.device, run, client.close)
