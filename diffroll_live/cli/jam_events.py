"""The events of a jam, as lines for a musician: whose turn it is, how far ahead the model is. Output only."""

from __future__ import annotations

from typing import Any, Self

from rich.console import Console

from diffroll_live.music.roll import pitch_name
from diffroll_live.osc import jam_replies as j
from diffroll_live.osc import replies as r

_TURNS = {"listening": "your turn", "answering": "the model's turn", "stopped": "ended"}


class JamPrinter:
    """Prints turns and how far ahead writing is; the notes of an answer on one line, as they are written."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._in_notes = False

    def __enter__(self) -> Self:
        self._console.print("Loading the model; then play. Ctrl-C ends it.")
        return self

    def __exit__(self, *_: object) -> None:
        self._break()

    def show(self, reply: Any) -> None:
        """Print a reply, if it is one for people."""
        match reply:
            case j.JamState(_, state):
                self._break()
                self._console.print(f"[bold]{_TURNS.get(state, state)}[/]")
            case j.JamAhead(_, ms, dropped):
                self._break()
                late = f", {dropped} notes came too late" if dropped else ""
                self._console.print(f"  written {ms / 1000:.1f} s ahead{late}")
            case r.Note():
                self._in_notes = True
                self._console.print(f" {pitch_name(reply.pitch)}", end="")
            case r.AudioVanished(_, text) | r.Error(_, _, text):
                self._break()
                self._console.print(text)

    def _break(self) -> None:
        if self._in_notes:
            self._console.print()
            self._in_notes = False
