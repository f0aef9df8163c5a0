"""What each system reads: a systemd user unit, a launchd agent, a scheduled task. Pure functions of what is to run."""

from __future__ import annotations

import plistlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

NAME = "diffroll-live"
DESCRIPTION = "diffroll-live: OSC in, notes out"
PAUSE = 5  # s before it is started again
_TASKS = "http://schemas.microsoft.com/windows/2004/02/mit/task"


@dataclass(frozen=True, slots=True)
class Program:
    """What is to run: its command line, the folder that it runs in, and the user (only Windows asks who)."""

    command: tuple[str, ...]
    folder: Path
    user: str = ""


def systemd_unit(program: Program) -> bytes:
    """Write a user unit (systemd.service(5), systemd.exec(5)).

    ``env`` comes first, because systemd takes a ``$`` in the first word as it is, and expands it in the others.
    """
    words = " ".join(map(_quoted, ("/usr/bin/env", *program.command)))
    folder = str(program.folder).replace("%", "%%")
    return f"""\
[Unit]
Description={DESCRIPTION}
StartLimitIntervalSec=0

[Service]
ExecStart={words}
WorkingDirectory={folder}
Restart=on-failure
RestartSec={PAUSE}
KillMode=mixed

[Install]
WantedBy=default.target
""".encode()


def _quoted(word: str) -> str:
    for mark, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$"), ("\n", "\\n")):
        word = word.replace(mark, escaped)
    return f'"{word}"'


def launchd_agent(program: Program) -> bytes:
    """Write an agent (launchd.plist(5)); as an interactive process it is not slowed down in the background."""
    return plistlib.dumps(
        {
            "Label": NAME,
            "ProgramArguments": list(program.command),
            "WorkingDirectory": str(program.folder),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": PAUSE,
            "ProcessType": "Interactive",
        },
        sort_keys=False,
    )


def windows_task(program: Program) -> bytes:
    """Write a task (Task Scheduler schema, version 1.2), which starts at the user's login.

    The scheduler takes no exit code for a failure. So it tries to start the task every minute, and ignores that while
    the task runs.
    """
    task = ET.Element("Task", version="1.2", xmlns=_TASKS)
    ET.SubElement(ET.SubElement(task, "RegistrationInfo"), "Description").text = DESCRIPTION
    trigger = ET.SubElement(ET.SubElement(task, "Triggers"), "LogonTrigger")
    ET.SubElement(ET.SubElement(trigger, "Repetition"), "Interval").text = "PT1M"
    ET.SubElement(trigger, "UserId").text = program.user
    principal = ET.SubElement(ET.SubElement(task, "Principals"), "Principal", id="Author")
    for name, text in (("UserId", program.user), ("LogonType", "InteractiveToken"), ("RunLevel", "LeastPrivilege")):
        ET.SubElement(principal, name).text = text
    settings = ET.SubElement(task, "Settings")
    for name, text in _TASK_SETTINGS.items():
        ET.SubElement(settings, name).text = text
    action = ET.SubElement(ET.SubElement(task, "Actions", Context="Author"), "Exec")
    ET.SubElement(action, "Command").text = program.command[0]
    ET.SubElement(action, "Arguments").text = subprocess.list2cmdline(program.command[1:])
    ET.SubElement(action, "WorkingDirectory").text = str(program.folder)
    return bytes(ET.tostring(task, encoding="utf-16", xml_declaration=True))


_TASK_SETTINGS = {
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "ExecutionTimeLimit": "PT0S",  # none
    "Priority": "5",  # that of programs at the desk; the default is a background task's
}
