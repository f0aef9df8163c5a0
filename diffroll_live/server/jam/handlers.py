"""The jams of all clients, controlled over OSC, and their sources of notes. Writes no notes itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from diffroll_live.errors import Busy, DiffrollError, RequestError, UnknownJob
from diffroll_live.limits import set_option
from diffroll_live.osc import jam_messages as m
from diffroll_live.osc.jam_replies import JamState
from diffroll_live.server.clients import Client
from diffroll_live.server.jam.session import JamContext, JamSession
from diffroll_live.server.jam.settings import JamSettings
from diffroll_live.server.jam.sources import SOURCES, Source
from diffroll_live.server.live.handlers import LiveHandlers

MAX_JAMS = 16


class JamHandlers:
    """Keeps all jams and their sources, and handles ``/diffroll/jam`` messages."""

    def __init__(self, context: JamContext, live: LiveHandlers) -> None:
        self._context, self._live = context, live
        self._jams: dict[tuple[str, str], tuple[JamSession, Source]] = {}
        self.handlers: dict[type[Any], Callable[[Client, Any], None]] = {
            m.JamStart: self._start,
            m.JamSet: self._set,
            m.JamNote: self._note,
            m.JamCue: lambda client, message: self._find(client, message.jam).cue(),
            m.JamListen: lambda client, message: self._find(client, message.jam).listen(),
            m.JamStop: lambda client, message: self._find(client, message.jam).close(),
        }

    def tick(self) -> None:
        """Update every jam, unless its source is gone."""
        for session, source in tuple(self._jams.values()):
            try:
                source.check()
            except DiffrollError as error:
                session.fail(error)
            else:
                session.tick()

    def listen(self) -> None:
        """Give every turn back to the musicians."""
        for session, _ in tuple(self._jams.values()):
            session.listen()

    def forget(self, client: Client) -> None:
        """End the jams of a client that is gone."""
        for session in self._of(client):
            session.close()

    def close(self) -> None:
        """End all jams."""
        for session, _ in tuple(self._jams.values()):
            session.close()

    def has(self, client: Client) -> bool:
        """Whether a client has a jam."""
        return bool(self._of(client))

    def _start(self, client: Client, message: m.JamStart) -> None:
        key = (client.key, message.jam)
        if message.source not in SOURCES:
            raise RequestError(f"The source of a jam must be one of {', '.join(SOURCES)}, not {message.source!r}.")
        if key in self._jams:
            self._jams[key][0].close()
        if len(self._jams) >= MAX_JAMS:
            raise Busy(f"There are {MAX_JAMS} jams already; stop one first.")
        closed, silent = partial(self._forget, key), partial(self._tell_end, client, message.jam)
        session = JamSession(client, message.jam, self._context, JamSettings(), closed, silent)
        try:
            source = SOURCES[message.source](session, message.name, self._live)
        except BaseException:
            session.close()
            raise
        self._jams[key] = session, source

    def _set(self, client: Client, message: m.JamSet) -> None:
        session = self._find(client, message.jam)
        session.settings = set_option(session.settings, message.key, message.value)

    def _note(self, client: Client, message: m.JamNote) -> None:
        source = self._pair(client, message.jam)[1]
        if not (0 <= message.pitch <= 127 and 0 <= message.velocity <= 127):
            raise RequestError("A note of a jam has a pitch and a velocity from 0 to 127.")
        source.note(message.pitch, message.velocity, self._context.now())

    def _find(self, client: Client, name: str) -> JamSession:
        return self._pair(client, name)[0]

    def _pair(self, client: Client, name: str) -> tuple[JamSession, Source]:
        pair = self._jams.get((client.key, name))
        if pair is None:
            raise UnknownJob(f"There is no jam {name!r}; start it with /diffroll/jam/start.")
        return pair

    def _of(self, client: Client) -> tuple[JamSession, ...]:
        return tuple(session for (key, _), (session, _) in self._jams.items() if key == client.key)

    def _tell_end(self, client: Client, name: str) -> None:
        """Report that a jam has ended, unless another of that name has started in the meantime."""
        if (client.key, name) not in self._jams:
            client.send(JamState(name, "stopped"))

    def _forget(self, key: tuple[str, str]) -> None:
        pair = self._jams.pop(key, None)
        if pair is not None:
            pair[1].close()
