"""The composer's network: a transformer over notes, its positions tied to bars. Arithmetic only.

Rotary positions (Su et al., arXiv 2104.09864) turn half of each head at frequencies of 1/32 to 16 a bar, so that "the
same place one bar ago" is one attention head; the other half knows no place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffroll_live.composer.tokens import N_FEATURES, N_KINDS, N_LAG_ROWS, N_LAGS, Tokens
from diffroll_live.composer.vocabulary import N_DURATIONS, N_KEYS, N_VELOCITIES, NO_KEY

LOW_PITCH = 21
TURNS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 1, 2, 2, 3, 4, 4, 6, 8, 12, 16)  # a bar
HEAD = 64  # width of a head, of which 2 * len(TURNS) are turned
SHUT = -1e4
#: Semitones by which a figure of another bar may be moved when it is taken up again.
SHIFTS = (-12, -7, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 12)
#: Attentions that point at notes, wherever they are, from which the next key lies some of MOVES semitones away.
N_POINTERS = 4
MOVES = tuple(range(-12, 13))
N_POINTED = N_POINTERS * N_KEYS


@dataclass(frozen=True, slots=True)
class ComposerConfig:
    """The size of the network; ``width`` is a multiple of HEAD."""

    width: int = 256
    depth: int = 6
    inner: int = 3  # times the width, between the two layers of a feed-forward
    touch: int = 192  # hidden units that choose length and velocity


@dataclass(slots=True)
class Batch:
    """Tokens of a batch: (batch, n) unless said otherwise; the first ``n_notes`` tokens are notes.

    sees: how many notes a token sees. lags: (batch, n, N_LAGS), features: (batch, n, N_FEATURES).
    """

    n_notes: int
    kind: Tensor
    key: Tensor
    duration: Tensor
    velocity: Tensor
    sees: Tensor
    position: Tensor
    features: Tensor
    lags: Tensor


class Composer(nn.Module):
    """Tokens to what each says of the note that comes next: a vector, and the keys that it points at.

    Where keys are chosen it is known by how much a figure is moved, so that a melody that goes on in steps and a figure
    that is taken up elsewhere are the same in every key.
    """

    def __init__(self, config: ComposerConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.kind = nn.Embedding(N_KINDS, width)
        self.key = nn.Embedding(N_KEYS + 1, width)
        self.pitch_class = nn.Embedding(13, width)
        self.duration = nn.Embedding(N_DURATIONS, width)
        self.velocity = nn.Embedding(N_VELOCITIES + 1, width)
        for table in (self.kind, self.key, self.pitch_class, self.duration, self.velocity):
            nn.init.normal_(table.weight, std=0.3)
        self.features = nn.Linear(N_FEATURES, width)
        self.lags = nn.Linear(N_LAGS, width, bias=False)
        nn.init.normal_(self.lags.weight, std=0.05)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.keys = nn.Linear(width, N_KEYS + 1)
        self.every = nn.Linear(width, N_KEYS)
        self.copies = nn.Linear(width, N_LAG_ROWS * len(SHIFTS))
        self.point = nn.Linear(width, 2 * N_POINTERS * HEAD, bias=False)
        self.moves = nn.Linear(width, N_POINTERS * len(MOVES))
        self.touch = nn.Sequential(
            nn.Linear(2 * width, config.touch), nn.GELU(), nn.Linear(config.touch, N_DURATIONS + N_VELOCITIES)
        )
        nn.init.zeros_(self.keys.weight)
        nn.init.zeros_(self.every.weight)
        for silent in (self.copies, self.moves):
            nn.init.zeros_(silent.weight)
            nn.init.zeros_(silent.bias)
        nn.init.constant_(self.every.bias, -3.0)
        classes = torch.cat([(torch.arange(N_KEYS) + LOW_PITCH) % 12, torch.tensor([12])])
        self.register_buffer("classes", classes, persistent=False)
        self.replayed: Callable[[Tokens], tuple[Tensor, Tensor]] | None = None  # evaluates, where the device replays

    def pitches(self) -> Tensor:
        """The vector of each key and of none: (89, width)."""
        return self.key.weight + self.pitch_class(self.classes)

    def embed(self, batch: Batch) -> Tensor:
        """(batch, n, width)."""
        is_note = (batch.key < NO_KEY).unsqueeze(-1)
        touch = self.duration(batch.duration) + self.velocity(batch.velocity)
        told = self.kind(batch.kind) + self.features(batch.features) + self.lags(batch.lags)
        return told + F.embedding(batch.key, self.pitches()) + touch * is_note

    def forward(self, batch: Batch) -> Tensor:
        """What each token says: (batch, n, width + N_POINTED)."""
        hidden = self.embed(batch)
        turn = rotation(batch.position)
        order = torch.arange(batch.n_notes, device=hidden.device)
        mask = torch.zeros(*batch.sees.shape, batch.n_notes + 1, device=hidden.device)
        mask[..., :-1].masked_fill_(order >= batch.sees.unsqueeze(-1), SHUT)
        mask[:, : batch.n_notes, -1] = SHUT  # a note sees itself among the notes, a question apart
        for layer in self.layers:
            hidden = layer(hidden, turn, mask.unsqueeze(1), batch.n_notes)
        said: Tensor = self.norm(hidden)
        query, key = self.pointers(said, turn)
        scores = query @ F.pad(key[:, :, : batch.n_notes], (0, 0, 0, 1)).transpose(-1, -2)
        scores += mask.unsqueeze(1).to(scores.dtype)
        scores[..., -1] = 0.0  # it may point at nothing
        keys = F.pad(one_hot(batch.key[:, : batch.n_notes]), (0, 0, 0, 1)).unsqueeze(1)
        return torch.cat([said, flat(scores.softmax(-1) @ keys)], -1)

    def pointers(self, said: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Queries and keys of the attentions that point at notes: (batch, N_POINTERS, n, HEAD) each."""
        both = self.point(said).unflatten(-1, (2, N_POINTERS, HEAD)).permute(2, 0, 3, 1, 4)
        query, key = turned(both, turn)
        return query * HEAD**-0.5, key

    def key_logits(self, said: Tensor, lags: Tensor, allowed: Tensor, last: Tensor) -> Tensor:
        """Logits of the next key and of none: (n, 89).

        said (n, width + N_POINTED), lags (n, N_LAGS), allowed (n, 88); the key lies above ``last`` (n,), a key or
        NO_KEY.
        """
        vector, pointed = self.parts(said)
        logits = self.keys(vector) + vector @ self.pitches().T * vector.shape[-1] ** -0.5
        logits = logits + F.pad(self.figures(vector, pointed, lags), (0, 1))
        order = torch.arange(N_KEYS, device=said.device)
        below = (order <= last.unsqueeze(-1)) & (last.unsqueeze(-1) < NO_KEY)
        shut = F.pad(below | ~allowed, (0, 1))
        return logits.masked_fill(shut, SHUT)

    def every_logit(self, said: Tensor, lags: Tensor, allowed: Tensor) -> Tensor:
        """Logits of every key that is still to come in a step, (n, 88); arguments as of ``key_logits``."""
        vector, pointed = self.parts(said)
        logits = self.every(vector) + vector @ self.pitches()[:N_KEYS].T * vector.shape[-1] ** -0.5
        logits = logits + self.figures(vector, pointed, lags)
        return logits.masked_fill(~allowed, SHUT)

    def parts(self, said: Tensor) -> tuple[Tensor, Tensor]:
        """The vector and the keys that are pointed at: (n, width) and (n, N_POINTED)."""
        vector, pointed = said.split([self.config.width, N_POINTED], -1)
        return vector, pointed

    def figures(self, vector: Tensor, pointed: Tensor, lags: Tensor) -> Tensor:
        """What speaks for the keys of other bars, moved by SHIFTS, and of notes pointed at, by MOVES: (n, 88)."""
        return moved(lags[:, : N_LAG_ROWS * N_KEYS], self.copies(vector), SHIFTS) + moved(
            pointed, self.moves(vector), MOVES
        )

    def touch_logits(self, said: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the length and the velocity of a chosen key: (n, N_DURATIONS) and (n, N_VELOCITIES)."""
        both = torch.cat([self.parts(said)[0], F.embedding(key, self.pitches())], -1)
        length, velocity = self.touch(both).split([N_DURATIONS, N_VELOCITIES], -1)
        return length, velocity


class Layer(nn.Module):
    """Attention over notes, and a feed-forward with squared rectifiers (So et al., arXiv 2109.08668)."""

    def __init__(self, config: ComposerConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = width // HEAD
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.join = nn.Linear(width, width, bias=False)
        self.widen = nn.Linear(width, config.inner * width)
        self.narrow = nn.Linear(config.inner * width, width, bias=False)
        nn.init.zeros_(self.join.weight)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, hidden: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor, n_notes: int) -> Tensor:
        """(batch, n, width) to the same; ``mask`` (batch, 1, n, n_notes + 1), the last column a token's own."""
        query, key, value = self.project(hidden, turn)
        # an empty note behind the others makes room for a token's own score without copying the table
        query = query * HEAD**-0.5
        scores = query @ F.pad(key[:, :, :n_notes], (0, 0, 0, 1)).transpose(-1, -2)
        scores += mask.to(scores.dtype)
        scores[..., -1] += (query * key).sum(-1)
        weights = scores.softmax(-1, dtype=scores.dtype)
        heard = weights @ F.pad(value[:, :, :n_notes], (0, 0, 0, 1)) + weights[..., -1:] * value
        return self.combine(hidden, heard)

    def project(self, hidden: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value: (batch, heads, n, HEAD) each."""
        batch, n, _ = hidden.shape
        parts = self.query_key_value(self.before(hidden)).view(batch, n, 3, self.heads, HEAD).permute(2, 0, 3, 1, 4)
        query, key = turned(parts[:2], turn)
        return query, key, parts[2]

    def combine(self, hidden: Tensor, heard: Tensor) -> Tensor:
        """Add what attention heard, and what the feed-forward makes of it."""
        batch, n, width = hidden.shape
        hidden = hidden + self.join(heard.transpose(1, 2).reshape(batch, n, width))
        out: Tensor = hidden + self.narrow(F.relu(self.widen(self.between(hidden))).square())
        return out


def rotation(position: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of positions in bars: (batch, 1, n, len(TURNS)) each."""
    angle = position[:, None, :, None] * (2 * math.pi * _turns(position.device))
    return angle.cos(), angle.sin()


@lru_cache
def _turns(device: torch.device) -> Tensor:
    """TURNS on a device, copied once: an evaluation waits for no copy."""
    with torch.inference_mode(False):
        return torch.tensor(TURNS, device=device)


def turned(vectors: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the first half of each head by its position."""
    cos, sin = turn
    one, two, rest = vectors.split([len(TURNS), len(TURNS), HEAD - 2 * len(TURNS)], -1)
    return torch.cat([one * cos - two * sin, one * sin + two * cos, rest], -1)


def moved(rows: Tensor, gates: Tensor, shifts: Sequence[int]) -> Tensor:
    """Rows of keys (n, rows * 88), each moved by every shift and weighed by its gate (n, rows * shifts): (n, 88)."""
    widest = max(map(abs, shifts))
    weights = gates.unflatten(-1, (-1, len(shifts))).transpose(-1, -2)
    table = F.pad(weights @ rows.unflatten(-1, (-1, N_KEYS)).to(weights.dtype), (widest, widest))
    sources = widest + torch.arange(N_KEYS, device=rows.device) - torch.tensor(shifts, device=rows.device)[:, None]
    return table.gather(-1, sources.expand(len(rows), -1, -1)).sum(1)


def one_hot(key: Tensor) -> Tensor:
    """(..., n) keys as rows: (..., n, 88), nothing where there is none."""
    return F.one_hot(key, N_KEYS + 1)[..., :N_KEYS].float()


def flat(pointed: Tensor) -> Tensor:
    """(batch, N_POINTERS, n, 88) to (batch, n, N_POINTED)."""
    return pointed.transpose(1, 2).flatten(2)
