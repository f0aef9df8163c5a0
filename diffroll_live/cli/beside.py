"""What the daemon serves beside OSC, on ports of their own. Each is bound before the model is loaded."""

from __future__ import annotations

import logging
import platform
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from diffroll_live.config import Config
from diffroll_live.errors import PortError, RequestError
from diffroll_live.panel import Panel
from diffroll_live.panel.address import kept_address
from diffroll_live.panel.folder import panel_folder
from diffroll_live.panel.service import bind as bind_panel
from diffroll_live.server.endpoints.attached import Attachment, OpenAttachment
from diffroll_live.web.server import bind
from diffroll_live.web.visitors import LOOPBACK

if TYPE_CHECKING:
    from diffroll_live.discovery import Discovery

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
        discovery = stack.enter_context(opened_discovery(config))
        if discovery is not None:
            attachments.append(discovery.open)
        if config.metrics.serve == "on":
            from diffroll_live.metrics import Metrics

            host = config.metrics.host
            socket = stack.enter_context(bind(host, config.metrics.port, "The metrics'", "--metrics"))
            lines.append(f"Metrics: http://{host}:{socket.getsockname()[1]}/metrics")
            attachments.append(Metrics(socket, host).open)
        yield Beside(tuple(lines), tuple(folders), tuple(attachments))


@contextmanager
def opened_discovery(config: Config) -> Iterator[Discovery | None]:
    """Open the port of OSCQuery, where discovery is wanted and can be.

    Raises errors.RequestError where what is asked for cannot be, errors.PortError for a port that is taken.
    """
    reach, installed = config.discovery.reach, find_spec("zeroconf") is not None
    if reach == "off" or (reach == "auto" and not installed):
        yield None
        return
    if not installed:
        raise RequestError("Discovery needs an extra: pip install 'diffroll-live[discovery]' (zeroconf, LGPL).")
    host = config.server.host
    if reach == "network" and host in LOOPBACK:
        raise RequestError("Others find only a daemon that they can reach; add --host with an address of this machine.")
    from diffroll_live.discovery import Discovery

    own = host if reach == "network" else "127.0.0.1"
    with bind(own, config.discovery.port, "The discovery's", "discovery.port in the configuration") as socket:
        yield Discovery(socket, own, f"diffroll-live {platform.node().partition('.')[0]}".strip(), reach == "network")


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
