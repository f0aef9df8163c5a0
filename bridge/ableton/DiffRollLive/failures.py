"""What can go wrong, as a sentence for the user. Knows nothing else."""

from __future__ import annotations


class Failure(Exception):
    """A failure with a stable ``code`` for programs, as in the daemon's protocol, and a ``text`` on the mend."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
