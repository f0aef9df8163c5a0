"""The ways of writing, by name: rows beside those of model/samplers.py, for what is written rather than heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from diffroll_live.composer.network import Composer
from diffroll_live.composer.note_by_note import Note, NoteWriter
from diffroll_live.composer.options import WritingOptions
from diffroll_live.composer.passage import Passage
from diffroll_live.composer.thinning import thin

Writer = Callable[[Composer, Passage, WritingOptions, list[int], int, Callable[[], None]], Iterator[Note]]
"""Draws rows from a network, by a seed, in so many steps; the last argument is called after every evaluation."""


def _note_by_note(
    network: Composer,
    passage: Passage,
    options: WritingOptions,
    seed: list[int],
    _steps: int,
    evaluated: Callable[[], None],
) -> Iterator[Note]:
    return NoteWriter(network, passage, options, seed, evaluated).write()


WRITERS: dict[str, Writer] = {"note-by-note": _note_by_note, "thinning": thin}
