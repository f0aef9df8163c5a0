"""Figures for people, as a table, and for programs, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from diffroll_live import __version__
from diffroll_live.bench.figures import Figure
from diffroll_live.bench.machine import Machine


def heading(machine: Machine) -> str:
    """Name the version and the machine."""
    return f"diffroll-live {__version__} on {machine}"


def table(figures: Sequence[Figure]) -> Table:
    """Lay out the figures; a median that meets its target is green, otherwise red.

    Where some were measured without load too, those have columns of their own.
    """
    made = Table()
    made.add_column("what", overflow="fold")
    beside = ("idle", "times") if any(figure.idle is not None for figure in figures) else ()
    for column in (*beside, "median", "range", "target"):
        made.add_column(column, justify="right", no_wrap=True)
    made.add_column("how", overflow="fold")
    for figure in figures:
        asked = "" if figure.asked is None else f"<= {_quantity(figure.asked, figure.unit)}"
        least, greatest = figure.spread
        spread = f"{_number(least)} to {_number(greatest)} ({len(figure.values)})"
        idle = "" if figure.idle is None else _quantity(figure.idle, figure.unit)
        times = "" if figure.times is None else _number(figure.times)
        made.add_row(figure.name, *((idle, times) if beside else ()), _median(figure), spread, asked, figure.note)
    return made


def document(figures: Sequence[Figure], machine: Machine) -> str:
    """Write one JSON document; the values are in the order in which they were measured."""
    rows: list[dict[str, Any]] = [
        asdict(figure) | {"median": figure.median, "times": figure.times} for figure in figures
    ]
    return json.dumps({"version": __version__, "machine": asdict(machine), "figures": rows}, indent=2)


def _median(figure: Figure) -> str:
    text = _quantity(figure.median, figure.unit)
    if figure.asked is None:
        return text
    colour = "green" if figure.median <= figure.asked else "red"
    return f"[{colour}]{text}[/]"


def _quantity(value: float, unit: str) -> str:
    return f"{_number(value)} {unit}".rstrip()


def _number(value: float) -> str:
    """Three significant digits, without powers of ten."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
