"""A bank of recorded piano notes: every pitch of every layer of every piano, at one sample rate, in one flat array.

Built once by ``bank_cutting`` and memory-mapped, so that any number of mixers can share it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from diffroll_live.errors import FileError, FileMissing
from diffroll_live.files.atomic import atomic_file
from diffroll_live.music.roll import N_PITCHES
from diffroll_live.types import Floats

SAMPLE_RATE = 16_000
INSTRUMENT = "instrument_"  # begins the names of those that are no pianos
INSTRUMENT_SECONDS = 3.0  # that their notes are held
UNIT = 16_000  # int16 value in the bank of amplitude 1


@dataclass(frozen=True, slots=True)
class Bank:
    """All notes of all pianos.

    samples: (n,) int16; start, length: (n_layers, 88) int64 into it; layers[piano]: rows of that piano, soft to loud;
    high: (n_layers,) the highest velocity of each layer.
    """

    samples: npt.NDArray[np.int16]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    layers: dict[str, tuple[int, ...]]

    @property
    def pianos(self) -> tuple[str, ...]:
        """Names of the pianos."""
        return tuple(self.layers)


def write_bank(out: Path, chunks: Iterable[npt.NDArray[np.int16]], index: Mapping[str, Any]) -> None:
    """Write notes and their index as ``out``.npy and ``out``.json. Raises FileError."""
    with atomic_file(out.with_suffix(".npy")) as file:
        held = tuple(chunks)
        shape = (sum(len(chunk) for chunk in held),)
        np.lib.format.write_array_header_1_0(file, {"descr": "<i2", "fortran_order": False, "shape": shape})
        for chunk in held:  # one by one: all together would take the memory twice
            file.write(chunk.astype("<i2", copy=False).tobytes())
    with atomic_file(out.with_suffix(".json")) as file:
        file.write(json.dumps(index).encode())


def is_instrument(name: str) -> bool:
    """Whether a name in the bank is that of an instrument other than a piano."""
    return name.startswith(INSTRUMENT)


def open_bank(path: Path) -> Bank:
    """Memory-map a bank. Raises FileMissing if it does not exist, FileError if it is damaged."""
    data, index = path.with_suffix(".npy"), path.with_suffix(".json")
    if not (data.is_file() and index.is_file()):
        raise FileMissing(f"There is no note bank at {path}; build it first with: diffroll-live prepare")
    try:
        said = json.loads(index.read_text())
        samples = np.load(data, mmap_mode="r")
        layers = {name: tuple(rows) for name, rows in said["layers"].items()}
        start, length, high = (np.array(said[key], np.int64) for key in ("start", "length", "high"))
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"The note bank at {path} is damaged ({error}); build it again.") from error
    if start.shape != (len(high), N_PITCHES) or (start + length).max() != len(samples):
        raise FileError(f"The two files of the note bank at {path} do not fit together; build it again.")
    return Bank(samples, start, length, high, layers)


def resampled(samples: Floats, n_out: int) -> Floats:
    """Resample (n_samples,) to (n_out,) in the frequency domain, to another rate or another pitch."""
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(n_out // 2 + 1, spectrum.dtype)
    common = min(len(kept), len(spectrum))
    kept[:common] = spectrum[:common]
    return np.fft.irfft(kept, n_out).astype(np.float32) * np.float32(n_out / len(samples))
