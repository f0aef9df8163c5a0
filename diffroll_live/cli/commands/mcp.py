"""``diffroll-live mcp``: the running daemon for assistants, over standard input and output."""

from __future__ import annotations

from importlib.util import find_spec

import click

from diffroll_live.cli.options import REMOTE, with_options
from diffroll_live.errors import RequestError


@click.command("mcp")
@with_options(*REMOTE)
def mcp(host: str, port: int) -> None:
    """Let an assistant use the running daemon: a server of the Model Context Protocol on standard input and output.

    In the assistant's settings, the command is diffroll-live and its argument mcp.
    """
    if find_spec("mcp") is None:
        raise RequestError("The server for assistants is an extra: pip install 'diffroll-live[mcp]'.")
    from diffroll_live.mcp.tools import make_server

    make_server(host, port).run()
