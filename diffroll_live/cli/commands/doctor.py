"""``diffroll-live doctor``: the findings as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

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
def doctor(port: int, as_json: bool, quick: bool) -> int:
    """Check this machine; say what is wrong and how to fix it. Exits with 8 when something is bad."""
    findings: list[Finding] = []
    with ProgressBars() as bars, bars.stage("Looking"):
        for finding in examine(port, quick=quick):
            findings.append(finding)
            if not as_json:
                _show(finding)
    if as_json:
        click.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
    return exit_codes.UNWELL if any(finding.state == "bad" for finding in findings) else exit_codes.OK


def _show(finding: Finding) -> None:
    click.echo(f"{MARKS[finding.state]} {finding.topic:8} {finding.text}")
    if finding.fix:
        click.echo(f"               fix: {finding.fix}")
