"""Installs, looks at and removes the service. A failed installation leaves nothing behind."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from diffroll_live.files.atomic import atomic_file
from diffroll_live.integrations.service.systems import Command, System
from diffroll_live.integrations.service.texts import Program

State = Literal["running", "stopped", "not installed"]
TIMEOUT = 60.0  # s for a command of the system


class Refused(Exception):
    """What the system does not do, as a sentence that says what to do instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command of the system ended."""

    code: int
    output: str


Run = Callable[[Command], Answer]


def run(command: Command) -> Answer:
    """Run a command of the system; one that is missing or hangs has failed."""
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer(127, str(error))
    return Answer(done.returncode, f"{done.stdout}{done.stderr}".strip())


def install(system: System, program: Program, run: Run = run) -> None:
    """Write the file and start the daemon; an older service makes room. Raises Refused, FileError."""
    uninstall(system, run)
    system.file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(system.file) as stream:
        stream.write(system.text(program))
    for command in system.start:
        answer = run(command)
        if answer.code != 0:
            uninstall(system, run)
            raise Refused(
                f"The service was not installed: '{' '.join(command)}' failed ({answer.output or answer.code}). "
                "Mend that, or have 'diffroll-live serve' started at login in another way."
            )


def uninstall(system: System, run: Run = run) -> bool:
    """Stop the daemon and remove the file; False when there was none."""
    if not system.file.exists():
        return False
    for command in system.stop:
        run(command)
    system.file.unlink(missing_ok=True)
    for command in system.forget:
        run(command)
    return True


def state(system: System, run: Run = run) -> State:
    """Whether the service is installed, and runs."""
    if not system.file.exists():
        return "not installed"
    lines = [line.strip() for line in run(system.state).output.splitlines()]
    return "running" if system.running in lines else "stopped"
