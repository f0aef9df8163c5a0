"""A dozen fills as pictures, to be looked at: what was composed, what the program wrote, the bar before repeated."""

from __future__ import annotations

from pathlib import Path

from diffroll_live.evaluation.composing.filled import Filled
from diffroll_live.evaluation.composing.pictures import draw_fills
from diffroll_live.evaluation.composing.session import Session, fills_of
from diffroll_live.evaluation.composing.writers import COMPOSED, REPEATERS, WRITERS
from diffroll_live.files.atomic import make_folder
from diffroll_live.types import Options

COUNT = 12
KIND = "two bars"


def show_fills(session: Session, folder: Path, options: Options) -> list[Path]:
    """Write a PNG for each of the first holes into a folder; return their paths. Raises FileError."""
    make_folder(folder)
    drawn = session.holes(KIND, COUNT)
    paths = []
    for number, ours in enumerate(fills_of(drawn, session.answers(KIND, COUNT, options)), 1):
        hole = ours.hole
        repeated = Filled(hole, WRITERS[REPEATERS[0]](hole))
        fills = {COMPOSED: Filled(hole, hole.composed()), session.engine.info.name: ours, REPEATERS[0]: repeated}
        paths.append(folder / f"fill-{number:02d}.png")
        draw_fills(paths[-1], fills)
    return paths
