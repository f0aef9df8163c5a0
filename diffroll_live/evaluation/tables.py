"""Rows of figures as Markdown tables, for a terminal and for a model's page of figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from diffroll_live.evaluation.store import Row

Form = Callable[[Any], str]


def plain(value: Any) -> str:
    """A name or a count, unchanged."""
    return str(value)


def share(value: float) -> str:
    """A score from 0 to 1."""
    return f"{value:.3f}"


def percent(value: float) -> str:
    """A share as a percentage."""
    return f"{100 * value:.1f} %"


def milliseconds(value: float) -> str:
    """Seconds as milliseconds."""
    return f"{1000 * value:.1f} ms"


def whole_milliseconds(value: float) -> str:
    """Seconds as milliseconds without decimals."""
    return f"{1000 * value:.0f} ms"


def hundredth(value: float) -> str:
    """A number with two decimals."""
    return f"{value:.2f}"


def tenth(value: float) -> str:
    """A number with one decimal."""
    return f"{value:.1f}"


def whole(value: float) -> str:
    """A number without decimals."""
    return f"{value:.0f}"


Columns = dict[str, tuple[str, Form]]
"""Names of figures in a row, with the heading of their column and their format."""

SCORES: Columns = {
    "onset": ("onset F1", share),
    "precision": ("precision", share),
    "recall": ("recall", share),
    "onset_offset": ("onset + offset F1", share),
    "onset_error": ("median onset error", milliseconds),
    "velocity_error": ("velocity error", tenth),
    "velocity_fitted": ("after a fit per clip", tenth),
}


def table(rows: Sequence[Row], columns: Columns) -> str:
    """Write rows as a Markdown table; a missing figure is a dash."""
    heads = [head for head, _ in columns.values()]
    cells = [[_cell(row.get(name), form) for name, (_, form) in columns.items()] for row in rows]
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def by_group(rows: Sequence[Row], columns: Columns, group: str) -> str:
    """Write a table for each value of the figure ``group``, under that as its heading, without figures it lacks."""
    parts = []
    for value in dict.fromkeys(row[group] for row in rows):
        members = [row for row in rows if row[group] == value]
        known = {name: column for name, column in columns.items() if any(row.get(name) is not None for row in members)}
        parts.append(f"**{value}**\n\n{table(members, known)}")
    return "\n\n".join(parts)


def _cell(value: Any, form: Form) -> str:
    return "-" if value is None else form(value)
