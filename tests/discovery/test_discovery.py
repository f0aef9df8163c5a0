"""The daemon as hosts find it: over real HTTP, WebSocket and mDNS, with clients that share no code with it."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage
from support.recorder import RecordingScheduler
from support.running import RunningDaemon
from support.waiting import wait_until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from zeroconf import ServiceBrowser, ServiceStateChange, Zeroconf

from diffroll_live.cli import beside
from diffroll_live.config import Config, DiscoveryConfig, ServerConfig
from diffroll_live.discovery import Discovery
from diffroll_live.discovery.announcement import TYPES, Place, addresses
from diffroll_live.discovery.ranges import BY_FIELD
from diffroll_live.discovery.tree import LIVE, find, tree
from diffroll_live.errors import RequestError
from diffroll_live.osc.messages import CLIENT_MESSAGES
from diffroll_live.osc.replies import DAEMON_MESSAGES
from diffroll_live.web.server import bind

NAME = "diffroll-live test studio"


class Found:
    """A daemon with discovery, and questions to it."""

    def __init__(self, folder: Path, name: str = NAME) -> None:
        self._socket = bind("127.0.0.1", 0, "The discovery's", "--discovery")
        self.port = self._socket.getsockname()[1]
        discovery = Discovery(self._socket, "127.0.0.1", name, beyond=False)
        self.daemon = RunningDaemon(folder, scheduler=RecordingScheduler(), attach=discovery.open)

    def ask(self, path: str, **headers: str) -> tuple[int, Any]:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                body = answer.read()
                return answer.status, json.loads(body) if body else None
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code, None

    def listen(self) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}/")


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Iterator[Found]:
    it = Found(tmp_path_factory.mktemp("found"))
    with it.daemon:
        yield it


def test_every_address_is_there_with_its_types_and_a_description():
    root = tree()
    for address in (*CLIENT_MESSAGES, *DAEMON_MESSAGES):
        node = find(root, address)
        assert node is not None, address
        assert node["FULL_PATH"] == address
        assert len(node["DESCRIPTION"]) > 15
        assert node["ACCESS"] == (1 if address in LIVE else 2 if address in CLIENT_MESSAGES else 0)
        assert len(node.get("RANGE", ())) == len(node.get("TYPE", ""))
        assert set(node.get("TYPE", "")) <= set("ifsb")


@pytest.mark.parametrize(
    ("address", "types", "ranges"),
    [
        (
            "/diffroll/job/region",
            "sffiii",
            [None, (0.0, 86_400.0), (0.0, 86_400.0), (21, 108), (21, 108), [0, 1]],
        ),
        ("/diffroll/job/note", "siffii", [None, (21, 108), (0.0, 86_400.0), None, (1, 127), [0, 1]]),
        ("/diffroll/generate", "sf", [None, (0.1, 600)]),
        ("/diffroll/job/new", "sss", [None, ["transcribe", "inpaint", "continue", "generate"], None]),
    ],
)
def test_ranges_are_those_that_the_daemon_checks(address, types, ranges):
    node = find(tree(), address)
    assert node["TYPE"] == types
    shown = [
        None if each is None else each["VALS"] if "VALS" in each else (each["MIN"], each["MAX"])
        for each in node["RANGE"]
    ]
    assert shown == ranges


def test_shorter_forms_and_settings_that_are_numbers_are_overloads():
    assert [each["TYPE"] for each in find(tree(), "/diffroll/inpaint")["OVERLOADS"]] == ["ssff", "ssffi"]
    assert find(tree(), "/diffroll/job/set")["OVERLOADS"] == [{"TYPE": "ssf"}]
    assert "temperature" in find(tree(), "/diffroll/job/set")["RANGE"][1]["VALS"]


def test_rows_of_the_ranges_are_fields_of_messages():
    for message, field in BY_FIELD:
        assert message in CLIENT_MESSAGES.values()
        assert field in message.__dataclass_fields__


def test_a_note_outside_its_range_is_refused_by_the_daemon_too(found):
    with found.daemon.tcp() as client:
        client.send("/diffroll/job/new", "one", "generate", "")
        for wrong in ((20, 0.0, 1.0, 80), (60, 0.0, 1.0, 0), (60, 0.0, 1.0, 128), (60, 86_401.0, 1.0, 80)):
            assert client.ask_wrongly("/diffroll/job/note", "one", *wrong).args[1] == "bad-option"


def test_the_root_has_everything_and_live_values(found):
    status, root = found.ask("/")
    assert status == 200
    assert find(root, "/diffroll/welcome")["VALUE"][0] == 1
    status, node = found.ask("/diffroll/status")
    assert node["VALUE"][0] == "ready"
    assert found.ask("/diffroll/status?VALUE") == (200, {"VALUE": node["VALUE"]})
    assert found.ask("/diffroll/job/set?TYPE") == (200, {"TYPE": "sss"})


def test_host_info_leads_to_the_daemon(found):
    _, info = found.ask("/?HOST_INFO")
    assert info["NAME"] == NAME
    assert (info["OSC_IP"], info["OSC_PORT"], info["OSC_TRANSPORT"]) == ("127.0.0.1", found.daemon.port, "UDP")
    assert info["EXTENSIONS"]["LISTEN"] is True
    with found.daemon.udp() as client:
        client.ping()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/diffroll/nothing", {}, 404),
        ("/../../etc/passwd", {}, 404),
        ("/diffroll?COLOUR", {}, 400),
        ("/diffroll?VALUE", {}, 204),
        ("/diffroll/generate?VALUE", {}, 204),
        ("/", {"Host": "evil.example"}, 403),
        ("/", {"Origin": "http://evil.example"}, 403),
    ],
)
def test_questions_that_have_no_answer(path, headers, status, found):
    assert found.ask(path, **headers)[0] == status


def test_listeners_get_values_when_they_change(found):
    with found.listen() as listener, found.daemon.tcp() as client:
        for text in ("no json", "[1]", '{"COMMAND":"LISTEN","DATA":"/diffroll/job/new"}', "[" * 2000):
            listener.send(text)
        listener.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/diffroll/watch/transport"}))
        first = OscMessage(listener.recv(20))
        assert first.address == "/diffroll/watch/transport"
        client.send("/diffroll/transport", 0, 12.5, 93.0)
        while (message := OscMessage(listener.recv(20))).params[2] != 12.5:
            pass
        assert round(message.params[3]) == 93
        listener.send(json.dumps({"COMMAND": "IGNORE", "DATA": "/diffroll/watch/transport"}))
        listener.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/diffroll/status"}))
        assert OscMessage(listener.recv(20)).address == "/diffroll/status"


def test_only_so_many_listen(found):
    with ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(found.listen())
        one_too_many = stack.enter_context(found.listen())
        with pytest.raises(ConnectionClosed, match="1013"):
            one_too_many.recv(20)
    wait_until(lambda: can_listen(found), "a place for a listener")


def can_listen(found: Found) -> bool:
    with found.listen() as listener:
        listener.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/diffroll/welcome"}))
        try:
            return OscMessage(listener.recv(20)).address == "/diffroll/welcome"
        except ConnectionClosed:  # full
            return False


@pytest.mark.slow
def test_programs_of_this_machine_find_it_by_mdns_until_it_ends(tmp_path):
    seen: dict[str, int] = {}
    own = "diffroll-live in a room of its own"

    def change(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if not name.startswith(own):
            return
        if state_change is ServiceStateChange.Removed:
            seen.pop(service_type, None)
        elif (info := zeroconf.get_service_info(service_type, name)) is not None:
            assert info.parsed_addresses() == ["127.0.0.1"]
            seen[service_type] = info.port

    browsing = Zeroconf(interfaces=["127.0.0.1"])
    browser = ServiceBrowser(browsing, list(TYPES), handlers=[change])
    try:
        it = Found(tmp_path, own)
        with it.daemon:
            wanted = dict(zip(TYPES, (it.port, it.daemon.port), strict=True))
            wait_until(lambda: seen == wanted, "both services")
        wait_until(lambda: not seen, "their end")
    finally:
        browser.cancel()
        browsing.close()


def test_nothing_is_announced_beyond_the_machine_unless_asked():
    place = Place("x", "0.0.0.0", 1, 2, beyond=False)
    assert addresses(place) == ["127.0.0.1"]
    assert addresses(Place("x", "127.0.0.2", 1, 2, beyond=True)) == ["127.0.0.2"]
    assert "127.0.0.1" not in addresses(Place("x", "0.0.0.0", 1, 2, beyond=True)) or not interfaces()


def interfaces() -> list[str]:
    return [each for each in addresses(Place("x", "0.0.0.0", 1, 2, beyond=True)) if not each.startswith("127.")]


@pytest.mark.parametrize(
    ("reach", "host", "installed", "opens"),
    [
        ("off", "127.0.0.1", True, False),
        ("auto", "127.0.0.1", False, False),
        ("auto", "0.0.0.0", True, True),
        ("machine", "127.0.0.1", True, True),
        ("machine", "127.0.0.1", False, "diffroll-live\\[discovery\\]"),
        ("network", "127.0.0.1", True, "--host"),
    ],
)
def test_who_is_told_is_as_configured(reach, host, installed, opens, monkeypatch):
    monkeypatch.setattr(beside, "find_spec", lambda name: object() if installed else None)
    config = Config(server=ServerConfig(host=host), discovery=DiscoveryConfig(reach=reach))
    if isinstance(opens, str):
        with pytest.raises(RequestError, match=opens), beside.opened_discovery(config):
            pass
        return
    with beside.opened_discovery(config) as discovery:
        assert (discovery is not None) == opens
        assert discovery is None or (discovery.host, discovery.beyond) == ("127.0.0.1", False)


@pytest.mark.slow
def test_a_network_that_cannot_be_used_costs_the_daemon_nothing(tmp_path, monkeypatch):
    from diffroll_live.discovery import announcement

    async def broken(place: Place) -> None:
        raise OSError("no multicast here")

    monkeypatch.setattr(announcement, "_announce_until_cancelled", broken)
    it = Found(tmp_path)
    with it.daemon, it.daemon.udp() as client:
        client.ping()
    assert asyncio.run(announcement._announce(Place("x", "127.0.0.1", 1, 2, beyond=False))) is None
