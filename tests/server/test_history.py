"""What was asked for, by whom and with which seed."""

from __future__ import annotations

from support.osc_client import OscClient

from diffroll_live.server.history import options_in_words
from diffroll_live.types import Options


def history(client: OscClient) -> list[tuple]:
    client.send("/diffroll/history")
    count = client.expect("/diffroll/history").args[0]
    return [client.expect("/diffroll/history/job").args for _ in range(count)]


def test_jobs_are_remembered_with_their_seed_and_how_they_ended(daemon, client):
    with daemon.tcp() as other:
        other.send("/diffroll/hello", "the asker")
        for key, value in (("seed", 7), ("temperature", 0.5), ("seconds", 2.0)):
            other.send("/diffroll/job/new", "remembered", "generate", "") if key == "seed" else None
            other.send("/diffroll/job/set", "remembered", key, value)
        other.send("/diffroll/job/run", "remembered")
        notes = other.collect("remembered").notes
        other.send("/diffroll/generate", "fails-half-way", 1.0)
        other.collect("fails-half-way")
    *_, done, failed = history(client)
    assert done[1:8] == ("the asker", "remembered", "generate", "", "done", 7, len(notes))
    assert done[10] == "temperature 0.5, seconds 2"
    assert failed[2:8] == ("fails-half-way", "generate", "", "failed", 0, 0)


def test_options_are_named_where_they_are_not_the_usual_ones():
    assert options_in_words(Options()) == ""
    assert options_in_words(Options(quality="best", seed=3, variations=2)) == "quality best, variations 2"
