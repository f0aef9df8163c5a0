"""Says by mDNS where OSC and OSCQuery are: to this machine's own programs, or to the local network."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)

TYPES = ("_oscjson._tcp.local.", "_osc._udp.local.")  # OSCQuery, and OSC itself
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not listened on


@dataclass(frozen=True, slots=True)
class Place:
    """What is announced: a name, the address that is listened on, and two ports on it."""

    name: str
    host: str
    osc_port: int
    query_port: int
    beyond: bool  # this machine


@asynccontextmanager
async def announced(place: Place) -> AsyncIterator[None]:
    """Announce until the end. It happens beside everything else; what fails is logged, and harms nothing."""
    task = asyncio.create_task(_announce(place))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _announce(place: Place) -> None:
    try:
        await _announce_until_cancelled(place)
    except Exception as error:  # noqa: BLE001 - zeroconf has errors of many kinds, none of which concerns the daemon
        logger.warning("the daemon is not announced in the network: %s", error or type(error).__name__)


async def _announce_until_cancelled(place: Place) -> None:
    loop = asyncio.get_running_loop()
    library = await loop.run_in_executor(None, importlib.import_module, "zeroconf.asyncio")  # clients need not wait
    zeroconf = library.AsyncZeroconf(interfaces=addresses(place))
    try:
        for info in infos(place):
            await (await zeroconf.async_register_service(info, allow_name_change=True))
        await asyncio.Event().wait()
    finally:
        with contextlib.suppress(Exception):
            await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


def infos(place: Place) -> list[Any]:
    """What zeroconf is given, a service of each of TYPES."""
    from zeroconf import ServiceInfo

    ports = dict(zip(TYPES, (place.query_port, place.osc_port), strict=True))
    return [
        ServiceInfo(
            kind,
            f"{place.name}.{kind}",
            port=port,
            parsed_addresses=addresses(place),
            server=f"{place.name.replace(' ', '-')}.local.",
        )
        for kind, port in ports.items()
    ]


def addresses(place: Place) -> list[str]:
    """The addresses that are announced, which are those of the interfaces that are announced on."""
    if not place.beyond:
        return ["127.0.0.1"]
    if place.host not in _EVERYWHERE:
        return [socket.gethostbyname(place.host)]
    import ifaddr

    found = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)]
    return [each for each in found if not each.startswith("127.")] or ["127.0.0.1"]
