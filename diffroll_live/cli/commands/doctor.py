"""``diffroll-live doctor``: the findings as a table, as JSON, or as one line."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

import click

from diffroll_live import __version__
from diffroll_live.cli import exit_codes
from diffroll_live.cli.diagnostics import Finding, examine
from diffroll_live.cli.options import DAEMON_PORT
from diffroll_live.cli.progress import ProgressBars

MARKS = {"good": click.style("ok  ", "green"), "poor": click.style("poor", "yellow"), "bad": click.style("bad ", "red")}


@click.command("doctor")
@DAEMON_PORT
@click.option("--json", "as_json", is_flag=True, help="Print the findings on stdout as one JSON document.")
@click.option(
    "--quick", is_flag=True, help="Leave out what takes long: torch, sound devices, FluidSynth, Ableton Live."
)
@click.option(
    "--line", "as_line", is_flag=True, help="Print one line that says it all, to paste when you ask for help."
)
def doctor(port: int, as_json: bool, quick: bool, as_line: bool) -> int:
    """Check this machine; say what is wrong and how to fix it. Exits with 8 when something is bad."""
    findings: list[Finding] = []
    with ProgressBars() as bars, bars.stage("Looking"):
        for finding in examine(port, quick=quick):
            findings.append(finding)
            if not (as_json or as_line):
                _show(finding)
    if as_json:
        click.echo(
            json.dumps({"version": __version__, "findings": [asdict(finding) for finding in findings]}, indent=2)
        )
    if as_line:
        click.echo(support_line(findings))
    return exit_codes.UNWELL if any(finding.state == "bad" for finding in findings) else exit_codes.OK


def support_line(findings: Sequence[Finding]) -> str:
    """Say in one line which versions meet here and what was found: no path, no name of a person or a machine."""
    facts = [f"diffroll-live {__version__}", f"Python {platform.python_version()}", platform.platform(terse=True)]
    facts += [f"{name} {_version(name)}" for name in ("torch", "torchaudio", "python-rtmidi")]
    for state in ("bad", "poor"):
        topics = dict.fromkeys(finding.topic for finding in findings if finding.state == state)
        facts.append(f"{state}: {' '.join(topics) or 'nothing'}")
    return "; ".join(facts)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _show(finding: Finding) -> None:
    click.echo(f"{MARKS[finding.state]} {finding.topic:8} {finding.text}")
    if finding.fix:
        click.echo(f"               fix: {finding.fix}")
