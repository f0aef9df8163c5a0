"""How each system is told to run the daemon: the file it reads, and the commands that turn it on and off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from diffroll_live.integrations.install.hosts import SystemFolders
from diffroll_live.integrations.service.texts import NAME, Program, launchd_agent, systemd_unit, windows_task

Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class System:
    """One system's way. ``file`` holds what ``text`` writes.

    ``start`` are commands that must succeed; ``stop`` come before the file is removed and ``forget`` after, and may
    fail. ``state`` is a command whose output contains ``running`` while the daemon runs.
    """

    title: str
    file: Path
    text: Callable[[Program], bytes]
    start: tuple[Command, ...]
    stop: tuple[Command, ...]
    forget: tuple[Command, ...]
    state: Command
    running: str


def system_of(folders: SystemFolders, user_id: int) -> System:
    """Choose the way of a system; ``user_id`` is the number of the user on macOS."""
    return {"darwin": _launchd, "win32": _task_scheduler}.get(folders.system, _systemd)(folders, user_id)


def _systemd(folders: SystemFolders, _: int) -> System:
    user, unit = ("systemctl", "--user"), f"{NAME}.service"
    return System(
        title="systemd",
        file=folders.settings / "systemd" / "user" / unit,
        text=systemd_unit,
        start=((*user, "daemon-reload"), (*user, "enable", unit), (*user, "restart", unit)),
        stop=((*user, "disable", "--now", unit),),
        forget=((*user, "daemon-reload"), (*user, "reset-failed", unit)),
        state=(*user, "is-active", unit),
        running="active",
    )


def _launchd(folders: SystemFolders, user_id: int) -> System:
    file, domain = folders.home / "Library" / "LaunchAgents" / f"{NAME}.plist", f"gui/{user_id}"
    return System(
        title="launchd",
        file=file,
        text=launchd_agent,
        start=(("launchctl", "bootstrap", domain, str(file)),),
        stop=(("launchctl", "bootout", f"{domain}/{NAME}"),),
        forget=(),
        state=("launchctl", "print", f"{domain}/{NAME}"),
        running="state = running",
    )


def _task_scheduler(folders: SystemFolders, _: int) -> System:
    file = folders.data / NAME / "service.xml"
    return System(
        title="the task scheduler",
        file=file,
        text=windows_task,
        start=(("schtasks", "/Create", "/TN", NAME, "/XML", str(file), "/F"), ("schtasks", "/Run", "/TN", NAME)),
        stop=(("schtasks", "/End", "/TN", NAME), ("schtasks", "/Delete", "/TN", NAME, "/F")),
        forget=(),
        state=("powershell", "-NoProfile", "-Command", f"(Get-ScheduledTask -TaskName {NAME}).State"),
        running="Running",
    )
