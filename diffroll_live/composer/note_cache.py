"""The notes so far as the network's layers see them, so that each evaluation computes what is new and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffroll_live.composer.network import HEAD, N_POINTERS, SHUT, Batch, Composer, flat, one_hot, rotation
from diffroll_live.composer.vocabulary import N_KEYS


@dataclass(frozen=True, slots=True)
class Said:
    """What a token says, (width + N_POINTED,), and what it was shown of other bars, (N_LAGS,)."""

    said: Tensor
    lags: Tensor


class NoteCache:
    """Keys and values of notes, layer by layer, and what points at them; ``room`` is how many are expected."""

    def __init__(self, network: Composer, room: int, device: torch.device) -> None:
        config = network.config
        room = max(room, 1)
        shape = (config.depth, config.width // HEAD, room, HEAD)
        self._network = network
        self._keys, self._values = torch.empty(shape, device=device), torch.empty(shape, device=device)
        self._marks = torch.empty(N_POINTERS, room, HEAD, device=device)
        self._pitches = torch.empty(room, N_KEYS, device=device)
        self._n = 0

    def read(self, notes: Batch) -> None:
        """Take the known notes, a batch of one, each of which sees those before it."""
        n = notes.n_notes
        if not n:
            return
        self._make_room(n)
        hidden, turn = self._network.embed(notes), rotation(notes.position)
        mask = torch.full((n, n), SHUT, device=hidden.device).triu(1)
        for index, layer in enumerate(self._network.layers):
            query, key, value = layer.project(hidden, turn)
            self._keys[index, :, :n], self._values[index, :, :n] = key[0], value[0]
            weights = (query @ key.transpose(-1, -2) * HEAD**-0.5 + mask).softmax(-1)
            hidden = layer.combine(hidden, weights @ value)
        self._marks[:, :n] = self._network.pointers(self._network.norm(hidden), turn)[1][0]
        self._pitches[:n] = one_hot(notes.key[0])
        self._n = n

    def ask(self, tokens: Batch, *, first_is_note: bool = False) -> list[Said]:
        """What tokens say that see all notes so far; if the first is a note, it is kept and the others see it."""
        new = int(first_is_note)
        first, end = self._n, self._n + new
        self._make_room(end)
        hidden, turn = self._network.embed(tokens), rotation(tokens.position)
        for index, layer in enumerate(self._network.layers):
            query, key, value = layer.project(hidden, turn)
            if new:
                self._keys[index, :, first], self._values[index, :, first] = key[0, :, 0], value[0, :, 0]
            scores = query @ self._keys[index, :, :end].transpose(-1, -2)
            own = (query * key).sum(-1, keepdim=True)
            own[:, :, :new] = SHUT / HEAD**-0.5  # the note sees itself among the notes
            weights = (torch.cat([scores, own], -1) * HEAD**-0.5).softmax(-1)
            seen = weights[..., :-1] @ self._values[index, :, :end] + weights[..., -1:] * value
            hidden = layer.combine(hidden, seen)
        self._n = end
        said = self._network.norm(hidden)
        query, mark = self._network.pointers(said, turn)
        if new:
            self._marks[:, first], self._pitches[first] = mark[0, :, 0], one_hot(tokens.key[0, 0])
        scores = query @ self._marks[:, :end].transpose(-1, -2)
        pointed = F.pad(scores, (0, 1)).softmax(-1)[..., :-1] @ self._pitches[:end]
        spoken = torch.cat([said, flat(pointed)], -1)[0]
        return [Said(one, lags) for one, lags in zip(spoken, tokens.lags[0], strict=True)]

    def _make_room(self, n: int) -> None:
        had = self._pitches.shape[0]
        if n > had:
            more = max(n - had, had)
            self._keys, self._values = F.pad(self._keys, (0, 0, 0, more)), F.pad(self._values, (0, 0, 0, more))
            self._marks, self._pitches = F.pad(self._marks, (0, 0, 0, more)), F.pad(self._pitches, (0, 0, 0, more))
