"""What can go wrong, as a sentence for the user. Knows nothing else."""

from __future__ import annotations


class Failure(Exception):
    """A failure: ``code`` is for programs and stable, as in the daemon's protocol; ``text`` says how to fix it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
