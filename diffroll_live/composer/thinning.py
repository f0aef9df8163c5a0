"""Writing in a few evaluations, however many notes: diffusion that thins the set of hidden notes.

A share u of the hidden notes survives at time 1 - u; the network estimates which are missing; a step from u to v lets
each appear with its probability times (v - u) / (1 - u) (Luedke et al., arXiv 2311.01139; on a grid it is the absorbing
diffusion of Austin et al., 2107.03006, and any subsequence of steps is allowed, as in Song et al., 2010.02502,
appendix A).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from diffroll_live.composer.batches import batch_of
from diffroll_live.composer.network import SHUT, Composer
from diffroll_live.composer.options import WritingOptions, draw_index
from diffroll_live.composer.passage import Bools, Passage, onsets, rooms, sustained
from diffroll_live.composer.tokens import passage_tokens
from diffroll_live.composer.vocabulary import DURATIONS, Ints

NOTHING = np.zeros(0, np.int64)
HALVINGS = 30  # of the search for the shift that keeps the expected number of notes
WIDEST = 20.0  # shift of logits


@torch.inference_mode()
def thin(
    network: Composer,
    passage: Passage,
    options: WritingOptions,
    seed: Sequence[int],
    steps: int,
    evaluated: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, int, int, int]]:
    """Draw the rows of one variation in ``steps`` evaluations; those of each are in the order of time and pitch."""
    rng = np.random.default_rng(list(seed))
    known = passage.notes[~passage.is_hidden()]
    written = np.zeros((0, 4), np.int64)
    has_velocity = bool((known[:, 3] > 0).any())
    durations = options.durations()
    for index in range(steps):
        now, after = index / steps, (index + 1) / steps
        tokens = passage_tokens(
            replace(passage, notes=_sorted(np.concatenate([known, written]))), NOTHING, np.ones(len(written), bool), now
        )
        holes = slice(tokens.n_notes, None)
        there = np.concatenate([known, written])
        begun = onsets(there, passage.grid.n_steps)
        free = ~sustained(there, passage.grid) & (rooms(begun, passage.grid) >= options.shortest)
        batch = batch_of([tokens], network.classes.device)
        said = network(batch)[0, holes]
        allowed = torch.from_numpy(options.allowed(tokens.allowed[holes]) & free[tokens.step[holes]]).to(said.device)
        logits = network.every_logit(said, batch.lags[0, holes], allowed)
        chances = _sharpened(logits, allowed, options.temperature).sigmoid() * allowed
        share = (after - now) / (1 - now)
        new = torch.from_numpy(rng.random(chances.shape)).to(said.device) < chances * share
        row, key = torch.nonzero(new, as_tuple=True)
        length, velocity = (part.double().cpu().numpy() for part in network.touch_logits(said[row], key))
        cells = np.stack([tokens.step[holes][row.cpu().numpy()], key.cpu().numpy()], 1)
        room = rooms(_with(begun, cells), passage.grid)
        fresh = []
        for place, (step, k) in enumerate(cells.tolist()):
            lengths = np.where(durations, length[place], SHUT) / options.touch_temperature
            ticks = int(DURATIONS[draw_index(lengths, rng.random())])
            level = draw_index(velocity[place] / options.touch_temperature, rng.random()) * 16 + 8
            if room[step, k] >= options.shortest:  # otherwise the key is struck again too soon
                fresh.append((step, k, min(ticks, int(room[step, k])), level if has_velocity else 0))
        evaluated()
        yield from fresh
        written = np.concatenate([written, np.array(fresh, np.int64).reshape(-1, 4)])


def _with(begun: Bools, cells: Ints) -> Bools:
    """Where notes begin, with the steps and keys of more of them."""
    more = begun.copy()
    more[cells[:, 0], cells[:, 1]] = True
    return more


def _sorted(notes: Ints) -> Ints:
    return notes[np.lexsort((notes[:, 1], notes[:, 0]))]


def _sharpened(logits: Tensor, allowed: Tensor, temperature: float) -> Tensor:
    """Divide logits by a temperature, then shift them so that as many notes are expected as before."""
    if temperature == 1.0:
        return logits
    wanted = (logits.sigmoid() * allowed).sum()
    scaled = logits / temperature
    low, high = torch.full_like(wanted, -WIDEST), torch.full_like(wanted, WIDEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        too_few = ((scaled + middle).sigmoid() * allowed).sum() < wanted
        low, high = torch.where(too_few, middle, low), torch.where(too_few, high, middle)
    return scaled + low
