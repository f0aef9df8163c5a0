"""A page from elsewhere, open in the same browser, goes for the panel with all that a page can do, and gets nothing."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

#: Each gives what it got hold of; "nothing" where that is nothing.
ATTACKS = {
    "reads the page": "fetch(there).then(answer => answer.text())",
    "asks with the token": (
        "fetch(there + '/clip', {method: 'POST', headers: {Authorization: 'Bearer ' + token}}).then(a => a.text())"
    ),
    "asks without asking": "fetch(there + '/clip', {method: 'POST', mode: 'no-cors', body: ''}).then(a => a.text())",
    "uploads without end": (
        "fetch(there + '/audio?name=a.wav', {method: 'POST', mode: 'no-cors', body: new Blob([new Uint8Array(3e8)])})"
        ".then(answer => answer.text())"
    ),
    "opens a socket with the token": "opened(1, ['diffroll', 'token.' + token])",
    "opens a thousand sockets": "opened(1000, ['diffroll', 'token.guessed'])",
    "puts the panel in a frame": (
        "new Promise(done => { const frame = document.createElement('iframe'); frame.src = there;"
        "frame.onload = () => { try { done(frame.contentDocument.title) } catch (error) { done('') } };"
        "document.body.append(frame); })"
    ),
}
TOOLS = """
const opened = async (count, protocols) => {
  const one = () => new Promise(done => {
    const socket = new WebSocket(there.replace('http', 'ws') + '/messages?session=0123456789abcdef', protocols);
    socket.onopen = () => done(true);
    socket.onclose = () => done(false);
  });
  const got = await Promise.all(Array.from({length: count}, one));
  return got.some(Boolean) ? 'a socket' : '';
};
"""


@pytest.fixture
def hostile(browser: Browser) -> Iterator[Page]:
    """A page that another server of this machine has sent."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield page
        context.close()
        server.shutdown()


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Sends an empty page."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>elsewhere</title><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_page_gets_nothing(served, person, hostile, attack):
    person.sees("#link", "ready")
    before = files(served)
    script = f"""async ([there, token]) => {{
        {TOOLS}
        return await {ATTACKS[attack]}.catch(() => '') || 'nothing';
    }}"""
    assert hostile.evaluate(script, [f"http://{served.host}", served.panel.token]) == "nothing"
    assert files(served) == before
    person.opens_the_clip()


def files(served) -> set[str]:
    return {str(path) for path in served.panel.folder.path.rglob("*")}
