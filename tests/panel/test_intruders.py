"""Who tries to get in: other pages, other names of this machine, guessed tokens, sockets and uploads without end."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from support.panel_page import ServedPanel
from support.waiting import wait_until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from diffroll_live.panel.connections import MAX_CONNECTIONS, MAX_FRAME
from diffroll_live.panel.transfers import MAX_AUDIO_BYTES

PRIVATE = [
    ("POST", "/audio?name=a.wav"),
    ("GET", "/audio?session=0000000000000000&buffer=b"),
    ("POST", "/clip"),
    ("POST", "/midi"),
    ("POST", "/midi/read"),
]


@pytest.mark.parametrize(("method", "path"), PRIVATE)
@pytest.mark.parametrize("token", [None, "wrong", "ä"])
def test_nothing_is_done_without_the_token(served, method, path, token):
    assert served.request(method, path, b"x", token=token and token.encode().decode("latin-1"))[0] == 403


@pytest.mark.parametrize(("method", "path"), [*PRIVATE, ("GET", "/")])
def test_a_name_that_resolves_to_this_machine_is_not_this_machine(served, method, path):
    assert served.request(method, path, b"x", Host=f"evil.example:{served.port}")[0] == 403
    assert served.request(method, path, b"x", Host="127.0.0.1:1")[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_another_page_is_refused_even_with_the_token(served, origin):
    assert served.request("POST", "/clip", Origin=origin)[0] == 403
    with pytest.raises(InvalidStatus, match="403"):
        served.connect(origin=origin)


def test_a_socket_needs_the_token_and_a_page(served):
    for options in ({"token": "wrong"}, {"origin": None}, {"token": served.panel.token[:-1]}):
        with pytest.raises(InvalidStatus, match="403"):
            served.connect(**options)


def test_the_page_itself_holds_no_secret_and_loads_nothing_from_elsewhere(served):
    status, body, headers = served.request("GET", "/", token=None)
    assert status == 200
    assert served.panel.token.encode() not in body
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/../service.py", "/%2e%2e/service.py", "/midi/..%2f..%2fetc%2fpasswd", "/midi/x"])
def test_no_path_leads_out_of_the_page(served, path):
    status, body, _ = served.request("GET", path)
    assert status in {400, 404}
    assert b"root:" not in body
    assert b"import" not in body


def test_an_upload_without_end_is_cut_off(served):
    def endless() -> Iterator[bytes]:
        part = b"x" * (1 << 20)
        for _ in range((MAX_AUDIO_BYTES >> 20) + 1):
            yield part

    try:
        status, body, _ = served.request("POST", "/audio?name=a.wav", endless())
    except (BrokenPipeError, ConnectionResetError):
        return  # cut off while it was still sending
    assert status == 413
    assert json.loads(body)["code"] == "too-large"


def test_an_announced_upload_is_refused_before_it_comes(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=40) as raw:
        head = (
            f"POST /audio?name=a.wav HTTP/1.1\r\nHost: {served.host}\r\nAuthorization: Bearer {served.panel.token}\r\n"
        )
        raw.sendall(f"{head}Content-Length: {1 << 40}\r\n\r\n".encode())
        assert b" 413 " in raw.recv(4096).split(b"\r\n")[0]


def test_only_so_many_pages_are_served_and_others_come_after_them(served):
    pages = [served.connect(f"{number:016x}") for number in range(MAX_CONNECTIONS + 1)]
    assert [answers(page) for page in pages] == [True] * MAX_CONNECTIONS + [False]
    for page in pages:
        page.close()
    wait_until(lambda: answers(served.connect()), "a place for another page")


def answers(page: ClientConnection) -> bool:
    """Tell whether a connection is served, or was closed because there are enough."""
    try:
        page.send('["/diffroll/ping", 1]')
        return page.recv(timeout=40) == '["/diffroll/pong", 1]'
    except ConnectionClosed:
        return False


def test_a_thousand_connections_do_not_keep_the_daemon_from_its_clients(served):
    idle = [socket.create_connection(("127.0.0.1", served.port), timeout=40) for _ in range(300)]
    with served.daemon.udp() as client:
        client.ping()
    wait_until(lambda: sum(map(is_open, idle)) <= 64, "the end of those that are too many")
    for one in idle:
        one.close()
    wait_until(lambda: loads(served), "a place for a page")


def loads(served: ServedPanel) -> bool:
    """Tell whether the panel's page can be had."""
    try:
        return served.request("GET", "/")[0] == 200
    except ConnectionError:
        return False


def is_open(connection: socket.socket) -> bool:
    """Tell whether the daemon has not hung up."""
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def test_a_frame_that_is_too_long_ends_its_connection_alone(served, page):
    other = served.connect("f" * 16)
    other.send("x" * (MAX_FRAME + 1))
    with pytest.raises(ConnectionClosed):
        other.recv(timeout=40)
    page.send("/diffroll/ping", 2)
    assert page.expect("/diffroll/pong") == [2]


@pytest.mark.parametrize("session", ["", "x" * 16, "../../etc/passwd", "0" * 15])
def test_a_session_is_a_number(served, session):
    with pytest.raises(ConnectionClosed) as closed:
        served.connect(session).recv(timeout=40)
    assert closed.value.rcvd.code == 4400
