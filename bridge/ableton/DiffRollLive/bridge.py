"""The script's one job at a time: pressed, asked, answered, written; and what the user is told of it.

Whatever fails here is told and logged; nothing is raised into Live.
"""

from __future__ import annotations

import traceback
from typing import Any, Dict, List, NamedTuple, Optional

from .desk import Command, Desk
from .failures import Failure
from .link import Link
from .probe import findings
from .settings import Settings, as_options
from .talk import Conversation
from .transport import Transport
from .verbs import ONLY_OF, VERBS, Plan
from .version import VERSION


class Work(NamedTuple):
    """The job that is under way."""

    verb: str
    plan: Plan
    conversation: Conversation
    sender: Any  # who asked for it over the desk


class Bridge:
    """Ties Live, the daemon, and whoever gives commands. ``host`` is Live's c_instance."""

    def __init__(self, host: Any, settings: Settings) -> None:
        self._host = host
        self._settings = settings
        self._link = Link(settings.daemon_port)
        self._transport = Transport(host.song(), self._link)
        self._desk: Optional[Desk] = None
        self._work: Optional[Work] = None
        self._pushed: List[str] = []
        self._complained = ""
        self._findings = findings()
        host.log_message(f"DiffRollLive {VERSION}: {self._findings}")
        try:
            self._desk = Desk(settings.command_port)
        except OSError as error:
            text = f"no commands: port {settings.command_port} is in use, by another Live? ({error})"
            host.log_message("DiffRollLive: " + text)
            host.show_message("DiffRoll: " + text)

    def tick(self) -> None:
        """Do what there is to do; Live calls this some ten times a second."""
        try:
            pushed, self._pushed = self._pushed, []
            for verb in pushed:
                self.press(verb)
            for command in self._desk.poll() if self._desk else ():
                self._obey(command)
            self._transport.tick()
            self._go_on()
        except Exception:  # noqa: BLE001 - Live must never meet an exception of ours
            self._complain(traceback.format_exc())

    def push(self, verb: str) -> None:
        """Take note of a button; Live's objects are only touched at the next tick."""
        self._pushed.append(verb)

    def press(self, verb: str, options: Optional[Dict[str, Any]] = None, sender: Any = None) -> None:
        """Start a verb, or cancel what runs; whatever is in the way is told."""
        try:
            self._press(verb, options or {}, sender)
        except Failure as failure:
            self._tell(sender, failure.text)
            self._answer(sender, "failed", failure.code, failure.text)
        except Exception as error:  # noqa: BLE001 - whatever Live raises is told
            self._refused(error, sender)

    def close(self) -> None:
        """End the job and close the sockets."""
        if self._work is not None:
            self._work.conversation.cancel()
        self._link.close()
        if self._desk:
            self._desk.close()

    def _press(self, verb: str, options: Dict[str, Any], sender: Any) -> None:
        if verb == "cancel":
            self._cancel()
            self._answer(sender, "done", 0, "")
        elif verb not in VERBS:
            raise Failure(
                "unknown-address", "DiffRollLive cannot {}; it can {}.".format(verb, ", ".join(sorted(VERBS)))
            )
        elif self._work is not None:
            raise Failure("busy", f"DiffRollLive is busy ({self._work.verb}); wait, or cancel it first.")
        else:
            self._start(verb, dict(self._settings.options, **options), sender)

    def _obey(self, command: Command) -> None:
        if command.verb == "hello":
            self._answer(command.sender, "welcome", VERSION, self._findings)
            return
        try:
            options = as_options(command.args)
        except Failure as failure:
            self._answer(command.sender, "failed", failure.code, failure.text)
        else:
            self.press(command.verb, options, command.sender)

    def _start(self, verb: str, options: Dict[str, Any], sender: Any) -> None:
        own = {key: value for key, value in options.items() if verb in ONLY_OF.get(key, VERBS)}
        plan = VERBS[verb](self._host.song(), own, self._settings)
        conversation = Conversation(self._link, plan.question, lambda text: self._tell(sender, text))
        self._work = Work(verb, plan, conversation, sender)
        self._tell(sender, f"{verb}: asked the daemon")

    def _go_on(self) -> None:
        work = self._work
        if work is None:
            return
        try:
            notes = work.conversation.tick()
            if notes is None:
                return
            self._work = None
            work.plan.check()
            written = work.plan.target.write(work.plan.beats(notes))
        except Failure as failure:
            self._end(work.sender, failure.code, failure.text)
        except Exception as error:  # noqa: BLE001 - the same
            self._work = None
            self._refused(error, work.sender)
        else:
            self._tell(work.sender, f"{work.verb}: {written.notes} notes in {written.where}")
            self._answer(work.sender, "done", *written)

    def _cancel(self) -> None:
        if self._work is None:
            raise Failure("unknown-job", "There is nothing to cancel.")
        self._work.conversation.cancel()
        self._end(self._work.sender, "cancelled", "Cancelled; nothing was changed.")

    def _end(self, sender: Any, code: str, text: str) -> None:
        """Forget the job and tell why it has no notes."""
        self._work = None
        self._tell(sender, text)
        self._answer(sender, "failed", code, text)

    def _refused(self, error: Exception, sender: Any) -> None:
        """Tell that Live, or a mistake of ours, has stopped a verb; a job that runs is another matter."""
        text = f"Live refused ({error}), so nothing was changed; its Log.txt has the details."
        self._tell(sender, text)
        self._answer(sender, "failed", "internal", text)
        self._complain(traceback.format_exc())

    def _tell(self, sender: Any, text: str) -> None:
        self._host.show_message("DiffRoll: " + text)
        self._answer(sender, "said", text)

    def _answer(self, sender: Any, word: str, *args: Any) -> None:
        if sender is not None and self._desk:
            self._desk.tell(sender, word, *args)

    def _complain(self, trace: str) -> None:
        """Log a fault once, however often it comes."""
        if trace != self._complained:
            self._complained = trace
            self._host.log_message("DiffRollLive: " + trace)
