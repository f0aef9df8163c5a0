"""What the widgets of the Open Stage Control panel send, by its documentation; the program could not be had."""

from __future__ import annotations

import json
from typing import Any

from support.golden_daemon import GoldenDaemon
from support.osc_client import UdpClient
from support.paths import BRIDGE


def widgets() -> dict[str, dict[str, Any]]:
    panel = json.loads((BRIDGE / "open-stage-control" / "diffroll-live.json").read_text())
    return {widget["id"]: widget for widget in panel["content"]["widgets"]}


def press(client, widget: dict[str, Any], *values: Any) -> None:
    """Send what a widget sends: its preArgs, then its value, numbers as floats."""
    args = [*widget["preArgs"], *values]
    client.send(widget["address"], *(float(arg) if isinstance(arg, int) else arg for arg in args))


def test_the_panel_makes_a_fill(daemon, client, take):
    panel = widgets()
    press(client, panel["recording"], str(take))
    client.expect("/diffroll/audio/ready")
    press(client, panel["fill"])
    press(client, panel["region"], 0.5, 1.5)
    for fader in ("seconds", "temperature", "density", "seed"):
        press(client, panel[fader], panel[fader]["default"])
    press(client, panel["run"])
    job = client.collect("panel")
    assert job.end.address == panel["done"]["address"] == "/diffroll/job/done"
    assert job.notes
    press(client, panel["play"])
    press(client, panel["cancel"])
    assert client.expect("/diffroll/job/cancelled").args == ("panel",)
    press(client, panel["panic"])
    client.until("/diffroll/panicked")


def test_the_panel_replays_the_golden_session():
    """It asks as the session's client did, but for names, and has a display for what was said of the job's course."""
    panel = widgets()
    with GoldenDaemon() as golden, UdpClient(golden.port) as client:
        press(client, panel["fill"])
        press(client, panel["region"], 0.25, 0.75)
        press(client, panel["seed"], 5)
        press(client, panel["run"])
        end, before = client.until("/diffroll/job/done")
        assert golden.heard == [
            ("/diffroll/job/new", ("panel", "inpaint", "take")),
            ("/diffroll/job/region", ("panel", 0.25, 0.75)),
            ("/diffroll/job/set", ("panel", "seed", 5.0)),
            ("/diffroll/job/run", ("panel",)),
        ]
    displays = {widget["address"] for widget in panel.values() if widget["type"] == "text"}
    said = {reply.address for reply in (*before, end)}
    assert said - displays == {"/diffroll/job/accepted", "/diffroll/job/grid", "/diffroll/note"}
    assert displays - said == {"/diffroll/error"}


def test_every_fader_stays_in_the_range_of_its_option(daemon, client):
    panel = widgets()
    press(client, panel["generate"])
    for widget in panel.values():
        if widget["type"] == "fader":
            press(client, widget, widget["range"]["min"])
            press(client, widget, widget["range"]["max"])
    press(client, panel["run"])
    client.collect("panel")
