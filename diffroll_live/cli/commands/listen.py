"""``diffroll-live listen``: a page of unpicked examples."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from diffroll_live.cli.options import DEVICE, PATH, THREADS
from diffroll_live.cli.progress import ProgressBars


@click.command("listen")
@click.argument("model", default="compact")
@click.option("-o", "--out", type=PATH, default=Path("listen"), show_default=True, help="The folder of the page.")
@click.option(
    "--open/--no-open", "show", default=True, show_default=True, help="Open it in a browser, if there is one."
)
@DEVICE
@THREADS
def listen(model: str, out: Path, show: bool, device: str, threads: int | None) -> None:
    """Make a page of what MODEL does, with sounds and pictures, and open it.

    It transcribes, fills and continues the scores that ship with the program, and writes pieces from nothing; nothing
    else is needed. No example is picked.
    """
    from diffroll_live.engine.loading import load_engine
    from diffroll_live.evaluation.listening.page import make_page

    engine = load_engine(model, device, threads)
    with ProgressBars() as bars, bars.stage("Playing") as shown:
        page = make_page(engine, out, shown.say)
    click.echo(page)
    if show:
        try:
            webbrowser.get().open(page.resolve().as_uri())
        except webbrowser.Error:
            click.echo("No browser was found; open the page in one.", err=True)
