"""Whether a job that a client waits for will still end."""

from __future__ import annotations

from typing import Any

from diffroll_live.errors import Cancelled, UnknownJob
from diffroll_live.osc import replies
from diffroll_live.osc.status_replies import StatusJob

_UNDER_WAY = frozenset({"waiting", "queued", "running"})  # states of a job that will end


class Standing:
    """Whether a job will still end, judged by the answers to a status, each of which a pong concludes.

    Pings up to the number ``earlier`` were sent before the job, so that their answers say nothing about it.
    """

    def __init__(self, job: str, earlier: int) -> None:
        self._job, self._earlier = job, earlier
        self._is_under_way = False

    def hear(self, reply: Any) -> None:
        """Take any reply. Raises errors.Cancelled, and errors.UnknownJob when the daemon has lost the job."""
        match reply:
            case replies.JobCancelled(job) if job == self._job:
                raise Cancelled("The daemon cancelled the task; send it again.")
            case StatusJob(job, _, state) if job == self._job:
                self._is_under_way = state in _UNDER_WAY
            case replies.Pong(number) if number > self._earlier:
                if not self._is_under_way:
                    raise UnknownJob("The daemon no longer has the task; send it again.")
                self._is_under_way = False
