"""``batch`` on a cluster of two nodes: the notes of the local command, whatever dies on the way."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from support.archives import DIES, FAILS, record
from support.clusters import LocalCluster, command, started
from support.stalling import StallingNetwork
from support.waiting import wait_until

from diffroll_live.cli import exit_codes
from diffroll_live.notation.addresses import split_cluster

PATIENCE = "8.0"  # s
WAIT = 120.0  # s

pytestmark = [pytest.mark.realtime, pytest.mark.timeout(400)]


def batch(folder: Path, archive: Path, out: Path, *options: str):
    return command(folder, archive, out, *options, program="support.batch_process")


def rows(out: Path) -> dict[str, dict[str, str]]:
    """The report as it is now."""
    if not (out / "report.csv").exists():
        return {}
    with (out / "report.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        return {row["recording"]: row for row in csv.DictReader(stream)}


def test_an_archive_has_the_notes_that_it_has_here(cluster: LocalCluster, tmp_path: Path):
    archive = tmp_path / "archive"
    lengths = {"a.wav": 1.0, "b/c.wav": 2.0, "b/\udcff.wav": 1.5, "fails.wav": FAILS, "dies.wav": DIES, "last.wav": 3.0}
    for name, seconds in lengths.items():
        record(archive / name, seconds)
    there = batch(tmp_path, archive, tmp_path / "there", "--engine", cluster.address)
    here = batch(tmp_path, archive, tmp_path / "here")
    assert there.returncode == here.returncode == exit_codes.INTERNAL, there.stderr
    found, wanted = rows(tmp_path / "there"), rows(tmp_path / "here")
    for name in lengths:
        columns = ("state", "midi", "notes", "code", "origin", "crc32")
        assert {column: found[name][column] for column in columns} == {
            column: wanted[name][column] for column in columns
        }
    assert [name for name, row in found.items() if row["state"] == "failed"] == ["dies.wav", "fails.wav"]
    assert "died" in found["dies.wav"]["text"]
    again = batch(tmp_path, archive, tmp_path / "there")  # this machine goes on where the cluster stopped
    assert "4 done before, 2 failed" in again.stdout


def test_a_network_that_stalls_ends_the_command(cluster: LocalCluster, tmp_path: Path):
    archive, out = tmp_path / "archive", tmp_path / "out"
    for number in range(400):
        record(archive / f"{number}.wav")
    with StallingNetwork(split_cluster(cluster.address)[1]) as network:
        words = (tmp_path, archive, out, "--engine", f"ray://127.0.0.1:{network.port}")
        process = started(PATIENCE, *words, program="support.impatient")
        wait_until(lambda: rows(out) or process.poll() is not None, "a recording is done", WAIT)
        network.stall()
        _, said = process.communicate(timeout=WAIT)
    assert process.returncode == exit_codes.DAEMON, said
    assert "has not answered for 8 s; look at the network in between." in said
    assert {row["state"] for row in rows(out).values()} == {"done"}


def test_another_model_than_the_clusters_is_refused(cluster: LocalCluster, tmp_path: Path):
    record(tmp_path / "archive" / "a.wav")
    done = command(
        "batch", tmp_path / "archive", "-o", tmp_path / "out", "--engine", cluster.address, "--model", "none"
    )
    assert done.returncode == exit_codes.MODEL


@pytest.mark.parametrize("address", ["ray://127.0.0.1:1", "ray://nowhere.invalid:10001"])
def test_where_there_is_no_cluster_this_is_said(tmp_path: Path, address: str):
    record(tmp_path / "archive" / "a.wav")
    done = command("batch", tmp_path / "archive", "-o", tmp_path / "out", "--engine", address)
    assert done.returncode == exit_codes.DAEMON
    assert f"There is no cluster at {address}" in done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1:10001", "ray://", "ray://a b:1", "ray://x:99999", "http://x:1"])
def test_what_is_no_address_is_refused(tmp_path: Path, address: str):
    done = command("batch", tmp_path, "-o", tmp_path / "out", "--engine", address)
    assert done.returncode == exit_codes.USAGE
    assert "must be the address of a cluster" in done.stderr
