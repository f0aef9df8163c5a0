"""An archive on a cluster: Ray Data gives its recordings to actors, each with an engine of its own.

The recordings must lie at the same paths on every node. The notes come back, and are written by who asked for them.
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from diffroll_live.archive.items import Answer, Item, Transcribed, Untranscribed
from diffroll_live.archive.pool import Work
from diffroll_live.archive.transcriber import Transcriber
from diffroll_live.cluster.session import LOOK, Session, session
from diffroll_live.errors import Busy, ChecksumMismatch, EngineLost, FileMissing, InternalError

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 10_000  # recordings of one execution, whose actors load their models once
BLOCKS = (16, 1)  # recordings that are given to an actor together, and again when it has died with them


def answers(address: str, work: Work, sha256: str, items: Iterable[Item]) -> Iterator[Answer]:
    """Transcribe recordings on the cluster at ``address``, in no order, with the model of ``sha256``.

    Raises EngineLost when the cluster is gone, Busy where it has no core or GPU to spare.
    """
    with session(address) as cluster:
        actor = cluster.ray.remote(Archivist).options(num_cpus=0, max_concurrency=2)
        archivist = cluster.call(lambda: actor.remote(work, sha256))
        left = iter(items)
        while part := list(itertools.islice(left, AT_ONCE)):
            missing = {item.name: item for item in part}
            for block in BLOCKS:
                if missing:
                    cluster.result(partial(archivist.begin.remote, [*missing.values()], block))
                    for answer in _taken(cluster, archivist):
                        missing.pop(answer.name, None)
                        yield answer
            text = "The process that transcribed it died each time; try it alone, or a shorter part of it."
            yield from (Untranscribed(name, InternalError.code, text) for name in missing)


def _taken(cluster: Session, archivist: Any) -> Iterator[Answer]:
    """Ask for answers until there are no more."""
    taken, ended = 0, False
    while not ended:
        found, ended = cluster.result(partial(archivist.take.remote, taken))
        taken += len(found)
        yield from found


class Archivist:
    """An actor of the cluster that has Ray Data work, and keeps the answers until they are taken."""

    def __init__(self, work: Work, sha256: str) -> None:
        self._work, self._sha256 = work, sha256
        self._news = threading.Condition()
        self._answers: list[Answer] = []
        self._taken = 0  # answers that are no longer kept
        self._ended = True
        self._failure: BaseException | None = None

    def begin(self, items: list[Item], block: int) -> None:
        """Begin to transcribe recordings, ``block`` of them together."""
        resources = _resources()
        self._answers, self._taken, self._ended, self._failure = [], 0, False, None
        threading.Thread(target=self._run, args=(items, block, resources), daemon=True).start()

    def take(self, taken: int) -> tuple[list[Answer], bool]:
        """Wait a little for answers beyond the ``taken`` first; returns them, and whether they are the last."""
        with self._news:
            del self._answers[: taken - self._taken]
            self._taken = taken
            self._news.wait_for(lambda: self._answers or self._ended, LOOK)
            if self._failure is not None and not self._answers:
                raise self._failure
            return list(self._answers), self._ended and self._failure is None

    def _run(self, items: list[Item], block: int, resources: dict[str, float]) -> None:
        failure: BaseException | None = None
        try:
            for table in _execute(items, block, self._work, self._sha256, resources):
                with self._news:
                    self._answers += _answers(table)
                    self._news.notify_all()
        except Exception as error:  # noqa: BLE001 - raised again where it is asked for
            failure = EngineLost(f"The cluster could not go on ({str(error).strip().splitlines()[-1]}).")
        with self._news:
            self._ended, self._failure = True, failure
            self._news.notify_all()


def _resources() -> dict[str, float]:
    """What each actor takes: a GPU where there are any, a core elsewhere. Raises Busy where none is free."""
    import ray

    kind = "GPU" if ray.cluster_resources().get("GPU") else "CPU"
    free = int(ray.available_resources().get(kind, 0))
    if free < 1:
        raise Busy(f"The cluster has no {kind} to spare: its replicas have them all; deploy fewer, or add a node.")
    return {"num_gpus" if kind == "GPU" else "num_cpus": 1, "most": free}


def _execute(items: list[Item], block: int, work: Work, sha256: str, resources: dict[str, float]) -> Iterator[pa.Table]:
    import ray

    context = ray.data.DataContext.get_current()
    context.max_errored_blocks = -1  # their recordings are missing then, and are tried again
    context.enable_progress_bars = False
    asked = {name: value for name, value in resources.items() if name != "most"}
    rows = [{"item": json.dumps(asdict(item))} for item in items]  # names may have bytes that no table takes
    answered = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // block)).map_batches(
        TranscribingActor,
        fn_constructor_args=(work, sha256),
        compute=ray.data.ActorPoolStrategy(
            min_size=1,
            max_size=int(resources["most"]),
            max_tasks_in_flight_per_actor=1,  # so that none waits at an actor which dies with another
        ),
        batch_size=block,
        batch_format="pyarrow",
        max_task_retries=0,  # Ray Data's own tries never end
        **asked,
    )
    yield from answered.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)


class TranscribingActor:
    """Transcribes tables of items, with an engine whose model must have the ``sha256``."""

    def __init__(self, work: Work, sha256: str) -> None:
        engine = work.factory()
        if engine.info.sha256 != sha256:
            raise ChecksumMismatch(
                f"The model on {socket.gethostname()} has other weights than the one that was asked for; put the same "
                "on every node."
            )
        self._transcribe = Transcriber(engine, work.options, work.max_seconds)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Make a table of answers from one of items."""
        return _table([_placed(self._transcribe(Item(**json.loads(text)))) for text in table["item"].to_pylist()])


def _placed(answer: Answer) -> Answer:
    if isinstance(answer, Untranscribed) and answer.code == FileMissing.code:
        where = f"On {socket.gethostname()}: {answer.text} An archive must lie at the same place on every node."
        return replace(answer, text=where)
    return answer


def _table(answers: list[Answer]) -> pa.Table:
    import pyarrow as pa

    rows = [asdict(answer) for answer in answers]
    files = [row.pop("files", []) for row in rows]
    return pa.table({"answer": [*map(json.dumps, rows)], "files": pa.array(files, pa.list_(pa.binary()))})


def _answers(table: pa.Table) -> list[Answer]:
    rows = zip(map(json.loads, table["answer"].to_pylist()), table["files"].to_pylist(), strict=True)
    return [Untranscribed(**row) if "code" in row else Transcribed(**row, files=tuple(files)) for row, files in rows]
