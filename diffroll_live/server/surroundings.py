"""What is around the daemon: the machine's MIDI ports, and what ``diffroll-live doctor`` finds."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from diffroll_live.config import MidiConfig
from diffroll_live.errors import Busy, InternalError, PortError
from diffroll_live.osc.state_messages import DoctorQuery, MidiPortsQuery
from diffroll_live.osc.state_replies import Doctor, DoctorFinding, MidiPort, MidiPorts
from diffroll_live.server.clients import Client
from diffroll_live.server.surviving import surviving

_DOCTOR_SECONDS = 180.0
_LISTING_SECONDS = 20.0
EXAMINED_FOR = 60.0  # s that findings are given again: an examination takes seconds of computing, and anyone may ask
_OURS = "diffroll-live:"  # how the names of ports begin that a daemon creates


class SurroundingsHandlers:
    """Handles ``/diffroll/midi/ports`` and ``/diffroll/doctor``. ``port`` is the daemon's own, once it listens."""

    def __init__(self, midi: MidiConfig, port: Callable[[], int]) -> None:
        self._midi, self._port = midi, port
        self._examining = False
        self._findings: list[DoctorFinding] = []
        self._failure: InternalError | None = None  # of the last examination
        self._examined = -math.inf  # monotonic s
        self._listing: asyncio.Task[list[MidiPort]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            MidiPortsQuery: lambda client, _: self._spawn(client, "/diffroll/midi/ports", self._send_ports(client)),
            DoctorQuery: self._doctor,
        }

    async def close(self) -> None:
        """Look no further."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send_ports(self, client: Client) -> None:
        """Look once for all who ask meanwhile."""
        if self._listing is None or self._listing.done():
            self._listing = asyncio.get_running_loop().create_task(self._ports())
            self._keep(self._listing)
        ports = await asyncio.shield(self._listing)
        client.send(MidiPorts(len(ports)))
        for port in ports:
            client.send(port)

    async def _ports(self) -> list[MidiPort]:
        """Look from a process of its own (see ``midi.listing``). Raises errors.PortError and InternalError."""
        if self._midi.api == "none":
            return []
        found = await _json_of(_LISTING_SECONDS, "diffroll_live.midi.listing", self._midi.api)
        if error := found.get("error"):
            raise PortError(str(error))
        pairs = ((direction, str(name)) for direction in ("in", "out") for name in found[direction])
        return [MidiPort(direction, name, int(self._is_ours(name))) for direction, name in pairs]

    def _is_ours(self, name: str) -> bool:
        return name.startswith((_OURS, f"{self._midi.client_name}:")) or name == self._midi.port

    def _doctor(self, client: Client, _: DoctorQuery) -> None:
        if time.monotonic() < self._examined + EXAMINED_FOR:
            if self._failure is not None:
                raise self._failure
            self._send_findings(client)
            return
        if self._examining:
            raise Busy("The machine is being examined already; ask again in a minute.")
        self._examining = True
        self._spawn(client, "/diffroll/doctor", self._examine(client))

    async def _examine(self, client: Client) -> None:
        """Run the doctor in a process of its own: it loads what the daemon must not, and may hang."""
        try:
            arguments = ("diffroll_live", "doctor", "--json", "--port", str(self._port()))
            rows = (await _json_of(_DOCTOR_SECONDS, *arguments))["findings"]
            self._findings = [DoctorFinding(row["topic"], row["state"], row["text"], row["fix"]) for row in rows]
            self._failure = None
        except (InternalError, KeyError, TypeError) as error:
            unread = InternalError("diffroll-live doctor said nothing that can be read; run it in a terminal.")
            self._failure = error if isinstance(error, InternalError) else unread
            raise self._failure from error
        finally:
            self._examining, self._examined = False, time.monotonic()
        self._send_findings(client)

    def _send_findings(self, client: Client) -> None:
        client.send(Doctor(len(self._findings)))
        for finding in self._findings:
            client.send(finding)

    def _spawn(self, client: Client, about: str, work: Coroutine[Any, Any, None]) -> None:
        async def tell() -> None:
            with surviving(f"{about} of {client.key}", partial(client.send_error, about)):
                await work

        self._keep(asyncio.get_running_loop().create_task(tell()))

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _json_of(seconds: float, *arguments: str) -> dict[str, Any]:
    """Run a module and return the JSON object that it prints. Raises errors.InternalError."""
    command, pipe = (sys.executable, "-m", *arguments), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    spoken = f"python -m {' '.join(arguments)}"
    try:
        out, _ = await asyncio.wait_for(process.communicate(), seconds)
        return dict(json.loads(out))
    except TimeoutError as error:
        raise InternalError(f"{spoken} was not done after {seconds:g} s; run it in a terminal.") from error
    except (ValueError, TypeError) as error:
        raise InternalError(f"{spoken} said nothing that can be read; run it in a terminal.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
