"""The kept exchange is still what the daemon says, over both transports, and it shows what a client may meet."""

from __future__ import annotations

import pytest
from support import golden_session

from diffroll_live.osc.messages import CLIENT_MESSAGES
from diffroll_live.osc.replies import DAEMON_MESSAGES

FOREIGN = {a for a in CLIENT_MESSAGES if not a.startswith("/diffroll/")}  # REAPER's and Ardour's
MESSAGES = {**CLIENT_MESSAGES, **DAEMON_MESSAGES}
UNSHOWN = {
    "/diffroll/audio/ack",  # a long buffer
    "/diffroll/late",  # a question of timing
    "/diffroll/bend",  # comes of sound that glides
    "/diffroll/pedal",  # comes of a model that hears it
    "/diffroll/status",  # so are the states that it tells
    "/diffroll/status/job",
    "/diffroll/status/client",
    # what shows one client to another, and pictures
    *(
        address
        for address in MESSAGES
        if address.startswith(("/diffroll/watch", "/diffroll/history"))
        or address.endswith(("/copy", "/return", "/picture"))
    ),
    # what is live, and what depends on the machine and its devices
    *(
        address
        for address in MESSAGES
        if address.startswith(("/diffroll/live/", "/diffroll/jam/", "/diffroll/midi/", "/diffroll/doctor"))
    ),
    *("/diffroll/audio/listen", "/diffroll/audio/inputs", "/diffroll/audio/input", "/diffroll/audio/level"),
    *(
        "/diffroll/audio/listening",
        "/diffroll/audio/overrun",
        "/diffroll/audio/vanished",
        "/diffroll/audio/reconnected",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_session_is_still_true(daemon, transport):
    lines = golden_session.load()
    with getattr(daemon, transport)() as client:
        now = golden_session.replay(client, lines, daemon.folder)
    assert golden_session.constant(now) == golden_session.constant(lines)


def test_the_session_shows_every_message():
    lines = golden_session.load()
    assert {x["address"] for x in lines if x["from"] == "client"} >= set(CLIENT_MESSAGES) - FOREIGN - UNSHOWN
    assert {x["address"] for x in lines if x["from"] == "daemon"} >= set(DAEMON_MESSAGES) - UNSHOWN
