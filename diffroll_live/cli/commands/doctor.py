"""``diffroll-live doctor``: the findings as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.markup import escape

from diffroll_live.cli import exit_codes
from diffroll_live.cli.diagnostics import Finding, examine
from diffroll_live.cli.options import DAEMON_PORT
from diffroll_live.cli.progress import ProgressBars

MARKS = {"good": "[green]ok  [/]", "poor": "[yellow]poor[/]", "bad": "[red]bad [/]"}


@click.command("doctor")
@DAEMON_PORT
@click.option("--json", "as_json", is_flag=True, help="Print the findings on stdout as one JSON document.")
def doctor(port: int, as_json: bool) -> int:
    """Check this machine; say what is wrong and how to fix it. Exits with 8 when something is bad."""
    findings: list[Finding] = []
    console = Console(highlight=False, soft_wrap=True)
    with ProgressBars() as bars, bars.stage("Looking"):
        for finding in examine(port):
            findings.append(finding)
            if not as_json:
                _show(console, finding)
    if as_json:
        click.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
    return exit_codes.UNWELL if any(finding.state == "bad" for finding in findings) else exit_codes.OK


def _show(console: Console, finding: Finding) -> None:
    console.print(f"{MARKS[finding.state]} {finding.topic:8} {escape(finding.text)}")
    if finding.fix:
        console.print(f"               fix: {escape(finding.fix)}")
