"""What is around the daemon: the machine's MIDI ports, and what ``diffroll-live doctor`` finds."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from diffroll_live.config import MidiConfig
from diffroll_live.errors import Busy, InternalError
from diffroll_live.midi.input import list_inputs
from diffroll_live.midi.ports import list_ports
from diffroll_live.osc.state_messages import DoctorQuery, MidiPortsQuery
from diffroll_live.osc.state_replies import Doctor, DoctorFinding, MidiPort, MidiPorts
from diffroll_live.server.clients import Client
from diffroll_live.server.surviving import surviving

_DOCTOR_SECONDS = 180.0
_OURS = "diffroll-live:"  # how the names of ports begin that a daemon creates


class SurroundingsHandlers:
    """Handles ``/diffroll/midi/ports`` and ``/diffroll/doctor``. ``port`` is the daemon's own, once it listens."""

    def __init__(self, midi: MidiConfig, port: Callable[[], int]) -> None:
        self._midi, self._port = midi, port
        self._examining = False
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
        loop, ports = asyncio.get_running_loop(), []
        if self._midi.api != "none":
            for direction, look in (("in", list_inputs), ("out", list_ports)):
                names = await loop.run_in_executor(None, look, self._midi.api)
                ports += [MidiPort(direction, name, int(self._is_ours(name))) for name in names]
        client.send(MidiPorts(len(ports)))
        for port in ports:
            client.send(port)

    def _is_ours(self, name: str) -> bool:
        return name.startswith((_OURS, f"{self._midi.client_name}:")) or name == self._midi.port

    def _doctor(self, client: Client, _: DoctorQuery) -> None:
        if self._examining:
            raise Busy("The machine is being examined already; ask again in a minute.")
        self._examining = True
        self._spawn(client, "/diffroll/doctor", self._examine(client))

    async def _examine(self, client: Client) -> None:
        """Run the doctor in a process of its own: it loads what the daemon must not, and may hang."""
        try:
            findings = await asyncio.wait_for(_findings(self._port()), _DOCTOR_SECONDS)
        except TimeoutError as error:
            text = f"diffroll-live doctor was not done after {_DOCTOR_SECONDS:g} s; run it in a terminal."
            raise InternalError(text) from error
        finally:
            self._examining = False
        client.send(Doctor(len(findings)))
        for finding in findings:
            client.send(finding)

    def _spawn(self, client: Client, about: str, work: Coroutine[Any, Any, None]) -> None:
        async def tell() -> None:
            with surviving(f"{about} of {client.key}", partial(client.send_error, about)):
                await work

        task = asyncio.get_running_loop().create_task(tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _findings(port: int) -> list[DoctorFinding]:
    """Run the doctor. Raises errors.InternalError."""
    command = (sys.executable, "-m", "diffroll_live", "doctor", "--json", "--port", str(port))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    try:
        out, _ = await process.communicate()
        rows = json.loads(out)["findings"]
        return [DoctorFinding(row["topic"], row["state"], row["text"], row["fix"]) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise InternalError("diffroll-live doctor said nothing that can be read; run it in a terminal.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
