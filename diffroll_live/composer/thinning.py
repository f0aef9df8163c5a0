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

from diffroll_live.composer.evaluations import evaluate
from diffroll_live.composer.network import SHUT, Composer
from diffroll_live.composer.options import WritingOptions, draw_index
from diffroll_live.composer.passage import Bools, Passage, holes, onsets, rooms, sustained
from diffroll_live.composer.steps import StepGrid
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
    durations, open_cells = options.durations(), options.allowed(passage.hidden)
    voices = Voices(passage.grid, options.polyphony)
    for index in range(steps):
        now, after = index / steps, (index + 1) / steps
        tokens = passage_tokens(
            replace(passage, notes=_sorted(np.concatenate([known, written]))), NOTHING, np.ones(len(written), bool), now
        )
        hidden = slice(tokens.n_notes, None)
        there = np.concatenate([known, written])
        begun = onsets(there, passage.grid.n_steps)
        free = ~sustained(there, passage.grid) & (rooms(begun, passage.grid) >= options.shortest)
        said, lags = evaluate(network, tokens)
        free &= open_cells & voices.free()[:, None]
        allowed = torch.from_numpy(tokens.allowed[hidden] & free[tokens.step[hidden]]).to(said.device)
        logits = network.every_logit(said, lags, allowed)
        chances = _sharpened(logits, allowed, options).sigmoid() * allowed
        share = (after - now) / (1 - now)
        new = torch.from_numpy(rng.random(chances.shape)).to(said.device) < chances * share
        if index == steps - 1 and options.density > 0:
            _begin_empty_holes(new, chances, tokens.step[hidden], written[:, 0])
        row, key = torch.nonzero(new, as_tuple=True)
        length, velocity = (part.double().cpu().numpy() for part in network.touch_logits(said[row], key))
        cells = np.stack([tokens.step[hidden][row.cpu().numpy()], key.cpu().numpy()], 1)
        likely = chances[row, key].double().cpu().numpy()
        room = rooms(_with(begun, cells), passage.grid)
        fresh = []
        for place in np.lexsort((-likely, cells[:, 0])).tolist():  # where not all have room, the likelier are written
            step, k = cells[place].tolist()
            lengths = np.where(durations, length[place], SHUT) / options.touch_temperature
            ticks = int(DURATIONS[draw_index(lengths, rng.random())])
            level = draw_index(velocity[place] / options.touch_temperature, rng.random()) * 16 + 8
            ticks = voices.room(step, min(ticks, int(room[step, k])))
            if ticks >= options.shortest:  # otherwise the key is struck again too soon, or no voice is left
                voices.add(step, ticks)
                fresh.append((step, k, ticks, level if has_velocity else 0))
        evaluated()
        fresh.sort()
        yield from fresh
        written = np.concatenate([written, np.array(fresh, np.int64).reshape(-1, 4)])


def _begin_empty_holes(new: Tensor, chances: Tensor, step: Ints, written: Ints) -> None:
    """Begin the likeliest note of each hole that would stay empty; ``step``: of each row, ``written``: of the notes."""
    for hole in holes(step):
        row = slice(*np.searchsorted(step, [hole[0], hole[-1] + 1]).tolist())
        here = chances[row]
        if not np.isin(hole, written).any() and not bool(new[row].any()) and bool(here.any()):
            new[row].view(-1)[here.argmax()] = True


class Voices:
    """How many written notes sound at each step, never more than ``most``."""

    def __init__(self, grid: StepGrid, most: int) -> None:
        self._tick, self._most = grid.tick, most
        self._sounding = np.zeros(grid.n_steps, np.int64)

    def free(self) -> Bools:
        """The steps at which one more may sound, (n_steps,)."""
        return np.asarray(self._sounding < self._most)

    def room(self, step: int, ticks: int) -> int:
        """How many of ``ticks`` a note of a step may last before there are too many, 0 for none."""
        full = np.flatnonzero(~self.free()[step:])
        return min(ticks, int(self._tick[step + full[0]] - self._tick[step])) if len(full) else ticks

    def add(self, step: int, ticks: int) -> None:
        """Let a note sound."""
        self._sounding[step : int(np.searchsorted(self._tick, self._tick[step] + ticks))] += 1


def _with(begun: Bools, cells: Ints) -> Bools:
    """Where notes begin, with the steps and keys of more of them."""
    more = begun.copy()
    more[cells[:, 0], cells[:, 1]] = True
    return more


def _sorted(notes: Ints) -> Ints:
    return notes[np.lexsort((notes[:, 1], notes[:, 0]))]


def _sharpened(logits: Tensor, allowed: Tensor, options: WritingOptions) -> Tensor:
    """Divide logits by the temperature, then shift them: as many notes are expected as before, times the density."""
    if options.temperature == options.density == 1.0:
        return logits
    wanted = ((logits.sigmoid() * allowed).sum() * options.density).clamp(max=float(allowed.sum()))
    scaled = logits / options.temperature
    low, high = torch.full_like(wanted, -WIDEST), torch.full_like(wanted, WIDEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        too_few = ((scaled + middle).sigmoid() * allowed).sum() < wanted
        low, high = torch.where(too_few, middle, low), torch.where(too_few, high, middle)
    return scaled + low
