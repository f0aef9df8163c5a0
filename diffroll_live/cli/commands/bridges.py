"""``diffroll-live install-bridge`` and ``uninstall-bridge``: show what will be done, then do it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from diffroll_live.cli.options import PATH
from diffroll_live.errors import RequestError
from diffroll_live.integrations.install.hosts import HOSTS, Host, is_running, system_folders
from diffroll_live.integrations.install.steps import (
    Step,
    carry_out,
    find_host,
    find_root,
    plan_install,
    plan_uninstall,
)

HOST = click.argument("host", type=click.Choice(tuple(HOSTS)))
TO = click.option(
    "--to", "chosen", type=PATH, metavar="FOLDER", help="The host's own folder, if it is not in the usual place."
)
DRY_RUN = click.option("--dry-run", is_flag=True, help="Only show what would be done.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the steps on stdout as one JSON document.")


@click.command("install-bridge")
@HOST
@TO
@DRY_RUN
@JSON
def install_bridge(host: str, chosen: Path | None, dry_run: bool, as_json: bool) -> None:
    """Copy a bridge into its host's folder: REAPER, Ableton Live, Ardour, and others.

    Copies only its own files, keeps what it replaces, and edits no setting of the host.
    """
    found = find_host(host)
    root = find_root(found, system_folders(), chosen)
    _go(found, plan_install(host, root), root, dry_run=dry_run, as_json=as_json)
    if not dry_run and not as_json:
        click.echo(found.after)


@click.command("uninstall-bridge")
@HOST
@TO
@DRY_RUN
@JSON
def uninstall_bridge(host: str, chosen: Path | None, dry_run: bool, as_json: bool) -> None:
    """Remove a bridge from its host's folder; replaced files come back, files that you changed stay."""
    found = find_host(host)
    root = find_root(found, system_folders(), chosen)
    _go(found, plan_uninstall(host, root), root, dry_run=dry_run, as_json=as_json)


def _go(host: Host, steps: tuple[Step, ...], root: Path, *, dry_run: bool, as_json: bool) -> None:
    if steps and not dry_run and is_running(host):
        raise RequestError(f"{host.title} is running, and nothing was changed; close it, then run this again.")
    if as_json:
        facts = {"root": str(root), "done": not dry_run, "steps": [_facts(step) for step in steps]}
        click.echo(json.dumps(facts, indent=2))
    else:
        for step in steps:
            click.echo(_line(step))
        click.echo("Nothing to do." if not steps else f"{'Would change' if dry_run else 'Changing'}: {root}")
    if not dry_run:
        carry_out(steps)


def _line(step: Step) -> str:
    to = f" -> {step.other}" if step.other else ""
    why = f"  ({step.why})" if step.why else ""
    return f"{step.verb:8} {step.path}{to}{why}"


def _facts(step: Step) -> dict[str, str]:
    return {"verb": step.verb, "path": str(step.path), "to": str(step.other or ""), "why": step.why}
