"""The real wheel: what it holds, and that everybody can install and run it, outside the checkout.

Dependencies come from uv's cache or from this environment; what they cannot show (torch itself on Python 3.12, other
systems) runs in the release workflow.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.installers import INSTALLERS, UV, cached, find_python, run, with_uv
from support.paths import EXAMPLES, ROOT

from diffroll_live import __main__, __version__
from diffroll_live.cli import exit_codes

pytestmark = pytest.mark.timeout(300)  # a disk that is busy is slow to hold environments

ODD = "Zoë's Müsik 音楽 & more"  # a folder as people have them
NO_TORCH = "torch ; python_version < '3'\ntorchaudio ; python_version < '3'\n"


@pytest.fixture(scope="module")
def wheel(wheel_file: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(wheel_file) as opened:
        yield opened


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / ODD
    folder.mkdir()
    return folder


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if (ROOT / name).is_file()]


@pytest.mark.slow
def test_the_wheel_carries_the_package_the_models_and_the_bridges(wheel):
    inside = set(wheel.namelist())
    package = {path for path in tracked() if path.startswith("diffroll_live/")}
    models = {path.replace("models/", "diffroll_live/_models/", 1) for path in tracked() if path.startswith("models/")}
    bridges = {path.replace("bridge/", "diffroll_live/_bridge/", 1) for path in tracked() if path.startswith("bridge/")}
    assert package | models | bridges <= inside
    assert all(path.startswith(("diffroll_live/", f"diffroll_live-{__version__}.dist-info/")) for path in inside)
    assert not any("test" in Path(path).name or path.endswith((".pyc", ".pt")) for path in inside)


@pytest.mark.slow
def test_the_installed_wheel_finds_its_own_weights(wheel, tmp_path):
    wheel.extractall(tmp_path)
    code = (
        "from diffroll_live.model.checkpoints.folder import find_model, verify; "
        "m = find_model('compact'); verify(m); print(m.path)"
    )
    environment = {"PATH": "", "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path), "SYSTEMROOT": r"C:\Windows"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == str(tmp_path / "diffroll_live" / "_models" / "compact"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("installer", INSTALLERS)
def test_everybody_installs_the_wheel_on_python_3_11_in_a_folder_of_any_name(installer, wheel_file, odd):
    program = INSTALLERS[installer](find_python("3.11"), wheel_file, odd)
    assert run([*program, "--version"], HOME=str(odd)).stdout.strip() == f"diffroll-live, version {__version__}"
    done = run([*program, "doctor", "--quick", "--json"], HOME=str(odd), check=False)
    models = [found for found in json.loads(done.stdout)["findings"] if found["topic"] == "models"]
    assert "checksums correct" in models[0]["text"]


@pytest.mark.slow
def test_what_uv_installed_transcribes_a_recording_whatever_its_folders_are_called(wheel_file, odd):
    program = with_uv(find_python("3.11"), wheel_file, odd)
    clip, notes = odd / "prélude.flac", odd / "notes ♪.mid"
    shutil.copyfile(EXAMPLES / "clip.flac", clip)
    run([*program, "transcribe", "--local", str(clip), "-o", str(notes)], HOME=str(odd))
    assert notes.read_bytes().startswith(b"MThd")


@pytest.mark.slow
def test_all_but_torch_installs_and_runs_on_python_3_12(wheel_file, odd):
    without = odd / "overrides.txt"
    without.write_text(NO_TORCH)
    places = {"UV_TOOL_DIR": str(odd / "tools"), "UV_TOOL_BIN_DIR": str(odd / "bin"), **cached()}
    command = [str(UV), "tool", "install", "--python", find_python("3.12"), "--overrides", str(without)]
    run([*command, str(wheel_file)], **places)
    done = run([str(odd / "bin" / "diffroll-live"), "doctor", "--quick", "--json"], HOME=str(odd), check=False)
    python = [found for found in json.loads(done.stdout)["findings"] if found["topic"] == "python"]
    assert python[0]["text"].startswith("Python 3.12.")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12"])
def test_every_dependency_has_a_wheel_for_each_python(version, wheel_file, tmp_path):
    wanted = tmp_path / "wanted.in"
    wanted.write_text(f"diffroll-live @ {wheel_file.as_uri()}\n")
    command = [str(UV), "pip", "compile", "--quiet", "--only-binary", ":all:", "--python-version", version, str(wanted)]
    resolved = run(command, **cached()).stdout
    assert "\ntorch==" in resolved
    assert "\npython-rtmidi==" in resolved


@pytest.mark.slow
def test_on_a_later_python_pip_installs_what_says_which_command_fetches_one_that_works(wheel_file, tmp_path):
    run([find_python("3.13"), "-m", "venv", str(tmp_path)])
    run([str(tmp_path / "bin" / "python"), "-m", "pip", "install", "--no-index", str(wheel_file)])
    done = run([str(tmp_path / "bin" / "diffroll-live"), "serve"], check=False)
    assert done.returncode == exit_codes.UNWELL
    assert done.stdout == ""
    assert done.stderr.strip() == __main__.refusal((3, 13))
    assert done.stderr.endswith("\n  uv tool install --python 3.12 diffroll-live\n")


def test_a_python_that_works_hears_of_no_other(capsys, monkeypatch):
    for version, works in (((3, 10), False), ((3, 11), True), ((3, 12), True), ((3, 13), False), ((3, 14), False)):
        monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
        monkeypatch.setattr(sys, "argv", ["diffroll-live", "--version"])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        assert ended.value.code == (exit_codes.OK if works else exit_codes.UNWELL)
        assert ("uv tool install" in capsys.readouterr().err) == (not works)


@pytest.mark.slow
def test_make_install_works_in_a_checkout_of_any_name(odd):
    for name in (name for name in tracked() if not name.startswith("tests/")):
        (odd / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, odd / name)
    (odd / "script" / "install").chmod(0o755)
    (odd / ".uv").symlink_to(ROOT / ".uv")
    run(["make", "--no-print-directory", "-C", str(odd), "install"], **cached(), HOME=str(odd))
    done = run(
        [str(odd / ".venv" / "bin" / "diffroll-live"), "doctor", "--quick", "--json"], HOME=str(odd), check=False
    )
    models = [found for found in json.loads(done.stdout)["findings"] if found["topic"] == "models"]
    assert str(odd / "models" / "compact") in models[0]["text"]
