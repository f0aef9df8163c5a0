"""What the answers to a blind test say: how often each writer was taken for the composer, beside each other one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.evaluation.listening.blind import ANSWERS, HEARD, SIDES, key_file
from diffroll_live.evaluation.store import Row
from diffroll_live.evaluation.tables import Columns, percent, plain

MOST_BYTES = 1_000_000
SURE = 1.96  # standard deviations of an interval of 95 %
COLUMNS: Columns = {
    "writer": ("taken for the composer", plain),
    "other": ("rather than", plain),
    "passages": ("passages", plain),
    "share": ("how often", percent),
    "low": ("at least", percent),
    "high": ("at most", percent),
}


def blind_scores(folder: Path, answers: Sequence[Path]) -> list[Row]:
    """A row for every pair of writers over the answers of one or several listeners; "neither" counts half for each.

    Raises FileMissing, or FileError for a file that is no key or no answers of the page in ``folder``.
    """
    key = {str(one["passage"]): one for one in _passages(_read(key_file(folder)), key_file(folder))}
    wins: dict[tuple[str, str], list[float]] = {pair: [] for pair in combinations(HEARD, 2)}
    for path in answers:
        for passage, answer in _chosen(_read(path), key, path):
            one, other = (key[passage][side] for side in SIDES)
            won = {"A": 1.0, "B": 0.0}.get(answer, 0.5)
            if (one, other) in wins:
                wins[one, other].append(won)
            else:
                wins[other, one].append(1.0 - won)
    return [_row(pair, won) for pair, won in wins.items() if won]


def _row(pair: tuple[str, str], won: Sequence[float]) -> Row:
    low, high = interval(sum(won), len(won))
    share = sum(won) / len(won)
    return {"writer": pair[0], "other": pair[1], "passages": len(won), "share": share, "low": low, "high": high}


def interval(won: float, count: int) -> tuple[float, float]:
    """Where the true share lies with 95 % (Wilson, 1927), of ``won`` out of ``count``."""
    share, extra = won / count, SURE**2 / count
    middle = (share + extra / 2) / (1 + extra)
    reach = SURE * (share * (1 - share) / count + extra / (4 * count)) ** 0.5 / (1 + extra)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        return json.loads(data) if len(data) <= MOST_BYTES else None
    except FileNotFoundError as error:
        raise FileMissing(
            f"There is no file {path}; `evaluate MODEL --blind FOLDER` makes the page and its key."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read ({error}); save the answers again.") from error


def _passages(key: Any, path: Path) -> list[Mapping[str, Any]]:
    if not isinstance(key, list) or not all(isinstance(one, dict) for one in key):
        raise FileError(f"{path} is not the key of a blind test; make the page anew.")
    if any(one.get(side) not in HEARD for one in key for side in SIDES) or any("passage" not in one for one in key):
        raise FileError(f"{path} is the key of another version's page; make the page anew.")
    return key


def _chosen(answers: Any, key: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str]]:
    if not isinstance(answers, dict):
        raise FileError(f"{path} does not hold answers; save them from the page.")
    for passage, answer in answers.items():
        if passage not in key or answer not in ANSWERS:
            raise FileError(f"{path} has the answer {answer!r} to passage {passage}, which the page does not ask for.")
        yield passage, answer
