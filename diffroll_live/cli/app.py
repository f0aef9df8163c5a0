"""The command group: global options, the table of commands, and the one place where failures become exit codes."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from pathlib import Path

import click

from diffroll_live import __version__
from diffroll_live.cli import exit_codes, failures
from diffroll_live.cli.log_file import log_handler
from diffroll_live.cli.repetition import RepetitionFilter
from diffroll_live.cli.surroundings import settle
from diffroll_live.errors import DiffrollError

#: Command -> (module under ``diffroll_live.cli.commands``, its attribute, one line for ``--help``).
COMMANDS = {
    "transcribe": ("tasks", "transcribe", "Write the notes that are played in a recording."),
    "inpaint": ("tasks", "inpaint", "Write new notes into regions of a recording."),
    "continue": ("tasks", "continue_", "Write what could come after a recording."),
    "generate": ("tasks", "generate", "Write something new from nothing."),
    "batch": ("batch", "batch", "Transcribe an archive of recordings, and go on where it stopped."),
    "cluster": ("cluster", "cluster", "Compute on several machines, for daemons and archives."),
    "serve": ("serve", "serve", "Run the daemon: OSC in, notes out on a virtual MIDI port."),
    "panel": ("panel", "panel", "Open the panel in the browser: see, paint, hear and drag."),
    "live": ("live", "live", "Transcribe an input device live, and play its notes on a MIDI port."),
    "jam": ("jam", "jam", "Trade phrases with the model: it continues where you stop."),
    "send": ("send", "send", "Run any of these tasks in a running daemon."),
    "service": ("service", "service", "Run the daemon from login on: install, status, logs, uninstall."),
    "mcp": ("mcp", "mcp", "Let an assistant use the running daemon (Model Context Protocol)."),
    "ableton": ("ableton", "ableton", "Run any of these tasks for the selected clip in Ableton Live."),
    "doctor": ("doctor", "doctor", "Check this machine; report what is wrong and how to fix it."),
    "models": ("models", "models", "List the installed models."),
    "install-bridge": ("bridges", "install_bridge", "Put a bridge into REAPER, Ableton Live, Ardour or another host."),
    "uninstall-bridge": ("bridges", "uninstall_bridge", "Remove a bridge from its host."),
    "prepare": ("training", "prepare", "Prepare recorded notes and MIDI files for training."),
    "train": ("training", "train", "Train a network, or resume training."),
    "export": ("training", "export", "Turn a training run into a model folder."),
    "evaluate": ("evaluate", "evaluate", "Measure a model on pieces and pianos not used in training."),
    "listen": ("listen", "listen", "Make a page of audio examples of every task, and open it."),
    "import-checkpoint": ("models", "import_checkpoint", "Turn a published DiffRoll checkpoint into a model folder."),
    "bench": ("bench", "bench", "Measure speed and memory on this machine."),
}


class Commands(click.Group):
    """A group that imports a command's module only when the command is called, so that ``--help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"diffroll_live.cli.commands.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the table without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print what the exit codes mean."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in exit_codes.MEANINGS.items()])


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(__version__, prog_name="diffroll-live")
@click.option("--debug", is_flag=True, help="Log everything, and show tracebacks.")
@click.option(
    "--log-file", type=click.Path(path_type=Path), metavar="FILE", help="Log to this file too, which rotates at 1 MB."
)
@click.pass_context
def app(ctx: click.Context, debug: bool, log_file: Path | None) -> None:
    """Audio and a region in, notes out: transcribe, fill gaps, continue and generate piano music."""
    handlers = [logging.StreamHandler(), *([log_handler(log_file)] if log_file else [])]
    for handler in handlers:
        handler.addFilter(RepetitionFilter())
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form, handlers=handlers)
    if debug:
        logging.getLogger("diffroll_live").setLevel(logging.DEBUG)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code; every failure has become a sentence on stderr."""
    debug = "--debug" in arguments
    settle()
    try:
        outcome = app.main(args=list(arguments), prog_name="diffroll-live", standalone_mode=False)
    except DiffrollError as error:
        return failures.report(error)
    except click.ClickException as error:
        failures.complain(error.format_message())
        return exit_codes.USAGE
    except (click.Abort, KeyboardInterrupt):
        failures.complain("Interrupted.")
        return exit_codes.INTERRUPTED
    except SystemExit:  # raised by click when our output is no longer read
        return exit_codes.OK
    except OSError as error:
        refusal = failures.refusal(error)
        return failures.report(refusal) if refusal else failures.report_unexpected(error, debug=debug)
    except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, the user gets a sentence
        return failures.report_unexpected(error, debug=debug)
    return outcome if isinstance(outcome, int) else exit_codes.OK
