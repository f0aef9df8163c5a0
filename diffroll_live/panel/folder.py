"""The panel's own folder: uploads to read, MIDI files to fetch. Bounded, and gone at the end."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from diffroll_live import PACKAGE_FOLDER
from diffroll_live.errors import FileError, FileMissing

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".aif", ".aiff"})
MAX_KEPT = {"audio": 4, "midi": 32}  # files; the oldest make room

_CLIPS = (PACKAGE_FOLDER / "_examples" / "clip.flac", PACKAGE_FOLDER.parent / "examples" / "clip.flac")


@dataclass(frozen=True, slots=True)
class PanelFolder:
    """A folder that only this user can read. Names in it are the panel's own, never a page's."""

    path: Path

    def new(self, kind: str, suffix: str) -> Path:
        """Name a file of ``kind`` that does not exist yet, and remove the oldest of its kind beyond MAX_KEPT."""
        folder = self.path / kind
        folder.mkdir(mode=0o700, exist_ok=True)
        old = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in old[: max(0, len(old) - MAX_KEPT[kind] + 1)]:
            path.unlink(missing_ok=True)
        return folder / f"{secrets.token_urlsafe(18)}{suffix}"

    def midi(self, key: str) -> Path:
        """Find a MIDI file by its key. Raises errors.FileMissing for one that is not written yet, or no longer kept."""
        found = next((path for path in (self.path / "midi").glob("*.mid") if path.stem == key), None)
        if found is None:
            raise FileMissing("This MIDI file is no longer kept; save it again.")
        return found

    def clip(self) -> Path:
        """Copy the shipped clip to where the daemon may read it. Raises errors.FileMissing."""
        source = next((path for path in _CLIPS if path.is_file()), None)
        if source is None:
            raise FileMissing("The shipped clip is not installed; drop a recording of your own.")
        return Path(shutil.copyfile(source, self.new("audio", source.suffix)))


@contextmanager
def panel_folder() -> Iterator[PanelFolder]:
    """Make the folder, and remove it with all it holds."""
    with tempfile.TemporaryDirectory(prefix="diffroll-panel-", ignore_cleanup_errors=True) as path:
        yield PanelFolder(Path(path).resolve())


def audio_suffix(name: str) -> str:
    """Return the suffix of a recording's name. Raises errors.FileError for what is no recording."""
    suffix = Path(name).suffix.lower()
    if suffix not in AUDIO_SUFFIXES:
        raise FileError(f"{name!r} is not a recording; drop a WAV, FLAC, MP3, Ogg, AIFF or MIDI file.")
    return suffix
