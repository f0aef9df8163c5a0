"""Installing and removing bridges, planned as steps first so that they can be shown.

Only our own files are copied. A record beside them lists what was copied, so that files changed by the user are kept
and replaced ones come back. The record is written first, so an interrupted installation can be undone. No setting of a
host is ever edited.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from diffroll_live import PACKAGE_FOLDER
from diffroll_live.errors import FileError, FileMissing, RequestError
from diffroll_live.files.atomic import write_atomic
from diffroll_live.integrations.install.hosts import HOSTS, Host, SystemFolders
from diffroll_live.integrations.install.record import (
    Record,
    encode,
    fingerprint,
    is_as_known,
    read,
    read_record,
    record_path,
)

Verb = Literal["add", "update", "back up", "remove", "restore", "leave", "record", "forget"]
State = Literal["no host", "not installed", "installed", "outdated", "altered"]

_BACKUP = ".before-diffroll-live"
_UNWANTED = ("__pycache__", ".pyc", ".DS_Store", "README.md")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``path`` is written with ``data``, moved to ``other``, or removed; ``why`` is for people."""

    verb: Verb
    path: Path
    data: bytes = b""
    other: Path | None = None
    why: str = ""


def find_host(name: str) -> Host:
    """Look up a host. Raises RequestError for an unknown one."""
    if name not in HOSTS:
        raise RequestError(f"There is no bridge for {name!r}; choose one of {', '.join(HOSTS)}.")
    return HOSTS[name]


def find_root(host: Host, where: SystemFolders, chosen: Path | None = None) -> Path:
    """Find the host's folder. Raises FileMissing if there is none."""
    if chosen is not None:
        if not chosen.is_dir():
            raise FileMissing(f"There is no folder {chosen}; create it, or choose another with --to.")
        return chosen
    candidates = host.roots(where)
    if found := next((root for root in candidates if root.is_dir()), None):
        return found
    if host.makes_root and candidates:
        return candidates[0]
    looked = ", ".join(map(str, candidates)) or "nowhere: it does not exist for this system"
    raise FileMissing(
        f"{host.title}'s folder was not found (looked in {looked}). "
        f"Start {host.title} once, or name the folder with --to."
    )


def plan_install(name: str, root: Path) -> tuple[Step, ...]:
    """The steps to install a bridge under ``root``; empty if everything is in place.

    Raises RequestError, or FileError for files that cannot be read.
    """
    wanted = _wanted(find_host(name))
    before = read_record(name, root) or Record({}, {}, ())
    backups, steps = dict(before.backups), []
    for target, data in wanted.items():
        path = root / target
        if not path.exists() and not path.is_symlink():
            steps.append(Step("add", path, data))
        elif (there := read(path)) != data:
            if fingerprint(there) != before.files.get(target):
                backups[target] = _free(root, target)
                steps.append(
                    Step("back up", path, other=root / backups[target], why="it is not the file that was installed")
                )
            steps.append(Step("update", path, data))
    steps += [
        Step("remove", root / target, why="this version no longer has it")
        for target, known in before.files.items()
        if target not in wanted and is_as_known(root / target, known)
    ]
    folders = tuple(sorted({*before.folders, *_new_folders(root, wanted)}))
    record = Record({target: fingerprint(data) for target, data in wanted.items()}, backups, folders)
    if steps or record != read_record(name, root):
        steps.insert(0, Step("record", record_path(name, root), encode(record)))
    return tuple(steps)


def plan_uninstall(name: str, root: Path) -> tuple[Step, ...]:
    """The steps to remove a bridge. Raises RequestError if it is not installed there."""
    record = read_record(name, root)
    if record is None:
        raise RequestError(f"The bridge for {find_host(name).title} is not installed in {root}.")
    steps, caches = [], set[Path]()
    for target, known in record.files.items():
        path = root / target
        if is_as_known(path, known):
            compiled = sorted(path.parent.glob(f"__pycache__/{path.stem}.*.pyc")) if path.suffix == ".py" else []
            steps += [Step("remove", path), *(Step("remove", cache, why="the host made it") for cache in compiled)]
            caches.update(cache.parent for cache in compiled)
        elif path.exists():
            steps.append(Step("leave", path, why="it was changed after the installation"))
    left = {step.path for step in steps if step.verb == "leave"}
    for target, backup in record.backups.items():
        if root / target not in left and (root / backup).exists():
            steps.append(Step("restore", root / backup, other=root / target))
    steps.append(Step("forget", record_path(name, root)))
    folders = [*sorted(caches), *(root / folder for folder in sorted(record.folders, key=len, reverse=True))]
    return (*steps, *(Step("remove", folder, why="if it is empty") for folder in folders))


def carry_out(steps: tuple[Step, ...]) -> None:
    """Carry out the steps. Raises FileError for the one that failed; earlier ones stay done."""
    for step in steps:
        try:
            _do(step)
        except OSError as error:
            raise FileError(f"Cannot {step.verb} {step.path} ({error.strerror}); fix that and run it again.") from error


def state(name: str, where: SystemFolders) -> State:
    """The state of a bridge on this machine."""
    try:
        root = find_root(find_host(name), where)
    except FileMissing:
        return "no host"
    record = read_record(name, root)
    if record is None:
        return "not installed"
    if not all(is_as_known(root / target, known) for target, known in record.files.items()):
        return "altered"
    return "outdated" if plan_install(name, root) else "installed"


def _wanted(host: Host) -> dict[str, bytes]:
    """The files of a bridge by target, relative to the host's root."""
    found = {}
    for part in host.parts:
        source = _bridge_folder() / part.source
        if not source.exists():
            raise FileMissing(f"{source} is missing; install diffroll-live again.")
        for file in _files(source):
            inside = file.relative_to(source) if source.is_dir() else Path()
            found[(Path(part.target) / inside).as_posix()] = read(file)
    return found


def _bridge_folder() -> Path:
    """bridge/ in a checkout, its copy in an installed wheel."""
    packed = PACKAGE_FOLDER / "_bridge"
    return packed if packed.is_dir() else PACKAGE_FOLDER.parent / "bridge"


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and not any(str(path).endswith(end) or end in path.parts for end in _UNWANTED):
            yield path


def _do(step: Step) -> None:
    if step.verb in ("add", "update", "record"):
        step.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(step.path, step.data)
    elif step.verb in ("back up", "restore"):
        assert step.other is not None
        step.path.replace(step.other)
    elif step.verb != "leave":
        _remove(step.path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        if not any(path.iterdir()):
            path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _new_folders(root: Path, wanted: dict[str, bytes]) -> set[str]:
    """The folders to create for the files, relative to the root, which may be one of them."""
    parents = {parent for target in wanted for parent in Path(target).parents}
    return {parent.as_posix() for parent in parents if not (root / parent).exists()}


def _free(root: Path, target: str) -> str:
    """A free name for a file that is moved out of the way."""
    names = (f"{target}{_BACKUP}{number or ''}" for number in range(1000))
    return next(name for name in names if not (root / name).exists())
