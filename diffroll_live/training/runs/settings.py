"""The settings a run was started with, stored beside it and in its state, so that it is never resumed with others."""

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

FREE = frozenset({"schedule.steps"})  # what may change when a run is resumed


def settings_of(maker: WindowMaker, schedule: Schedule, subject: Subject, begun_from: str | None) -> dict[str, Any]:
    """Everything that determines a run's weights, as JSON values; the material by its contents, not its location."""
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
    """Compare the settings of a saved run with the present ones. Raises RequestError for the first difference.

    A state from before settings were stored only knows its network and its front end.
    """
    said = state.get("settings") or {"network": state["config"], "front_end": state["front_end"]}
    before, now = (dict(_flat(json.loads(json.dumps(each)))) for each in (said, settings))
    for name in sorted(before.keys() | now.keys()):
        known = name in said or any(name.startswith(f"{part}.") for part in said)
        if known and name not in FREE and before.get(name) != now.get(name):
            raise RequestError(
                f"The run in {folder} was started with {name} = {before.get(name)}, not {now.get(name)}. "
                "Resume it with the same settings, or train in a new folder."
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
