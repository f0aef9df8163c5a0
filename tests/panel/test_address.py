"""How `diffroll-live panel` finds the panel that runs, and what `serve --panel` takes."""

from __future__ import annotations

import stat

import pytest

from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import run
from diffroll_live.cli.beside import opened_panel
from diffroll_live.config import Config, PanelConfig
from diffroll_live.panel.address import address_file, kept_address, read_address
from diffroll_live.panel.service import bind


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_address_of_a_running_panel_is_found_and_printed(served, capsys):
    assert read_address() is None
    with kept_address(served.panel.address):
        assert stat.S_IMODE(address_file().stat().st_mode) == 0o600
        assert read_address() == served.panel.address
        assert run(["panel", "--print"]) == exit_codes.OK
        assert capsys.readouterr().out.strip() == served.panel.address
    assert not address_file().exists()


def test_an_address_that_nobody_answers_or_of_another_start_is_none(served):
    page, _, _ = served.panel.address.partition("#")
    for address in (f"{page}#of-another-start", "http://127.0.0.1:1/#x", "no address"):
        with kept_address(address):
            assert read_address() is None


def test_a_newer_panels_address_is_left_alone(served):
    with kept_address("http://127.0.0.1:1/#older"):
        address_file().write_text(served.panel.address)
    assert read_address() == served.panel.address


def test_a_home_that_cannot_be_written_keeps_no_address(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    with kept_address("http://127.0.0.1:1/#x"):
        assert read_address() is None


def test_the_panel_can_be_off_and_a_taken_port_only_costs_the_panel(caplog):
    with opened_panel(Config(panel=PanelConfig(serve="off"))) as panel:
        assert panel is None
    with bind("127.0.0.1", 0) as taken:
        config = Config(panel=PanelConfig(port=taken.getsockname()[1]))
        with opened_panel(config) as panel:
            assert panel is None
    assert "choose another with --panel" in caplog.text


@pytest.mark.parametrize("choice", ["nowhere", "-1", "65536", "1.5"])
def test_what_is_no_port_is_refused(choice, capsys):
    assert run(["serve", "--panel", choice]) == exit_codes.USAGE
    assert "off or a port" in capsys.readouterr().err


def test_each_start_has_a_token_of_its_own():
    with opened_panel(Config(panel=PanelConfig(port=0))) as one, opened_panel(Config(panel=PanelConfig(port=0))) as two:
        assert one is not None
        assert two is not None
        assert one.token != two.token
        assert len(one.token) >= 32
