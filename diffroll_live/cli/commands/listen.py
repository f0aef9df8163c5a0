"""``diffroll-live listen``: a page of unpicked examples."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from diffroll_live.cli.commands.training import WORK
from diffroll_live.cli.options import DEVICE, PATH, THREADS
from diffroll_live.cli.progress import ProgressBars


@click.command("listen")
@click.argument("model", default="compact")
@click.option("-o", "--out", type=PATH, default=Path("listen"), show_default=True, help="The folder of the page.")
@click.option("--piano", default="upright_kw", show_default=True, help="The piano of the bank to use.")
@click.option(
    "--open/--no-open", "show", default=True, show_default=True, help="Open it in a browser, if there is one."
)
@DEVICE
@THREADS
@WORK
def listen(model: str, out: Path, piano: str, show: bool, device: str, threads: int | None, work: Path) -> None:
    """Make a page of ten examples of each task of MODEL, with sounds and plots, and open it.

    They are the first ten that the seeds give, from pieces of the validation split.
    """
    from diffroll_live.engine.loading import load_engine
    from diffroll_live.evaluation.clips import open_evaluation_set
    from diffroll_live.evaluation.listening import make_page
    from diffroll_live.training.examples.windows import Material

    stage = open_evaluation_set(Material(work / "bank", work / "corpus", unheard=""), (piano,))
    engine = load_engine(model, device, threads)
    with ProgressBars() as bars, bars.stage("Playing") as shown:
        page = make_page(engine, stage, piano, out, shown.say)
    click.echo(page)
    if show:
        try:
            webbrowser.get().open(page.resolve().as_uri())
        except webbrowser.Error:
            click.echo("No browser was found; open the page in one.", err=True)
