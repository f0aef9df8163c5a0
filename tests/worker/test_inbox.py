"""What the daemon has sent, and whether it is quiet."""

from __future__ import annotations

import multiprocessing

import pytest

from diffroll_live.worker.inbox import Inbox
from diffroll_live.worker.messages import Cancel
from diffroll_live.worker.pipe import WorkSender

LONG = 60.0  # s, after which the test would time out rather than be quick


def test_whoever_waits_for_quiet_learns_at_once_that_it_is_none():
    ours, theirs = multiprocessing.Pipe()
    inbox = Inbox()
    inbox.listen(theirs)
    assert inbox.stays_empty(0.0)
    WorkSender(ours).send(Cancel(7))
    assert not inbox.stays_empty(LONG)
    assert not inbox.stays_empty(LONG)  # it has not been taken yet
    assert inbox.take() == Cancel(7)
    assert inbox.stays_empty(0.0)
    ours.close()
    assert not inbox.stays_empty(LONG)
    with pytest.raises(EOFError):
        inbox.take()
