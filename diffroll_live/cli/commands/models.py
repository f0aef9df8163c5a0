"""``diffroll-live models`` and ``diffroll-live import-checkpoint``."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from diffroll_live.cli.options import PATH
from diffroll_live.cli.progress import ProgressBars
from diffroll_live.model.checkpoints.folder import ModelFolder, list_models, models_folders


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print the list on stdout as one JSON document.")
def models(as_json: bool) -> None:
    """List the installed models, and where models are looked for."""
    found = list_models()
    if as_json:
        click.echo(json.dumps({"models": [_facts(folder) for folder in found]}, indent=2))
        return
    table = Table("model", "architecture", "version", "licence", "MB", "folder", box=None)
    for folder in found:
        table.add_row(*(str(value) for value in _facts(folder).values()))
    Console(soft_wrap=True).print(table if found else "No model is installed.")
    click.echo("Looked in: " + ", ".join(str(folder) for folder in models_folders()))


@click.command("import-checkpoint")
@click.argument("checkpoint", type=PATH, metavar="FILE.ckpt")
@click.option("-o", "--output", type=PATH, required=True, metavar="models/NAME", help="The model folder to create.")
@click.option("--overwrite", is_flag=True, help="Replace the folder if it exists.")
def import_checkpoint(checkpoint: Path, output: Path, overwrite: bool) -> None:
    """Turn a published DiffRoll checkpoint into a model folder. No code in the file is run."""
    from diffroll_live.model.checkpoints import lightning

    with ProgressBars() as bars, bars.stage(f"Reading {checkpoint.name}"):
        folder = lightning.import_checkpoint(checkpoint, output, overwrite=overwrite)
    click.echo(f"{checkpoint} -> {folder.path}: use it with --model {folder.path}")


def _facts(folder: ModelFolder) -> dict[str, str | float]:
    size = sum(path.stat().st_size for path in folder.weights if path.is_file())
    config = folder.config
    return {
        "name": folder.name,
        "architecture": config["architecture"],
        "version": config["version"],
        "licence": config["licence"],
        "megabytes": round(size / 1e6, 1),
        "folder": str(folder.path),
    }
