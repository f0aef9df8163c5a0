"""``diffroll-live ableton``: the four tasks for the clip selected in Ableton Live."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from diffroll_live.cli.options import HEAR, REGION, REMOTE, SECONDS, setting, settings, with_options
from diffroll_live.cli.progress import ProgressBar, ProgressBars
from diffroll_live.errors import TimedOut
from diffroll_live.integrations.ableton.abletonosc import AbletonOsc
from diffroll_live.integrations.ableton.jobs import Written, run_selected
from diffroll_live.integrations.ableton.script import RemoteScript
from diffroll_live.limits import REQUEST
from diffroll_live.types import Options, Region, Task

TASKS: dict[str, tuple[Task, str]] = {
    "transcribe": ("transcribe", "Write what the selected audio clip plays into a MIDI clip beside it."),
    "fill": ("inpaint", "Write new notes into a region of the selected clip."),
    "continue": ("continue", "Write what could come after the selected clip into a clip of its own."),
    "generate": ("generate", "Write something new into a MIDI clip in the selected scene."),
}
CHOICES = (
    setting(
        REQUEST["seed"], "--seed", default=None, help="The same seed gives the same notes; otherwise it is random."
    ),
    *settings(REQUEST, "quality", "density", "temperature", "threshold"),
)
THROUGH = click.option(
    "--through",
    type=click.Choice(("auto", "script", "abletonosc")),
    default="auto",
    show_default=True,
    help="Our Remote Script, or a stock AbletonOSC, which works only with unwarped Session clips.",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The values of the command line."""

    task: Task
    options: Options
    regions: tuple[Region, ...]
    hear: bool
    host: str
    port: int


@click.group("ableton")
def ableton() -> None:
    """Run a task for the clip selected in Ableton Live; bind these commands to keys in your system."""


@ableton.command("cancel", help="Cancel the Remote Script's current task.")
def cancel() -> None:
    """Cancel the script's task."""
    with RemoteScript() as script:
        script.cancel()
    click.echo("Cancelled; nothing was changed.")


def _command(name: str, task: Task, help_text: str) -> click.Command:
    def command(through: str, host: str, port: int, **given: Any) -> None:
        hear = bool(given.pop("hear", False))
        regions = tuple(replace(region, hear=hear) for region in given.pop("regions", ()))
        if given["seed"] is None:
            given["seed"] = 0 if task == "transcribe" else secrets.randbelow(2**31)
        wanted = Wanted(task, Options(**given), regions, hear, host, port)
        with ProgressBars() as bars, bars.stage(f"{name} in Live") as stage:
            written = _routes(through, regions)(wanted, stage)
        click.echo(f"{written.notes} notes in {written.track}")

    extras = {"inpaint": (REGION, HEAR), "continue": (SECONDS,), "generate": (SECONDS,)}.get(task, ())
    options = with_options(*extras, *CHOICES, THROUGH, *REMOTE)
    return click.command(name, help=help_text)(options(command))


def _routes(through: str, regions: tuple[Region, ...]) -> Callable[[Wanted, ProgressBar], Written]:
    """Choose the route to Live; the script takes its region from Live's selection."""
    if regions or through == "abletonosc":
        return _through_abletonosc
    return _through_script if through == "script" else _through_either


def _through_either(wanted: Wanted, stage: ProgressBar) -> Written:
    try:
        script = RemoteScript()
    except TimedOut:
        return _through_abletonosc(wanted, stage)
    with script:
        return _press(script, wanted, stage)


def _through_script(wanted: Wanted, stage: ProgressBar) -> Written:
    with RemoteScript() as script:
        return _press(script, wanted, stage)


def _press(script: RemoteScript, wanted: Wanted, stage: ProgressBar) -> Written:
    chosen = {key: getattr(wanted.options, key) for key in ("seed", "quality", "density", "temperature", "threshold")}
    if wanted.task in ("continue", "generate"):
        chosen["seconds"] = wanted.options.seconds
    if wanted.task == "inpaint":
        chosen["hear"] = int(wanted.hear)
    return script.run(wanted.task, {key: value for key, value in chosen.items() if value is not None}, stage.say)


def _through_abletonosc(wanted: Wanted, stage: ProgressBar) -> Written:
    from diffroll_live.osc.client import Client

    with AbletonOsc() as live:
        daemon = Client(wanted.host, wanted.port, name="diffroll-live ableton")
        try:
            return run_selected(
                live,
                wanted.task,
                lambda request: daemon.run(request, stage),
                wanted.options,
                wanted.regions,
                wanted.hear,
            )
        finally:
            daemon.close()


for _name, (_task, _help) in TASKS.items():
    ableton.add_command(_command(_name, _task, _help))
