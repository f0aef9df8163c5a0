"""The tables of options: what is set by them fits them, and everything that lists the same names agrees."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, get_args

import pytest
from support.paths import BRIDGE

from diffroll_live.config import Config
from diffroll_live.engine.loading import PRECISIONS, choose_device
from diffroll_live.errors import RequestError
from diffroll_live.limits import (
    CHOICES,
    CONFIG,
    CONTROLS,
    DEVICE,
    LIMITS,
    LIVE,
    REQUEST,
    Choice,
    Controls,
    Limit,
    Option,
    set_option,
)
from diffroll_live.live_types import Deliver, Lane, LiveSettings
from diffroll_live.midi.ports import APIS
from diffroll_live.server.jam.settings import Cue, JamSettings
from diffroll_live.server.job_settings import JobSettings
from diffroll_live.timeline.table import SOURCES
from diffroll_live.types import Options, Quality

SETTINGS = (JobSettings(), LiveSettings(), JamSettings(), Controls())
ROWS = [(settings, key) for settings in SETTINGS for key in settings.OPTIONS]
PROTOCOL = (BRIDGE / "PROTOCOL.md").read_text()


def other(option: Option) -> Any:
    """Give a value that is not the default."""
    match option:
        case Limit():
            return option.high if option.high != option.default else option.low
        case Choice():
            return next(name for name in option.names if name != option.default)
    return {
        "save": "x.mid",
        "quantize": "1/16",
        "scale": "C major",
        "cue": "note 21",
        "range": "C3-C5",
        "shortest": "1/16",
        "longest": "1/2",
    }


@pytest.mark.parametrize(("settings", "key"), ROWS, ids=lambda value: value if isinstance(value, str) else "")
def test_an_option_changes_its_own_field_and_nothing_else(settings: Any, key: str) -> None:
    value = other(settings.OPTIONS[key])
    changed = set_option(settings, key, value[key] if isinstance(value, dict) else value)
    assert len(differences(settings, changed)) == 1


def differences(one: Any, two: Any) -> list[str]:
    names: list[str] = []
    for item in fields(one):
        before, after = getattr(one, item.name), getattr(two, item.name)
        if type(before) is type(after) and hasattr(before, "__dataclass_fields__") and not isinstance(before, Cue):
            names += differences(before, after)
        elif before != after:
            names.append(item.name)
    return names


@pytest.mark.parametrize(("settings", "key"), ROWS, ids=lambda value: value if isinstance(value, str) else "")
def test_defaults_are_within_their_limits(settings: Any, key: str) -> None:
    default = settings.OPTIONS[key].default
    if default is not None:
        assert set_option(settings, key, default) == settings


@pytest.mark.parametrize("settings", SETTINGS[:3], ids=lambda settings: type(settings).__name__)
def test_an_option_that_is_not_there_is_told_with_those_that_are(settings: Any) -> None:
    with pytest.raises(RequestError, match=r"no option 'chanel'; did you mean 'channel'\? The options are .*channel"):
        set_option(settings, "chanel", 1)


def test_every_row_of_the_configuration_is_a_key_of_it_and_allows_its_default() -> None:
    config = Config()
    for name, option in CONFIG.items():
        section, key = name.split(".")
        default = getattr(getattr(config, section), key)
        assert option.check(default) == default


def test_names_agree_with_what_they_name() -> None:
    assert CHOICES["quality"].names == get_args(Quality)
    lane, deliver, precision = LIVE["lane"], LIVE["deliver"], CONFIG["engine.precision"]
    api, source = CONFIG["midi.api"], CONFIG["transport.source"]
    assert isinstance(lane, Choice)
    assert set(lane.names) < set(get_args(Lane))
    assert isinstance(deliver, Choice)
    assert deliver.names == get_args(Deliver)
    assert isinstance(precision, Choice)
    assert precision.names == ("auto", *PRECISIONS)
    assert isinstance(api, Choice)
    assert api.names == ("auto", *APIS, "none")
    assert isinstance(source, Choice)
    assert source.names == tuple(SOURCES)
    assert set(REQUEST) == {item.name for item in fields(Options)}
    assert set(CONTROLS) == {item.name for item in fields(Controls)}


@pytest.mark.parametrize("name", REQUEST)
def test_what_is_set_is_written_so_that_it_is_read_again(name: str) -> None:
    option = REQUEST[name]
    value = other(option)
    kept = option.check(value[name] if isinstance(value, dict) else value)
    assert option.check(option.write(kept)) == kept


@pytest.mark.parametrize("name", DEVICE.names)
def test_every_device_can_be_chosen_where_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    assert choose_device(name).type == ("cuda" if name == "auto" else name)


@pytest.mark.parametrize(
    ("heading", "options"), [("Notes of a live input", LIVE), ("Playing in turns", JamSettings.OPTIONS)]
)
def test_the_protocol_page_has_the_options_and_their_limits(heading: str, options: dict[str, Option]) -> None:
    section = PROTOCOL.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = {name: row for row in re.findall(r"^\| `.+$", section, re.MULTILINE) for name in names(row)}
    assert set(rows) == set(options)
    for name, option in options.items():
        if isinstance(option, Limit) and name not in LIMITS:
            assert f"{option.low:g} to {option.high:g}" in rows[name]
            assert f"{option.default:g}" in rows[name].split("|")[3]


def names(row: str) -> list[str]:
    return re.findall(r"`(\w+)`", row.split("|")[1])
