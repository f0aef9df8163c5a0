"""An independent judge of written notes: a small recurrent network that reads them from left to right.

It was trained on the split "train" by `judge_training`, to foretell each note from all before it: when it comes, which
key, how long. What it finds likely is not good by that: the aim is the value of what people composed, not the lowest.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from diffroll_live.composer.vocabulary import N_DURATIONS, N_KEYS, Ints, duration_class
from diffroll_live.errors import CheckpointError
from diffroll_live.model.checkpoints.weights import load_into
from diffroll_live.music.roll import LOW_PITCH

WEIGHTS = Path(__file__).with_name("judge.safetensors")
WIDTH, EMBEDDING = 224, 32
HALF = 2  # ticks of a unit of time: a forty-eighth of a whole note
N_WAITS, N_PLACES = 98, 100  # units since the note before, and from the bar line on; the last is "or more"
BAR_UNIT, N_BARS = 12, 16  # ticks, and classes of a bar's length
SIZES = (N_WAITS, N_KEYS, N_DURATIONS, N_PLACES, N_BARS, 12)


def encode(onset: Ints, key: Ints, ticks: Ints, lines: Ints) -> Ints:
    """Notes sorted by onset and key as the judge reads them: (n_notes, 5) classes of wait, key, length, place, bar.

    lines: (n_bars + 1,) where bars begin and the last one ends; all in ticks. key: 0 to 87.
    """
    bar = np.clip(np.searchsorted(lines, onset, side="right") - 1, 0, len(lines) - 2)
    length = np.diff(lines)[bar]
    columns = (
        np.clip(np.diff(onset, prepend=onset[:1]) // HALF, 0, N_WAITS - 1),
        key,
        duration_class(ticks),
        np.clip((onset - lines[bar]) // HALF, 0, N_PLACES - 1),
        np.clip(length // BAR_UNIT, 0, N_BARS - 1),
    )
    return np.stack(columns, 1).astype(np.int64)


class Judge(nn.Module):
    """Two layers of gated recurrent units, and three small heads that answer one after the other."""

    def __init__(self, width: int = WIDTH, embedding: int = EMBEDDING) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(size, embedding) for size in SIZES)
        self.enter = nn.Linear(len(SIZES) * embedding, width)
        self.layers = nn.GRU(width, width, num_layers=2, batch_first=True)
        self.wait = _head(width + 2 * embedding, width, N_WAITS)
        self.key = _head(width + 4 * embedding, width, N_KEYS)
        self.length = _head(width + 5 * embedding, width, N_DURATIONS)

    def forward(self, notes: Tensor) -> Tensor:
        """Bits that each note but the first takes: (batch, n, 5) classes to (batch, n - 1, 3) of wait, key, length."""
        wait, key, length, *_ = columns = notes.unbind(-1)
        parts = [table(part) for table, part in zip(self.embeddings, (*columns, (key + LOW_PITCH) % 12), strict=True)]
        said, _ = self.layers(self.enter(torch.cat(parts, -1))[:, :-1])
        waits, keys, _, places, bars, _ = parts
        chord = (wait[:, 1:] == 0).unsqueeze(-1)  # a note of the same chord lies above the one before
        where = torch.cat([waits[:, 1:], places[:, 1:], bars[:, 1:], keys[:, :-1] * chord], -1)
        answers = (
            (self.wait(torch.cat([said, places[:, :-1], bars[:, :-1]], -1)), wait),
            (self.key(torch.cat([said, where], -1)), key),
            (self.length(torch.cat([said, where, keys[:, 1:]], -1)), length),
        )
        nats = [F.cross_entropy(answer.transpose(1, 2), true[:, 1:], reduction="none") for answer, true in answers]
        return torch.stack(nats, -1) / math.log(2)


def _head(width: int, hidden: int, n: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, n))


@cache
def load_judge(path: Path = WEIGHTS) -> Judge:
    """The judge that ships, or another. Raises CheckpointError."""
    judge = Judge()
    try:
        weights = {name: value.float() for name, value in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"The judge in {path} cannot be read ({error}); install the program again.") from error
    load_into(judge, weights)
    return judge.eval().requires_grad_(False)


@cache
def fingerprint(path: Path = WEIGHTS) -> str:
    """Twelve hexadecimal digits that change with the judge's weights."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@torch.inference_mode()
def bits(judge: Judge, notes: Ints) -> npt.NDArray[np.float64]:
    """Bits of each of the (n_notes, 5) encoded notes, (n_notes,); nan for the first, which nothing precedes."""
    if len(notes) < 2:
        return np.full(len(notes), np.nan)
    found = judge(torch.from_numpy(notes)[None])[0].sum(-1)
    return np.append(np.nan, found.double().numpy())
