"""The repository keeps its promises: documents name what exists, one version, one list of dependencies."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from support.paths import ROOT

from diffroll_live import __version__
from diffroll_live.cli import exit_codes
from diffroll_live.cli.app import COMMANDS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "bridge/PROTOCOL.md", "docs/scaling.md")
MODELS = sorted(path.parent for path in (ROOT / "models").glob("*/config.json"))


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[A-Za-z0-9_.-]+", requirement)[0] for requirement in requirements}  # type: ignore[index]


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


def test_the_changelog_begins_with_the_packages_version():
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


def test_every_dependency_has_its_reason_in_the_readme():
    rows = dict(re.findall(r"^\| ([a-z-]+) \| (.+) \|$", README, re.MULTILINE))
    for name in names(PROJECT["dependencies"]):
        assert len(rows[name]) > 10
    development = README.split("For development:")[1].split("\n\n")[0]
    for name in names(PROJECT["optional-dependencies"]["dev"]):
        assert name in development


def test_every_dependency_is_pinned_with_hashes_and_no_index_is_named():
    text = (ROOT / "requirements.txt").read_text()
    wanted = names(PROJECT["dependencies"]) | names(PROJECT["optional-dependencies"]["dev"])
    pinned = set(re.findall(r"^([a-z0-9_.-]+)==\S+(?: ;.+)? \\$", text, re.MULTILINE))
    assert {name.replace("_", "-").lower() for name in wanted} <= {name.replace("_", "-") for name in pinned}
    assert text.count("--hash=sha256:") > len(pinned)
    for file in ("requirements.txt", "script/uv.txt"):
        assert not re.search(r"https?://|file:|--(index|extra-index|find-links)", (ROOT / file).read_text())


def test_the_readmes_exit_codes_and_commands_are_the_programs():
    rows = {int(code): text for code, text in re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE)}
    assert rows == exit_codes.MEANINGS
    for name in COMMANDS:
        assert f"diffroll-live {name}" in README


def test_the_map_names_every_package_and_no_other():
    wanted = {path.stem for path in (ROOT / "diffroll_live").glob("*.py")} - {"__init__"}
    wanted |= {path.parent.name + "/" for path in (ROOT / "diffroll_live").glob("*/__init__.py")}
    rows = re.search(r"\|---\|---\|\n(.+?)\n\n", ARCHITECTURE, re.DOTALL)
    assert rows is not None
    mapped = [name for row in rows[1].splitlines() for name in re.findall(r"`([a-z_]+/?)`", row.split("|")[1])]
    assert len(mapped) == len(set(mapped))
    assert set(mapped) == wanted


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_paths_in_documents_lead_somewhere(document):
    text = (ROOT / document).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    paths = re.findall(r"`((?:tests|script|examples|bridge|models|diffroll_live)/[\w./-]+)`", text)
    for link in (*links, *paths):
        assert any((base / link).exists() for base in (ROOT, (ROOT / document).parent)), link


def test_bridges_never_import_the_package():
    for path in (ROOT / "bridge").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(module.split(".")[0] == "diffroll_live" for module in modules), path


def test_ci_runs_the_readmes_test_command():
    assert re.findall(r"^exec (.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE) == ["make test"]
    assert "    make test\n" in README


def test_no_python_file_is_longer_than_300_lines():
    long = {path.name for path in tracked() if path.suffix == ".py" and len(path.read_text().splitlines()) > 300}
    assert long == set()


def test_the_two_parts_of_the_test_script_are_all_tests_once():
    script = (ROOT / "script" / "test").read_text()
    assert re.findall(r'-m (?:pytest .*)?-m ("not realtime"|realtime) ', script) == ['"not realtime"', "realtime"]


def test_every_model_folder_is_whole():
    assert MODELS, "no model ships"
    for folder in MODELS:
        assert {"weights.safetensors", "config.json", "CARD.md", "SHA256SUMS"} <= {
            path.name for path in folder.iterdir()
        }
