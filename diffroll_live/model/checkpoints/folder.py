"""Find model folders, read their config.json, and check their files against SHA256SUMS. Free of torch.

A model is a folder with ``config.json``, ``CARD.md``, ``SHA256SUMS`` and the ``*.safetensors`` files that SHA256SUMS
names; people choose the model by the name of its folder. It may have a composer beside the audio network:
``composer.json`` and ``composer.safetensors``. No weights are read here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from diffroll_live import PACKAGE_FOLDER
from diffroll_live.errors import CheckpointError, ChecksumMismatch

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "compact"

MODELS_VARIABLE = "DIFFROLL_LIVE_MODELS"
ARCHITECTURES = ("compact", "diffroll")
COMPOSER_WEIGHTS, COMPOSER_CONFIG = "composer.safetensors", "composer.json"
SECTIONS = ("network", "front_end", "decode", "sampling")
_MAX_CONFIG_BYTES = 1024 * 1024
_MAX_FILES = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUM_LINE = re.compile(r"([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]{0,127})")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on disk whose config.json has been checked, and whose weights have not been read yet."""

    path: Path
    name: str
    config: Mapping[str, Any] = field(repr=False)
    sha256: str  # of SHA256SUMS, so of every file it names
    sums: Mapping[str, str] = field(repr=False)  # file name -> sha256

    @property
    def weights(self) -> tuple[Path, ...]:
        """The safetensors files of the audio network, in order of their names."""
        names = sorted(name for name in self.sums if name.endswith(".safetensors"))
        return tuple(self.path / name for name in names if name != COMPOSER_WEIGHTS)

    @property
    def has_composer(self) -> bool:
        """Whether there is a composer beside the audio network."""
        return COMPOSER_WEIGHTS in self.sums and COMPOSER_CONFIG in self.sums


def models_folders(explicit: Path | None = None) -> tuple[Path, ...]:
    """List where models are looked for, in order of precedence; the folders need not exist.

    An explicit folder, the environment variable DIFFROLL_LIVE_MODELS, the user's data folder, the models inside the
    installed package, and ``models/`` beside the package in a checkout.
    """
    named = os.environ.get(MODELS_VARIABLE)
    first = [explicit] if explicit is not None else []
    second = [Path(named)] if named else []
    return (*first, *second, user_models_folder(), PACKAGE_FOLDER / "_models", PACKAGE_FOLDER.parent / "models")


def user_models_folder() -> Path:
    """Return the folder for the user's own models, by the platform's convention."""
    return platformdirs.user_data_path("diffroll-live", appauthor=False) / "models"


def find_model(name_or_path: str | Path, explicit: Path | None = None) -> ModelFolder:
    """Find a model by name in ``models_folders(explicit)``, or by the path of its folder.

    A string without a path separator is a name. Raises CheckpointError when there is none, or it is damaged.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text or os.sep in text:
        return read_folder(Path(name_or_path))
    if not _NAME.fullmatch(text):
        raise CheckpointError(f"{text!r} is not the name of a model; `diffroll-live models` lists them.")
    for folder in models_folders(explicit):
        if (folder / text / "config.json").is_file():
            return read_folder(folder / text)
    known = ", ".join(_names(explicit)) or "none"
    searched = ", ".join(str(folder) for folder in models_folders(explicit))
    raise CheckpointError(f"There is no model {text!r}. Models found: {known}. Searched: {searched}.")


def list_models(explicit: Path | None = None) -> tuple[ModelFolder, ...]:
    """Read every model folder, sorted by name; of two with one name the first counts. Damaged ones are skipped."""
    found = []
    for name in _names(explicit):
        try:
            found.append(find_model(name, explicit))
        except CheckpointError as error:
            logger.warning("A model is skipped. %s", error.text)
    return tuple(found)


def read_folder(path: Path) -> ModelFolder:
    """Read a model folder's config.json and SHA256SUMS. Raises CheckpointError when they are missing or wrong."""
    config = read_config(path / "config.json")
    text = _read_text(path / "SHA256SUMS")
    sums = _parse_sums(text, path)
    return ModelFolder(path, config["name"], config, hashlib.sha256(text.encode()).hexdigest(), sums)


def verify(folder: ModelFolder) -> None:
    """Hash every file that SHA256SUMS names. Raises ChecksumMismatch or, for a missing file, CheckpointError."""
    for name, expected in folder.sums.items():
        got = file_sha256(folder.path / name)
        if got != expected:
            raise ChecksumMismatch(
                f"{folder.path / name} is not the file that SHA256SUMS names: expected {expected}, got {got}. "
                "Install or download the model again; if you changed the file on purpose, update its sum there."
            )


def file_sha256(path: Path) -> str:
    """Hash a file. Raises CheckpointError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"Cannot read {path} ({error.strerror}); install or download the model again.") from error


def read_config(path: Path) -> dict[str, Any]:
    """Read a config.json and check the fields that all architectures share. Raises CheckpointError.

    ``network``, ``front_end``, ``decode`` and ``sampling`` are checked by the parts of those names; fields that this
    version does not know are ignored.
    """
    try:
        config = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not JSON ({error}); install the model again.") from error
    check_config(config, str(path))
    return dict(config)


def check_config(config: Any, where: str) -> None:
    """Check the fields that every config.json has. Raises CheckpointError naming ``where`` and the field."""

    def demand(good: bool, sentence: str) -> None:
        if not good:
            raise CheckpointError(f"{where}: {sentence}.")

    demand(isinstance(config, dict), "a model's configuration is an object")
    name, architecture = config.get("name"), config.get("architecture")
    demand(isinstance(name, str) and bool(_NAME.fullmatch(name)), "name must be 1 to 64 letters, digits, . _ or -")
    demand(architecture in ARCHITECTURES, f"architecture must be one of {', '.join(ARCHITECTURES)}")
    for key in ("version", "licence"):
        text = config.get(key)
        demand(isinstance(text, str) and 0 < len(text) <= 200, f"{key} must be a string of 1 to 200 characters")
    for key, low, high in (("sample_rate", 1000, 384_000), ("hop_length", 1, 65_536)):
        value = config.get(key)
        whole = isinstance(value, int) and not isinstance(value, bool)
        demand(whole and low <= value <= high, f"{key} must be a whole number from {low} to {high}")
    for key in SECTIONS:
        demand(isinstance(config.get(key), dict), f"{key} must be an object")


def _names(explicit: Path | None) -> list[str]:
    found = {
        child.name
        for folder in models_folders(explicit)
        if folder.is_dir()
        for child in folder.iterdir()
        if _NAME.fullmatch(child.name) and (child / "config.json").is_file()
    }
    return sorted(found)


def _parse_sums(text: str, path: Path) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line.strip()]
    matches = [_SUM_LINE.fullmatch(line) for line in lines[: _MAX_FILES + 1]]
    sums = {match[2]: match[1] for match in matches if match}
    if len(sums) != len(lines):
        raise CheckpointError(f"{path / 'SHA256SUMS'} must have a line `<sha256>  <file name>` for each file, once.")
    if not any(name.endswith(".safetensors") and name != COMPOSER_WEIGHTS for name in sums):
        raise CheckpointError(f"{path / 'SHA256SUMS'} names no .safetensors file, so the model has no weights.")
    return sums


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_CONFIG_BYTES:
            raise CheckpointError(f"{path} is too large for such a file; install the model again.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"Cannot read {path} ({error}); give the path of a complete model folder.") from error
