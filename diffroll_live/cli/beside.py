"""What the daemon serves beside OSC, on ports of their own. Each is bound before the model is loaded."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from diffroll_live.config import Config
from diffroll_live.errors import PortError
from diffroll_live.panel import Panel
from diffroll_live.panel.address import kept_address
from diffroll_live.panel.folder import panel_folder
from diffroll_live.panel.service import bind as bind_panel
from diffroll_live.server.endpoints.attached import Attachment, OpenAttachment

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is open: ``lines`` tell a person where, ``folders`` are to be readable, ``attachments`` join the daemon."""

    lines: tuple[str, ...]
    folders: tuple[Path, ...]
    attachments: tuple[OpenAttachment, ...]

    @asynccontextmanager
    async def open(self, daemon: Attachment) -> AsyncIterator[None]:
        """Serve all of it until the daemon ends."""
        async with AsyncExitStack() as stack:
            for attach in self.attachments:
                await stack.enter_async_context(attach(daemon))
            yield


@contextmanager
def opened_beside(config: Config) -> Iterator[Beside]:
    """Open what the configuration wants. Raises errors.PortError for a port of the metrics that is taken."""
    lines: list[str] = []
    folders: list[Path] = []
    attachments: list[OpenAttachment] = []
    with ExitStack() as stack:
        panel = stack.enter_context(opened_panel(config))
        if panel is not None:
            lines.append(f"The panel: {panel.address}")
            folders.append(panel.folder.path)
            attachments.append(panel.open)
        if config.metrics.serve == "on":
            from diffroll_live.metrics import Metrics
            from diffroll_live.web.server import bind

            host = config.metrics.host
            socket = stack.enter_context(bind(host, config.metrics.port, "The metrics'", "--metrics"))
            lines.append(f"Metrics: http://{host}:{socket.getsockname()[1]}/metrics")
            attachments.append(Metrics(socket, host).open)
        yield Beside(tuple(lines), tuple(folders), tuple(attachments))


@contextmanager
def opened_panel(config: Config) -> Iterator[Panel | None]:
    """Open the panel's port and folder; without its port, the daemon logs why and serves the others alone."""
    if config.panel.serve == "off":
        yield None
        return
    try:
        socket = bind_panel(config.panel.host, config.panel.port)
    except PortError as error:
        logger.warning("there is no panel: %s", error.text)
        yield None
        return
    with socket, panel_folder() as folder:
        panel = Panel(socket, config.panel.host, folder)
        with kept_address(panel.address):
            yield panel
