"""What was asked for, by whom and with which seed."""

from __future__ import annotations

from support.osc_client import OscClient
from support.uploads import upload_tone

from diffroll_live.limits import set_option
from diffroll_live.server.history import settings_in_words
from diffroll_live.server.job_settings import JobSettings


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


def test_decodings_are_remembered_as_such_and_the_last_of_a_row_only(daemon, client):
    with daemon.tcp() as other:
        upload_tone(other, "tone", seconds=2.0)
        other.send("/diffroll/job/new", "slid", "transcribe", "tone")
        other.send("/diffroll/job/set", "slid", "quantize", "1/16 0.8 0.55")
        other.send("/diffroll/job/run", "slid")
        other.collect("slid")
        for threshold in (0.3, 0.4, 0.9):
            other.send("/diffroll/job/redecode", "slid", threshold, 0.05)
            other.collect("slid")
        asked, slid = history(client)[-2:]
    assert (asked[3], asked[10]) == ("transcribe", "quantize 1/16 0.8 0.55")
    assert (slid[2], slid[3], slid[5]) == ("slid", "redecode", "done")
    assert slid[10] == "threshold 0.9, min_note 0.05, quantize 1/16 0.8 0.55"


def test_settings_are_named_where_they_are_not_the_usual_ones():
    assert settings_in_words(JobSettings()) == ""
    settings = JobSettings()
    wished = {
        "quality": "best",
        "seed": 3,
        "shortest": "1/16t",
        "range": "C3-C5",
        "scale": "Dmin",
        "deliver": "osc",
        "quantize": "1/8",
    }
    for key, value in wished.items():
        settings = set_option(settings, key, value)
    words = settings_in_words(settings)
    assert words == "quality best, shortest 1/16t, range C3-C5, scale D minor, quantize 1/8 1 0.5"
    again = JobSettings()
    for pair in words.split(", "):  # as a client sets them again
        key, value = pair.split(" ", 1)
        again = set_option(again, key, value)
    assert settings_in_words(again) == words
