"""Model folders: where they are looked for, and what is wrong with a damaged one."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.model_folders import CONFIG, make_model
from support.systems import pose_as

from diffroll_live.errors import CheckpointError, ChecksumMismatch
from diffroll_live.model.checkpoints import folder as model_folder
from diffroll_live.model.checkpoints.folder import (
    check_config,
    find_model,
    list_models,
    models_folders,
    read_folder,
    verify,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without models of their own, and a package that carries none."""
    monkeypatch.setattr(model_folder, "PACKAGE_FOLDER", tmp_path / "site" / "diffroll_live")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv(model_folder.MODELS_VARIABLE, raising=False)
    return tmp_path


def test_folders_are_searched_in_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_folder.MODELS_VARIABLE, str(home / "env"))
    folders = models_folders(home / "explicit")
    assert folders == (
        home / "explicit",
        home / "env",
        home / "data" / "diffroll-live" / "models",
        home / "site" / "diffroll_live" / "_models",
        home / "site" / "models",
    )
    for number, folder in reversed(list(enumerate(folders))):
        make_model(folder / "tiny", version=str(number))
        assert find_model("tiny", home / "explicit").config["version"] == str(number)
        (found,) = list_models(home / "explicit")
        assert found.path == folder / "tiny"


@pytest.mark.parametrize(
    ("platform", "tail"),
    [("linux", ".local/share"), ("darwin", "Library/Application Support"), ("win32", "AppData/Local")],
)
def test_user_folder_follows_the_platform(monkeypatch: pytest.MonkeyPatch, platform: str, tail: str) -> None:
    pose_as(platform, monkeypatch, "/home/ada")
    assert model_folder.user_models_folder() == Path("/home/ada") / tail / "diffroll-live" / "models"


@pytest.mark.parametrize(("platform", "variable"), [("linux", "XDG_DATA_HOME"), ("win32", "LOCALAPPDATA")])
def test_user_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, platform: str, variable: str) -> None:
    pose_as(platform, monkeypatch, "/home/ada", **{variable: "/elsewhere"})
    assert model_folder.user_models_folder() == Path("/elsewhere/diffroll-live/models")


def test_find_by_path_and_by_name(home: Path) -> None:
    folder = make_model(home / "elsewhere" / "tiny")
    assert find_model(folder) == find_model(str(folder))
    assert (
        find_model("tiny", home / "elsewhere").sha256
        == hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()
    )
    assert find_model(folder).weights == (folder / "weights.safetensors",)


def test_list_is_by_name_and_skips_what_is_no_model(home: Path) -> None:
    for name in ("b", "a"):
        make_model(home / "all" / name)
    (home / "all" / "notes").mkdir()
    (home / "all" / "LICENSE_weights").write_text("MIT")
    assert [model.name for model in list_models(home / "all")] == ["a", "b"]


def test_a_damaged_model_does_not_hide_the_others(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_model(home / "all" / "good")
    (make_model(home / "all" / "bad") / "SHA256SUMS").unlink()
    assert [model.name for model in list_models(home / "all")] == ["good"]
    assert "bad/SHA256SUMS" in caplog.text


def test_a_model_that_is_not_there_is_a_helpful_sentence(home: Path) -> None:
    make_model(home / "all" / "tiny")
    with pytest.raises(CheckpointError, match=r"no model 'huge'\. Models found: tiny\. Searched: .*/all"):
        find_model("huge", home / "all")
    with pytest.raises(CheckpointError, match="not the name of a model"):
        find_model("..", home / "all")
    with pytest.raises(CheckpointError, match="complete model folder"):
        find_model(home / "nowhere")


def test_verify_tells_a_changed_file_from_a_missing_one(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "tiny")
    model = read_folder(folder)
    verify(model)
    (folder / "weights.safetensors").write_bytes(b"other weights")
    expected = hashlib.sha256(b"some weights").hexdigest()
    got = hashlib.sha256(b"other weights").hexdigest()
    with pytest.raises(ChecksumMismatch, match=rf"expected {expected}, got {got}\. Install or download"):
        verify(model)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"Cannot read .*install or download"):
        verify(model)


@pytest.mark.parametrize(
    ("sums", "match"),
    [
        ("", "names no .safetensors"),
        ("0" * 64 + "  config.json\n", "names no .safetensors"),
        ("0" * 64 + "  ../weights.safetensors\n", "must have a line"),
        ("0" * 64 + "  /etc/x.safetensors\n", "must have a line"),
        ("0" * 63 + "  weights.safetensors\n", "must have a line"),
        (("0" * 64 + "  weights.safetensors\n") * 2, "must have a line"),
        ("".join(f"{'0' * 64}  w{index}.safetensors\n" for index in range(300)), "must have a line"),
        ("x" * 2_000_000, "too large"),
        ("\udcff", "Cannot read"),
    ],
)
def test_sums_that_cannot_be_read(tmp_path: Path, sums: str, match: str) -> None:
    folder = make_model(tmp_path / "tiny")
    (folder / "SHA256SUMS").write_bytes(sums.encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError, match=match):
        read_folder(folder)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[]", "null"])
def test_a_config_that_is_no_object(tmp_path: Path, text: str) -> None:
    folder = make_model(tmp_path / "tiny")
    (folder / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "../up"),
        ("name", 3),
        ("name", "x" * 65),
        ("version", ""),
        ("licence", None),
        ("architecture", "transformer"),
        ("architecture", ["compact"]),
        ("sample_rate", 0),
        ("sample_rate", "16000"),
        ("sample_rate", True),
        ("hop_length", 0.5),
        ("hop_length", 10**9),
        ("network", []),
        ("front_end", None),
        ("decode", 1),
        ("sampling", "ddim"),
    ],
)
def test_a_config_with_a_wrong_field_is_named(key: str, value: Any) -> None:
    check_config(CONFIG, "here")
    with pytest.raises(CheckpointError, match=f"here: {key} must be"):
        check_config({**CONFIG, key: value}, "here")
    with pytest.raises(CheckpointError, match=f"here: {key} must be"):
        check_config({name: each for name, each in CONFIG.items() if name != key}, "here")


def test_finding_models_needs_no_torch() -> None:
    code = "import sys, diffroll_live.model.checkpoints.folder; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
