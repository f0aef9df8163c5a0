"""What a run was begun with, kept beside it and in its state, so that nobody goes on with something else by mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from diffroll_live.errors import RequestError
from diffroll_live.files.atomic import atomic_file
from diffroll_live.training.examples.windows import WindowMaker
from diffroll_live.training.runs.subjects import Subject
from diffroll_live.training.runs.trainer import Schedule

FREE = frozenset({"schedule.steps"})  # what may change when a run is gone on with


def settings_of(maker: WindowMaker, schedule: Schedule, subject: Subject, begun_from: str | None) -> dict[str, Any]:
    """Everything that a run's weights follow from, as JSON has it; the material by what it holds, not where it lies."""
    settings = {
        "material": asdict(maker.material) | maker.holdings(),
        "schedule": asdict(schedule),
        "architecture": subject.architecture,
        "network": asdict(subject.config),
        "front_end": asdict(subject.front_end_config),
        "begun_from": begun_from,
    }
    return dict(json.loads(json.dumps(settings)))


def check_same(state: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    """Compare the settings of a saved run with those it is to go on with. Raises RequestError for the first difference.

    A state of before settings were kept says its network and its front end only.
    """
    said = state.get("settings") or {"network": state["config"], "front_end": state["front_end"]}
    before, now = (dict(_flat(json.loads(json.dumps(each)))) for each in (said, settings))
    for name in sorted(before.keys() | now.keys()):
        known = name in said or any(name.startswith(f"{part}.") for part in said)
        if known and name not in FREE and before.get(name) != now.get(name):
            raise RequestError(
                f"The run in {folder} was begun with {name} = {before.get(name)}, not {now.get(name)}. "
                "Go on with the same, or train in a new folder."
            )


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write settings.json for people to read. Raises FileError."""
    with atomic_file(folder / "settings.json") as file:
        file.write((json.dumps(settings, indent=2) + "\n").encode())


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
