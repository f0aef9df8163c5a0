"""A page is one more client: the same messages, the same errors, a session that survives a reload."""

from __future__ import annotations

import pytest
from support.uploads import upload_tone

from diffroll_live.panel.schema import WRITERS
from diffroll_live.panel.service import DIST


def test_a_page_is_greeted_as_any_client(page):
    page.send("/diffroll/hello", "panel")
    assert page.expect("/diffroll/welcome")[2] == "fake"


def test_a_job_streams_its_notes(page):
    page.send("/diffroll/generate", "new", 2.0)
    accepted = page.expect("/diffroll/job/accepted")
    assert accepted == ["new", 0]
    done, before = page.until("/diffroll/job/done")
    notes = [message for message in before if message[0] == "/diffroll/note"]
    assert done[1:3] == ["new", len(notes)]
    assert len(notes) == 4


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad-message"),
        ('{"a": 1}', "bad-message"),
        ("[]", "bad-message"),
        ('["/diffroll/job/run"]', "bad-message"),
        ('["/diffroll/nothing"]', "unknown-address"),
        ('["/diffroll/job/run", "nothing"]', "unknown-job"),
        ('["/diffroll/audio/file", "b", "/etc/passwd"]', "file-refused"),
        ("[" * 10_000, "bad-message"),
    ],
)
def test_what_is_wrong_is_answered_and_the_page_goes_on(page, text, code):
    page.socket.send(text)
    error, _ = page.until("/diffroll/error")
    assert error[2] == code
    page.send("/diffroll/ping", 3)
    assert page.expect("/diffroll/pong") == [3]


def test_a_binary_frame_ends_its_connection(served, page):
    page.socket.send(b"\0")
    with served.page() as other:
        other.send("/diffroll/ping", 3)
        assert other.expect("/diffroll/pong") == [3]


def test_a_reload_finds_the_session_again(served):
    with served.page("a" * 16) as page:
        page.send("/diffroll/generate", "kept", 2.0)
        page.expect("/diffroll/job/done")
    with served.page("a" * 16) as page:
        page.send("/diffroll/job/notes", "kept")
        assert page.expect("/diffroll/job/done")[:2] == ["kept", 4]


def test_the_newest_page_of_a_session_takes_over(served):
    with served.page("b" * 16) as older, served.page("b" * 16) as newer:
        newer.send("/diffroll/ping", 4)
        assert newer.expect("/diffroll/pong") == [4]
        with pytest.raises(Exception, match="4001"):
            older.next()


def test_two_pages_do_not_see_each_others_jobs(served, page):
    with served.page() as other:
        other.send("/diffroll/generate", "theirs", 1.0)
        other.expect("/diffroll/job/done")
    page.send("/diffroll/job/notes", "theirs")
    error, _ = page.until("/diffroll/error")
    assert error[2] == "unknown-job"


def test_a_page_that_watches_sees_what_a_daw_asks(served, page):
    page.send("/diffroll/watch", 1)
    with served.daemon.tcp() as daw:
        daw.send("/diffroll/hello", "the DAW")
        daw.send("/diffroll/generate", "mine", 1.0)
        while (job := page.expect("/diffroll/watch/job"))[1] != "mine" or job[4] != "done":
            pass
    assert job[2] == "generate"


def test_pictures_come_as_bytes(served, page):
    with served.daemon.udp() as daw:
        daw.send("/diffroll/hello", "painter")
        upload_tone(daw, "take")
        page.send("/diffroll/watch", True)
        while (client := page.expect("/diffroll/watch/client"))[1] != "painter":
            pass
        page.send("/diffroll/audio/copy", "mine", client[0], "take")
        page.expect("/diffroll/audio/ready")
    page.send("/diffroll/audio/picture", "mine")
    about, kind, *_, rows, _, frames, first, levels = page.expect("/diffroll/picture")
    assert (about, kind, rows, frames, first) == ("mine", "spectrogram", 264, 80, 0)
    assert len(levels) % rows == 0


@pytest.mark.parametrize("name", WRITERS)
def test_the_page_is_compiled_against_the_daemons_tables(name):
    assert (DIST.parent / "src" / "wire" / f"{name}.ts").read_text() == WRITERS[name]()
