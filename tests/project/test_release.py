"""A release: version, changelog and tag agree, the bill of materials is whole, the workflow runs what exists."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from support.paths import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
PACKAGE = '__version__ = "1.2.3"\n'
PLANNED = "# Changelog\n\n## [1.2.3] - unreleased\n\n## [1.2.2] - 2026-01-01\n"
DATED = PLANNED.replace("unreleased", "2026-12-01")


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of the project as a module."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = spec_from_loader(name, SourceFileLoader(name, str(ROOT / "script" / name)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("changelog", "tag", "problem"),
    [
        (PLANNED, None, ""),
        (DATED, "v1.2.3", ""),
        (PLANNED, "v1.2.3", "write the date"),
        (DATED, "1.2.3", "tag it v1.2.3"),
        (DATED, "v1.2.4", "tag it v1.2.3"),
        (DATED.replace("1.2.3", "1.3.0"), None, "make them one"),
        ("# Changelog\n", None, "the newest in CHANGELOG.md is none"),
        (PLANNED.replace("unreleased", "2026-13-01"), "v1.2.3", "write the date"),
    ],
)
def test_version_changelog_and_tag_are_one(changelog, tag, problem, monkeypatch):
    found = script("check-release", monkeypatch).difference(PACKAGE, changelog, tag)
    assert problem in found
    assert bool(problem) == bool(found)


def test_this_checkout_agrees_with_itself():
    done = subprocess.run([ROOT / "script" / "check-release"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wrong = subprocess.run([ROOT / "script" / "check-release", "v0.0.0"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "tag it v" in wrong.stderr


@pytest.fixture(scope="module")
def bill() -> str:
    return subprocess.run([ROOT / "script" / "sbom"], capture_output=True, text=True, check=True).stdout


def test_the_bill_of_materials_is_valid_cyclonedx(bill):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


def test_the_bill_has_all_that_a_user_gets_and_nothing_else(bill):
    components = {each["name"]: each for each in json.loads(bill)["components"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = {re.match(r"[\w.-]+", each)[0] for each in project["dependencies"]}
    assert direct <= set(components)
    assert "sympy" in components  # of torch
    assert not {"pytest", "ruff", "mypy", "tensorboard", "zeroconf", "mcp"} & set(components)
    sums = (ROOT / "models" / "compact" / "SHA256SUMS").read_text()
    weights = {each["name"]: each["hashes"][0]["content"] for each in components["compact"]["components"]}
    assert set(weights) == {"weights.safetensors", "composer.safetensors"}
    assert all(f"{digest}  {name}" in sums for name, digest in weights.items())
    edges = {each["ref"]: each["dependsOn"] for each in json.loads(bill)["dependencies"]}
    assert len(edges["diffroll-live"]) == len(direct)
    assert f"pkg:pypi/sympy@{components['sympy']['version']}" in edges[components["torch"]["purl"]]


def test_a_lock_is_read_with_who_needs_whom(monkeypatch):
    lock = (
        "a==1 ; x \\\n    --hash=sha256:0\n    # via\n    #   b\n    #   diffroll-live (pyproject.toml)\n"
        "b==2\n    # via c\nc==3\n    # via diffroll-live (pyproject.toml)\n"
    )
    module = script("sbom", monkeypatch)
    assert module.read_lock(lock) == (
        {"a": "1", "b": "2", "c": "3"},
        {"a": {"b", "diffroll-live"}, "b": {"c"}, "c": {"diffroll-live"}},
    )
    assert module.reached(["c"], {"a": set(), "b": {"a"}, "c": {"b"}, "d": {"a"}}) == {"a", "b", "c"}


def test_the_workflow_tests_every_system_and_python_before_it_publishes(monkeypatch):
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    pythons = [f"{major}.{minor}" for major, minor in script("install", monkeypatch).SUPPORTED]
    assert jobs["linux"]["strategy"]["matrix"]["python"] == pythons
    assert jobs["elsewhere"]["strategy"]["matrix"]["python"] == pythons
    assert {name.split("-")[0] for name in jobs["elsewhere"]["strategy"]["matrix"]["system"]} == {"macos", "windows"}
    assert set(jobs["publish"]["needs"]) == {"build", "linux", "elsewhere"}
    assert jobs["publish"]["if"] == "github.ref_type == 'tag'"
    assert jobs["publish"]["permissions"]["id-token"] == "write"


def test_the_workflow_runs_only_what_exists_and_holds_no_secret():
    text = WORKFLOW.read_text()
    for path in re.findall(r"\b((?:script|tests|examples)/[\w./-]+)", text):
        assert (ROOT / path).exists(), path
    assert "secrets." not in text
    assert "NEVER RUN" in text
