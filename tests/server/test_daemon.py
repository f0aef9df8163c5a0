"""The daemon's beginning and its end: what stops it from starting, and what it leaves behind."""

from __future__ import annotations

import asyncio
from multiprocessing import active_children

import pytest
from support.fake_engine import make_no_engine, make_slow_engine
from support.recorder import RecordingScheduler
from support.running import RunningDaemon
from support.waiting import wait_until

from diffroll_live.config import Config, ServerConfig
from diffroll_live.errors import CheckpointError, PortError
from diffroll_live.server.daemon import serve
from diffroll_live.server.endpoints.sockets import bind
from diffroll_live.worker.queue import Worker


def test_no_engine_is_said_at_the_start(tmp_path):
    with pytest.raises(CheckpointError, match="There is no model called 'nothing'"):
        RunningDaemon(tmp_path, make_no_engine).__enter__()


def test_a_port_that_is_taken_is_said_with_its_mend(daemon, tmp_path):
    with pytest.raises(PortError, match="--port"):
        RunningDaemon(tmp_path, port=daemon.port).__enter__()


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])
def test_listening_beyond_this_machine_is_warned_of(caplog, host, warned):
    for bound in bind(ServerConfig(host=host, port=0)):
        bound.close()
    assert ("anyone who can reach this address" in caplog.text) is warned


def test_a_daemon_can_be_ended_while_its_model_loads(tmp_path):
    async def start_and_stop() -> None:
        stop, scheduler, before = asyncio.Event(), RecordingScheduler(), set(active_children())
        config = Config(server=ServerConfig(port=0, allowed_folders=(tmp_path,)))
        worker = Worker(make_slow_engine, grace=0.2)
        running = asyncio.create_task(serve(config, worker, scheduler, ready=pytest.fail, stop=stop))
        await asyncio.to_thread(wait_until, lambda: set(active_children()) - before, "the process that loads the model")
        stop.set()
        await asyncio.wait_for(running, 30)
        assert scheduler.calls == [("close", "")]

    asyncio.run(start_and_stop())


def test_the_end_of_the_daemon_ends_all_notes(tmp_path):
    scheduler = RecordingScheduler()
    with RunningDaemon(tmp_path, scheduler=scheduler) as daemon, daemon.udp() as client:
        client.send("/diffroll/job/new", "last", "generate", "")
        client.send("/diffroll/job/set", "last", "steps", 1000)
        client.send("/diffroll/job/run", "last")
        client.expect("/diffroll/job/progress")
        daemon.stop()
        assert client.collect("last").end.address == "/diffroll/job/cancelled"
    assert scheduler.calls[-1] == ("close", "")
