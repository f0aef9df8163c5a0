"""A daemon with a panel, and a page's side of it without a browser: HTTP by the standard library, a WebSocket."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

from diffroll_live.panel import Panel
from diffroll_live.panel.folder import panel_folder
from diffroll_live.panel.service import bind
from support.recorder import RecordingScheduler
from support.running import RunningDaemon

TIMEOUT = 40.0  # s; only a failing test waits for it


class ServedPanel:
    """A running daemon and its panel."""

    def __init__(self, daemon: RunningDaemon, panel: Panel) -> None:
        self.daemon, self.panel = daemon, panel
        self.port: int = panel.socket.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self._connections = ExitStack()

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        *,
        token: str | None = "",
        **headers: str,
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send a request, by default with the right token; give status, body and headers of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        sent = {"Host": self.host} | {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.panel.token}"
        connection.request(method, path, body, sent, encode_chunked=not isinstance(body, bytes | None))
        answer = connection.getresponse()
        status, data = answer.status, answer.read()
        connection.close()
        return status, data, {name.lower(): value for name, value in answer.getheaders()}

    def page(self, session: str = "") -> Page:
        """Open a page."""
        return Page(self.connect(session or secrets.token_hex(8)))

    def connect(
        self,
        session: str = "0" * 16,
        *,
        token: str = "",
        origin: str | None = "",
        path: str = "/messages",
        **options: Any,
    ) -> ClientConnection:
        """Open a WebSocket, by default as the page does."""
        opening = connect(
            f"ws://{self.host}{path}?session={session}",
            subprotocols=["diffroll", f"token.{token or self.panel.token}"],
            origin=f"http://{self.host}" if origin == "" else origin,
            proxy=None,
            open_timeout=TIMEOUT,
            max_size=None,
            **options,
        )
        return self._connections.enter_context(opening)

    def close(self) -> None:
        """Close what is still open."""
        self._connections.close()


class Page:
    """Sends messages and reads replies, as lists."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._lines: list[list[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *message: Any) -> None:
        self.socket.send(json.dumps(message))

    def next(self) -> list[Any]:
        """Read the next message; of a picture, the levels come last, as bytes."""
        while not self._lines:
            frame = self.socket.recv(timeout=TIMEOUT)
            if isinstance(frame, bytes):
                header, _, levels = frame.partition(b"\n")
                return [*json.loads(header), levels]
            self._lines = [json.loads(line) for line in frame.splitlines()]
        return self._lines.pop(0)

    def until(self, address: str) -> tuple[list[Any], list[list[Any]]]:
        """Read up to a message; give it and what came before it."""
        before: list[list[Any]] = []
        while (message := self.next())[0] != address:
            before.append(message)
        return message, before

    def expect(self, address: str) -> list[Any]:
        """Read up to a message; an error in its place fails the test."""
        message, before = self.until(address)
        assert not [item for item in before if item[0] == "/diffroll/error"], before
        return message[1:]


@contextmanager
def served_panel(folder: Path, token: str = "", port: int = 0, **server: Any) -> Iterator[ServedPanel]:
    with bind("127.0.0.1", port) as socket, panel_folder() as files:
        panel = Panel(socket, "127.0.0.1", files, *([token] if token else []))
        folders = (folder, files.path)
        scheduler = RecordingScheduler()
        with (
            RunningDaemon(
                folder, scheduler=scheduler, attach=panel.open, **({"allowed_folders": folders} | server)
            ) as daemon,
            closing(ServedPanel(daemon, panel)) as served,
        ):
            yield served
