"""Writing note after note: each step of the hole asks for its lowest key, each note for the next higher one.

This is the limit of absorbing diffusion with as many steps as there are notes, in the order of time (Arriola et al.,
arXiv 2503.09573, with blocks of one note).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from diffroll_live.composer.network import SHUT, Batch, Composer
from diffroll_live.composer.note_cache import NoteCache, Said
from diffroll_live.composer.options import MOST_IN_STEP, WritingOptions, draw_index
from diffroll_live.composer.passage import Bools, Passage, holes, rooms
from diffroll_live.composer.recall import Recall
from diffroll_live.composer.tokens import ASK_NEXT, KNOWN, WRITTEN, Surroundings
from diffroll_live.composer.vocabulary import (
    DURATIONS,
    N_KEYS,
    NO_KEY,
    NO_VELOCITY,
    Ints,
    duration_class,
    velocity_class,
)

AHEAD = 4  # steps that are asked for at once while nothing begins
MOST_NARROWED = 3.0  # what is added to logits of the keys that are left, at most
EAGERNESS, SPARSEST = 3.0, 1e-3  # the power of a density by which the odds of a note rise, and the least one

Note = tuple[int, int, int, int]
"""A row of a Passage: step, key, ticks, velocity."""


class NoteWriter:
    """Writes one variation of a passage; ``evaluated`` is called after every evaluation."""

    def __init__(
        self,
        network: Composer,
        passage: Passage,
        options: WritingOptions,
        seed: Sequence[int],
        evaluated: Callable[[], None] = lambda: None,
    ) -> None:
        self._evaluated = evaluated
        self._network, self._passage, self._options = network, passage, options
        self._device = network.classes.device
        self._rng = np.random.default_rng(list(seed))
        self._around = Surroundings(passage)
        self._rooms = rooms(self._around.known_onsets, passage.grid)
        free = passage.hidden & ~self._around.known_sounding & (self._rooms >= options.shortest)
        self._open = options.allowed(free)
        self._allowed = torch.from_numpy(self._open if options.among is None else free & options.among).to(self._device)
        self._eagerness = EAGERNESS * float(np.log(max(options.density, SPARSEST)))
        self._durations = options.durations()
        known = self._around.known
        self._has_velocity = bool((known[:, 3] > 0).any())
        self._must = not len(known)  # write a note at the next step where one may begin: music from nothing
        self._is_empty = True  # the hole, so far
        self._odds = -np.inf  # of a note at the step that was last asked for, as a logarithm
        self._onset, self._sounding = self._around.known_onsets.copy(), self._around.known_sounding.copy()
        self._recall = Recall(passage.grid, self._onset, np.asarray(~passage.hidden.any(1))) if options.recall else None
        self._ends = np.zeros(N_KEYS, np.int64)  # ticks
        self._cache = NoteCache(network, len(known) + 4 * len(self._around.hole_steps), self._device)

    @torch.inference_mode()
    def write(self) -> Iterator[Note]:
        """Draw notes in the order of time and pitch."""
        known = self._around.known
        self._cache.read(self._known_tokens(known))
        for hole in holes(self._around.hole_steps):
            self._is_empty = True
            odds: list[float] = []
            yield from self._fill(hole, odds)
            if self._is_empty and max(odds) > -np.inf and self._options.density > 0:
                self._must = True
                yield from self._fill(hole[int(np.argmax(odds)) :], [])

    def _fill(self, steps: Ints, odds: list[float]) -> Iterator[Note]:
        """Draw the notes of consecutive steps; ``odds`` gets how likely a note was to begin at each, as a logarithm."""
        answers: list[Said] = []  # of the next steps, as long as they have seen every note
        for at, step in enumerate(steps.tolist()):
            if self._recall is not None:
                self._recall.enter(step)
            if not answers:
                answers = self._ask(steps[at : at + AHEAD])
            answer = answers.pop(0)
            count, key = 0, self._choose_key(answer, step, NO_KEY, 0)
            odds.append(self._odds)
            while key != NO_KEY:
                note = (step, key, *self._choose_touch(answer, step, key))
                yield note
                self._place(note)
                count += 1
                answer, *answers = self._ask(np.append(step, steps[at + 1 : at + 1 + AHEAD]), note)
                key = self._choose_key(answer, step, key, count)

    def _ask(self, step: Ints, note: Note | None = None) -> list[Said]:
        """Ask for the next key of steps; ``note`` is the one that has just been written into the first of them."""
        n = len(step)
        kind, key = np.full(n, ASK_NEXT), np.full(n, NO_KEY)
        duration, velocity = np.zeros(n, np.int64), np.full(n, NO_VELOCITY)
        if note is not None:
            kind[0], key[0] = WRITTEN, note[1]
            duration[0], velocity[0] = duration_class(np.array(note[2])), velocity_class(np.array(note[3]))
        around = self._around
        lags = around.lags_of_hole(step, self._onset, self._sounding, later=around.known_onsets)
        features = around.features(step, np.ones(n, bool), 0.0)
        batch = self._batch(0, kind, key, duration, velocity, around.position[step], features, lags)
        said = self._cache.ask(batch, first_is_note=note is not None)
        self._evaluated()
        return said

    def _known_tokens(self, known: Ints) -> Batch:
        n, step, around = len(known), known[:, 0], self._around
        duration, velocity = duration_class(known[:, 2]), velocity_class(known[:, 3])
        features = around.features(step, np.zeros(n, bool), 0.0)
        lags = around.lags_of_known(step)
        return self._batch(n, np.full(n, KNOWN), known[:, 1], duration, velocity, around.position[step], features, lags)

    def _batch(self, n_notes: int, *arrays: np.ndarray) -> Batch:
        kind, key, duration, velocity, position, features, lags = (
            torch.from_numpy(np.ascontiguousarray(array))[None].to(self._device) for array in arrays
        )
        return Batch(n_notes, kind, key, duration, velocity, kind, position, features, lags)

    def _choose_key(self, answer: Said, step: int, last: int, count: int) -> int:
        sounding = self._ends > self._passage.grid.tick[step]
        free = self._allowed[step] & ~torch.from_numpy(sounding).to(self._device)  # a key that is down is not struck
        self._odds = -np.inf
        if count >= MOST_IN_STEP or int(sounding.sum()) >= self._options.polyphony:
            return NO_KEY
        above = torch.tensor([last], device=self._device)
        said = self._network.key_logits(answer.said[None], answer.lags[None], free[None], above)[0]
        logits = said.double().cpu().numpy()
        if self._recall is not None:
            logits += self._options.recall * self._recall.votes(last)
        begins = (logits[:NO_KEY] > SHUT / 2) & self._open[step]
        scaled = logits / self._options.temperature
        scaled[NO_KEY] -= self._eagerness
        if self._options.among is not None:
            scaled = narrowed(scaled, self._open[step], in_place_of_all=count == 0)
        if begins.any():
            self._odds = float(np.logaddexp.reduce(scaled[:NO_KEY]) - scaled[NO_KEY])
            if self._must:
                scaled[NO_KEY] = SHUT
        return draw_index(scaled, self._rng.random(), self._options.nucleus)

    def _choose_touch(self, answer: Said, step: int, key: int) -> tuple[int, int]:
        """Ticks, at most until the key is struck again, and the velocity, 0 where the music around has none."""
        chosen = torch.tensor([key], device=self._device)
        length, velocity = self._network.touch_logits(answer.said[None], chosen)
        temperature = self._options.touch_temperature
        lengths = np.where(self._durations, length[0].double().cpu().numpy(), SHUT) / temperature
        ticks = int(DURATIONS[draw_index(lengths, self._rng.random())])
        level = draw_index(velocity[0].double().cpu().numpy() / temperature, self._rng.random()) * 16 + 8
        return min(ticks, int(self._rooms[step, key])), level if self._has_velocity else 0

    def _place(self, note: Note) -> None:
        step, key, ticks, _ = note
        grid = self._passage.grid
        self._must = self._is_empty = False
        self._onset[step, key] = True
        self._ends[key] = grid.tick[step] + ticks
        self._sounding[step + 1 : int(np.searchsorted(grid.tick, self._ends[key])), key] = True


def narrowed(logits: np.ndarray, open_keys: Bools, *, in_place_of_all: bool) -> np.ndarray:
    """Leave the open ones of some keys, (89,) logits; ``in_place_of_all`` they are struck as often as all would be."""
    shut = np.append(~open_keys, False)
    left = np.where(shut, SHUT, logits)
    if in_place_of_all and open_keys.any():
        mass, rest = (float(np.logaddexp.reduce(some[:NO_KEY])) for some in (logits, left))
        left[:NO_KEY] += min(mass - rest, MOST_NARROWED)
    return left
