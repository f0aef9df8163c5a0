"""A JACK client that plays beeps: jackd2's metronome, which knows nothing of us."""

from __future__ import annotations

import itertools
import subprocess
from typing import Self

from support.waiting import wait_until

_NUMBERS = itertools.count(1)


class Tone:
    """Beeps of 440 Hz, ten a second, on a JACK port of its own, while inside ``with``."""

    AMPLITUDE = 0.5

    def __init__(self) -> None:
        self.client = f"tone-{next(_NUMBERS)}"
        self.port = f"{self.client}:600_bpm"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["jack_metro", "-n", self.client, "-b", "600", "-f", "440", "-D", "80", "-A", str(self.AMPLITUDE)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._is_there, f"the port {self.port}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _is_there(self) -> bool:
        return self.port in subprocess.run(["jack_lsp"], capture_output=True, text=True, check=False).stdout
