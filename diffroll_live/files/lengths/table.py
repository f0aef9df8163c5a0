"""The parts of an audio file of any kind, by how it begins."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import cast

from diffroll_live.errors import AudioError
from diffroll_live.files.lengths.flac import flac_parts
from diffroll_live.files.lengths.mp3 import begins_mp3, mp3_parts
from diffroll_live.files.lengths.ogg import ogg_parts
from diffroll_live.files.lengths.parts import Part
from diffroll_live.files.lengths.wav import wav_parts

_KINDS = {b"RIFF": wav_parts, b"fLaC": flac_parts, b"OggS": ogg_parts}


def parts_of(path: Path) -> tuple[Part, ...]:
    """The parts that together are all the audio of a file. Raises AudioError for one that lacks bytes, and OSError."""
    size = path.stat().st_size
    if not size:
        return (Part(0, 0),)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = cast(bytes, mapped)  # whose slices and searches it shares
        kind = _KINDS.get(data[:4]) or (mp3_parts if begins_mp3(data) else None)
        try:
            return kind(data) if kind else (Part(0, size),)
        except AudioError as error:
            raise AudioError(f"{path.name} is truncated: {error.text}.") from error
