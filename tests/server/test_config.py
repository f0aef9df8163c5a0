"""Defaults, files and flags; wrong keys and values are named."""

from pathlib import Path

import pytest

from diffroll_live.config import Config, ServerConfig, load_config
from diffroll_live.errors import FileMissing, RequestError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_defaults_bind_loopback_and_allow_home():
    config = load_config()
    assert config == Config()
    assert config.server.host == "127.0.0.1"
    assert config.server.port == 7770
    assert Path.home() in config.server.allowed_folders


def test_file_overlays_defaults_and_flags_overlay_the_file(tmp_path):
    path = write(
        tmp_path,
        '[server]\nport = 9000\nbuffer_timeout_s = 5\nallowed_folders = ["~/music"]\n[engine]\ndevice = "cpu"\n',
    )
    config = load_config(path, {"server.port": 9001, "server.host": None, "midi.api": "jack"})
    assert config.server.port == 9001
    assert config.server.host == "127.0.0.1"
    assert config.server.buffer_timeout_s == 5.0
    assert config.server.allowed_folders == (Path.home() / "music",)
    assert config.engine.device == "cpu"
    assert config.midi.api == "jack"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[server]\nprot = 1\n", "'prot' is no key of server; did you mean 'port'"),
        ("[sever]\nport = 1\n", "'sever' is no section; did you mean 'server'"),
        ("port = 1\n", "'port' stands outside a section"),
        ("[server]\nport = 70000\n", "server.port must be a whole number from 0 to 65535, not 70000."),
        ("[server]\nport = -1\n", "server.port must be a whole number from 0 to 65535, not -1."),
        ("[server]\nport = true\n", "server.port must be of type int"),
        ('[server]\nport = "7770"\n', "server.port must be of type int"),
        ("[server]\nmax_datagram = 10\n", "server.max_datagram must be a whole number from 256"),
        ("[server]\nbuffer_timeout_s = nan\n", "server.buffer_timeout_s must be a number from 0.05"),
        ('[server]\nallowed_folders = "/home"\n', "server.allowed_folders must be a list of folders"),
        ("[server]\nallowed_folders = [1]\n", "server.allowed_folders must be a list of folders"),
        ('[engine]\ndevice = "gpu"\n', "engine.device must be auto, cuda, mps or cpu, not 'gpu'."),
        ("[midi]\napi = 'oss'\n", "midi.api must be auto, "),
        ("[server\n", "cannot be read"),
    ],
)
def test_wrong_settings_are_named(tmp_path, text, named):
    with pytest.raises(RequestError) as caught:
        load_config(write(tmp_path, text))
    assert named in caught.value.text


def test_wrong_flags_are_named_too():
    with pytest.raises(RequestError, match="did you mean 'threads'"):
        load_config(None, {"engine.thread": 2})


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileMissing, match=r"nowhere\.toml"):
        load_config(tmp_path / "nowhere.toml")


def test_bounds_hold_for_configurations_made_in_code():
    with pytest.raises(RequestError, match=r"server\.queue_size"):
        ServerConfig(queue_size=0)
