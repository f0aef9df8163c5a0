"""Prepared recordings with their notes: one long array of samples at the bank's rate, and a corpus that indexes it.

``layouts`` finds the files of well-known collections; this module reads, checks, writes and cuts them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diffroll_live.errors import DiffrollError, FileError, FileMissing
from diffroll_live.files.atomic import atomic_file
from diffroll_live.training.corpus.layouts import Take
from diffroll_live.training.corpus.pieces import Corpus, Piece, open_corpus, write_corpus
from diffroll_live.training.synthesis.bank import SAMPLE_RATE
from diffroll_live.types import Floats

FULL_SCALE = 32_767
LATEST = 1.0  # s by which notes may outlast their recording; beyond that the two do not match
SHORTEST = 0.5  # share of a recording that its notes must span, for the same reason


@dataclass(frozen=True, slots=True)
class Pairs:
    """samples: (n,) int16 at SAMPLE_RATE; start: (n_pieces + 1,); the notes of piece i are those of ``corpus``.

    trust: (n_pieces,), how far to believe them, 0 to 1.
    """

    samples: npt.NDArray[np.int16]
    start: npt.NDArray[np.int64]
    corpus: Corpus
    trust: npt.NDArray[np.float64]

    def longer_than(self, seconds: float, split: str) -> npt.NDArray[np.int64]:
        """The pieces of a split that are at least as long as a window."""
        long = np.diff(self.start) >= seconds * SAMPLE_RATE
        return np.array([index for index in self.corpus.pieces(split) if long[index]], np.int64)

    def window(self, index: int, seconds: float, rng: np.random.Generator) -> tuple[Floats, Piece]:
        """A random excerpt of a piece: (n_samples,), with its notes and pedal timed from its beginning."""
        length, n = int(self.start[index + 1] - self.start[index]), int(round(seconds * SAMPLE_RATE))
        first = int(rng.integers(length - n + 1))
        cut = self.samples[self.start[index] + first :][:n].astype(np.float32) / np.float32(FULL_SCALE)
        return cut, self.corpus.window(index, first / SAMPLE_RATE, seconds)

    def has_pedal(self, index: int) -> bool:
        """Whether the pedal of a piece is known: one that never moves may not have been recorded."""
        return bool(self.corpus.pedal_start[index + 1] > self.corpus.pedal_start[index])


def build_pairs(takes: Iterable[Take], out: Path, progress: Callable[[str], None]) -> tuple[str, ...]:
    """Read recordings and their notes into ``out`` (.pcm, .npz and .json); return why pairs were skipped.

    Raises FileError if none can be used, or the files cannot be written.
    """
    pieces: list[tuple[str, str, Piece]] = []
    skipped: list[str] = []
    start, trust = [0], list[float]()
    with atomic_file(out.with_suffix(".pcm")) as file:
        for take in takes:
            progress(take.name)
            try:
                samples, piece = _read(take)
            except DiffrollError as error:
                skipped.append(error.text)
                continue
            file.write(samples.tobytes())
            pieces.append((take.name, take.split, piece))
            trust.append(take.trust)
            start.append(start[-1] + len(samples))
        if not pieces:
            raise FileError(f"None of the pairs can be used; the first: {skipped[0] if skipped else 'there are none'}")
    write_corpus(out.with_suffix(".npz"), pieces)
    with atomic_file(out.with_suffix(".json")) as file:
        file.write(json.dumps({"start": start, "sample_rate": SAMPLE_RATE, "trust": trust}).encode())
    return tuple(skipped)


def open_pairs(path: Path) -> Pairs:
    """Memory-map prepared recordings. Raises FileMissing if there are none, FileError if they are damaged."""
    data, index = path.with_suffix(".pcm"), path.with_suffix(".json")
    if not (data.is_file() and index.is_file()):
        raise FileMissing(f"There are no recordings at {path}; create them first with: diffroll-live prepare --pairs")
    corpus = open_corpus(path)
    try:
        said = json.loads(index.read_text())
        start = np.array(said["start"], np.int64)
        trust = np.array(said.get("trust", [1.0] * (len(start) - 1)), np.float64)
        samples = np.memmap(data, np.int16, "r")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"The recordings at {path} are damaged ({error}); prepare them again.") from error
    if len(start) != len(corpus.names) + 1 or start[-1] != len(samples):
        raise FileError(f"The files of the recordings at {path} do not fit together; prepare them again.")
    return Pairs(samples, start, corpus, trust)


def _read(take: Take) -> tuple[npt.NDArray[np.int16], Piece]:
    """Read a pair. Raises DiffrollError if it cannot be used."""
    from diffroll_live.files.audio_file import read_audio  # needs libsndfile, which training itself does not
    from diffroll_live.training.corpus.labels import read_labels
    from diffroll_live.training.corpus.midi_reading import read_piece

    is_labelled = take.notes.suffix == ".csv"
    piece = read_labels(take.notes, take.pedal) if is_labelled else read_piece(take.notes)
    audio = read_audio(take.audio)
    seconds, last = len(audio.samples) / audio.sample_rate, float(piece.notes[:, 1].max())
    if piece.notes[-1, 0] > seconds + LATEST or last < SHORTEST * seconds - LATEST:
        raise FileError(
            f"{take.audio} lasts {seconds:.1f} s and {take.notes} {last:.1f} s: they are not the same performance."
        )
    samples = _at_rate(audio.samples, audio.sample_rate)
    return _trimmed((np.clip(samples, -1, 1) * FULL_SCALE).astype(np.int16), piece, take.trim)


def _trimmed(
    samples: npt.NDArray[np.int16], piece: Piece, trim: tuple[float, float]
) -> tuple[npt.NDArray[np.int16], Piece]:
    """Leave out seconds at both ends; what sounds across the beginning goes on without an onset."""
    first, last = int(trim[0] * SAMPLE_RATE), len(samples) - int(trim[1] * SAMPLE_RATE)
    begin, end = first / SAMPLE_RATE, last / SAMPLE_RATE
    notes, pedal = piece.notes.copy(), piece.pedal - begin
    notes[:, :2] -= begin
    notes = notes[(notes[:, 1] > 0) & (notes[:, 0] < end - begin)]
    return samples[first:last], Piece(notes, pedal[(pedal[:, 1] > 0) & (pedal[:, 0] < end - begin)])


def _at_rate(samples: Floats, rate: int) -> Floats:
    """Resample to SAMPLE_RATE."""
    if rate == SAMPLE_RATE:
        return samples
    import torch
    from torchaudio.functional import resample

    out: Floats = resample(torch.from_numpy(np.ascontiguousarray(samples)), rate, SAMPLE_RATE).numpy()
    return out
