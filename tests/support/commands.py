"""Commands that run until Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from diffroll_live.cli.app import run


def run_until(arguments: list[str], done: Callable[[], object]) -> int:
    """Run a command on this, the main thread, and press Ctrl-C when ``done`` has returned on another."""
    failures: list[BaseException] = []

    def watch() -> None:
        try:
            done()
        except BaseException as error:  # noqa: BLE001 - raised again where the test is
            failures.append(error)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=watch)
    thread.start()
    code = run(arguments)
    thread.join()
    if failures:
        raise failures[0]
    return code
