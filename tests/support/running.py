"""Daemons for tests, in a thread or in a process of their own: real sockets and inference process, a fake engine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from diffroll_live.config import Config, ServerConfig
from diffroll_live.server.daemon import serve
from diffroll_live.server.endpoints.attached import OpenAttachment
from diffroll_live.server.midi_output import MidiOut
from diffroll_live.worker.process import main
from diffroll_live.worker.queue import Worker
from diffroll_live.worker.supervisor import Entry
from support.fake_engine import make_engine
from support.osc_client import TcpClient, UdpClient
from support.paths import TESTS

START_SECONDS = 90.0


class RunningDaemon:
    """Starts on entry, stops on exit, and says whatever made it fail."""

    def __init__(
        self,
        folder: Path,
        factory: Callable[[], object] = make_engine,
        scheduler: MidiOut | None = None,
        spool: Path | None = None,
        attach: OpenAttachment | None = None,
        entry: Entry = main,
        **server: Any,
    ) -> None:
        settings = {"port": 0, "allowed_folders": (folder,)} | server
        self.config = Config(server=ServerConfig(**settings))
        self.folder = folder
        self.scheduler = scheduler
        self.spool = spool
        self.attach = attach
        self.worker = Worker(factory, self.config.server.queue_size, grace=0.5, entry=entry)
        self.port = 0
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="daemon")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(START_SECONDS), "the daemon did not start"
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the daemon as a signal would."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(START_SECONDS)
        assert not self._thread.is_alive()
        if self._failure is not None:
            raise self._failure

    def udp(self, **options: Any) -> UdpClient:
        return UdpClient(self.port, **options)

    def tcp(self) -> TcpClient:
        return TcpClient(self.port)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again where the test is
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        ready, stop = self._on_ready, self._stop
        await serve(
            self.config, self.worker, self.scheduler, ready=ready, stop=stop, spool=self.spool, attach=self.attach
        )

    def _on_ready(self, port: int) -> None:
        self.port = port
        self._ready.set()


class DaemonProcess:
    """A daemon in a process of its own, for tests that kill it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.daemon_process", str(folder), *options],
            cwd=TESTS,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        first = self.line()
        self.port: int = first["port"]
        self.children: list[int] = first["children"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self, number: int, *, whole_group: bool = False) -> list[list[str]]:
        """Send a signal, wait for a clean end; give what the MIDI output was told."""
        if whole_group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        calls: list[list[str]] = self.line()["calls"]
        assert self.process.wait(START_SECONDS) == 0, self.process.stderr.read()
        return calls

    def line(self) -> dict[str, Any]:
        """Wait for the next line that the daemon prints."""
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return dict(json.loads(line))


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
