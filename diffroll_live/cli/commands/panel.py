"""``diffroll-live panel``: opens the panel of the running daemon in the browser, or starts a daemon first."""

from __future__ import annotations

import subprocess
import sys
import webbrowser

import click

from diffroll_live.errors import FileError
from diffroll_live.panel.address import read_address


@click.command("panel")
@click.option("--print", "only_print", is_flag=True, help="Print the address instead of opening it.")
@click.pass_context
def panel(ctx: click.Context, only_print: bool) -> None:
    """Open the panel in the browser, and start a daemon if none runs; Ctrl-C ends that one."""
    address = read_address()
    if address is not None:
        _show(address, only_print)
        return
    command = [sys.executable, "-m", "diffroll_live", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        try:
            for line in daemon.stdout:
                click.echo(line.rstrip())
                if (address := read_address()) is not None and address in line:
                    _show(address, only_print)
            ctx.exit(daemon.wait())
        except KeyboardInterrupt:
            daemon.terminate()
            daemon.wait()


def _show(address: str, only_print: bool) -> None:
    if only_print:
        click.echo(address)
    elif not webbrowser.open(address):
        raise FileError(f"No browser could be opened; open {address} yourself.")
