"""A model's page of figures: every table and plot with a description, in the model's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from diffroll_live.errors import RequestError
from diffroll_live.evaluation.figures import PICTURES
from diffroll_live.evaluation.parts import PARTS
from diffroll_live.evaluation.store import Row
from diffroll_live.files.atomic import write_atomic

PAGE = "FIGURES.md"
HEAD = """# What {name} scores

Measured and written by `diffroll-live evaluate`; do not edit this page by hand.
"""


def write_figures(folder: Path, name: str, command: str, rows: Mapping[str, list[Row]]) -> Path:
    """Write the page and its plots into a model's folder; parts without rows are left out.

    ``command`` is the command that made it. Raises RequestError if there is no model folder, FileError if it cannot be
    written.
    """
    if not (folder / "config.json").is_file():
        raise RequestError(f"{folder} is not a model folder; name one to write its figures, such as models/{name}.")
    text = [HEAD.format(name=name), f"    {command}\n"]
    for part, members in rows.items():
        if not members:
            continue
        shown = PARTS[part]
        text += [f"## {shown.title}\n", f"{shown.about}\n", f"{shown.table(members)}\n"]
        if draw := PICTURES.get(part):
            picture = f"figures-{part}.png"
            write_atomic(folder / picture, draw(members))
            text.append(f"![{shown.title}]({picture})\n")
    write_atomic(folder / PAGE, "\n".join(text).encode())
    return folder / PAGE
