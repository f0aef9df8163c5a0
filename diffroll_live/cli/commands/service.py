"""``diffroll-live service``: the daemon from login on, its state and its log."""

from __future__ import annotations

import getpass
import os
import sys
from collections import deque
from pathlib import Path

import click

from diffroll_live.cli import exit_codes, failures
from diffroll_live.cli.log_file import log_files, log_path
from diffroll_live.cli.options import PATH
from diffroll_live.config import load_config
from diffroll_live.integrations.install.hosts import system_folders
from diffroll_live.integrations.service import steps
from diffroll_live.integrations.service.systems import System, system_of
from diffroll_live.integrations.service.texts import Program


@click.group("service")
def service() -> None:
    """Let the system run the daemon from login on, and start it again if it ends by a fault."""


@service.command("install")
@click.option("--config", "config_file", type=PATH, metavar="FILE", help="The TOML file that the daemon reads.")
def install(config_file: Path | None) -> int:
    """Start the daemon now and at every login; whatever 'serve' can be told stands in the configuration."""
    load_config(config_file)  # a mistake is better told now than to a log
    system = _system()
    try:
        steps.install(system, _program(config_file))
    except steps.Refused as refused:
        failures.complain(str(refused))
        return exit_codes.DAEMON
    failures.tell(f"The daemon runs now and from each login on ({system.title}: {system.file}).")
    failures.tell(f"Its log is {log_path()}; 'diffroll-live service logs' shows it.")
    return exit_codes.OK


@service.command("status")
def status() -> int:
    """Say whether the daemon runs as a service. Exits with 7 when it does not."""
    system = _system()
    found = steps.state(system)
    failures.tell(found if found == "not installed" else f"{found} ({system.title}: {system.file})")
    return exit_codes.OK if found == "running" else exit_codes.DAEMON


@service.command("logs")
@click.option("--lines", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many, at most.")
def logs(lines: int) -> int:
    """Print the last lines that the daemon has logged."""
    last: deque[str] = deque(maxlen=lines)
    for path in log_files():
        with path.open(encoding="utf-8", errors="replace") as log:
            last.extend(line.rstrip("\n") for line in log)
    for line in last:
        failures.tell(line)
    if not last:
        failures.tell(f"Nothing is logged yet in {log_path()}.", err=True)
    return exit_codes.OK


@service.command("uninstall")
def uninstall() -> int:
    """Stop the daemon and leave nothing of the service behind but its log."""
    system = _system()
    if steps.uninstall(system):
        failures.tell(f"The service is removed; its log stays in {log_path().parent}.")
    else:
        failures.tell("The service is not installed.")
    return exit_codes.OK


def _system() -> System:
    return system_of(system_folders(), os.getuid() if hasattr(os, "getuid") else 0)


def _program(config_file: Path | None) -> Program:
    """The command line of the service, which runs without a window on Windows, and never imports from its folder."""
    python = Path(sys.executable)
    windowless = python.with_name("pythonw.exe")
    words = [str(windowless if windowless.is_file() else python), "-P", "-m", "diffroll_live"]
    words += ["--log-file", str(log_path()), "serve"]
    if config_file is not None:
        words += ["--config", str(config_file.resolve())]
    domain = os.environ.get("USERDOMAIN")
    user = getpass.getuser() if sys.platform == "win32" else ""
    return Program(tuple(words), Path.home(), f"{domain}\\{user}" if domain and user else user)
