"""Keep a sink open: open it, notice when it is lost, open it again after a growing pause, and leave no note hanging.

Used by one thread, the MIDI thread. Nothing here raises for a fault of the port; `state` says how it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from diffroll_live.backoff import Backoff
from diffroll_live.errors import PortError
from diffroll_live.midi.note_queue import Key, TimedMessage
from diffroll_live.midi.sinks import Sink

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.25  # how often the port is looked at
FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class PortState:
    """Whether notes go out; ``text`` names the port, or says what is wrong with it."""

    is_open: bool
    text: str


class ReconnectingSink:
    """The sink that ``open_sink`` opens, as long as it can be had; ``on_state`` hears of every change."""

    def __init__(
        self, open_sink: Callable[[], Sink], on_state: Callable[[PortState], None] | None, clock: Callable[[], float]
    ) -> None:
        self.state = PortState(False, "The MIDI port has not been opened yet.")
        self.next_chore = clock()  # when tend() has something to do, in seconds of the clock
        self._open_sink = open_sink
        self._on_state = on_state
        self._clock = clock
        self._sink: Sink | None = None
        self._hanging: set[Key] = set()  # to be ended before anything else is sent
        self._backoff = Backoff(FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS)

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._sink is not None

    @property
    def lead(self) -> float:
        """How long before its time a message is to be sent, in seconds."""
        return self._sink.lead if self._sink is not None else 0.0

    def tend(self) -> None:
        """Open the port if it is time to, or see that it is still there."""
        if self._clock() < self.next_chore:
            return
        if self._sink is None:
            self._guard(self._open)
        else:
            self.next_chore = self._clock() + CHECK_SECONDS
            self._guard(self._sink.check)

    def send(self, message: TimedMessage) -> bool:
        """Start or end a note; tell whether it left."""
        sink = self._sink
        if sink is None:
            return False
        key = (message.channel, message.pitch)
        self._hanging.add(key)  # until it is known that the message has left
        if message.velocity:
            left = self._guard(lambda: sink.note_on(*key, message.velocity))
        else:
            left = self._guard(lambda: sink.note_off(*key))
        if left:
            self._hanging.discard(key)
        return left

    def silence(self, sounding: Iterable[Key]) -> None:
        """End these notes, and whatever else may sound on any channel."""
        self._hanging.update(sounding)
        sink = self._sink
        if sink is not None and self._guard(lambda: self._end_hanging(sink)):
            self._guard(sink.all_notes_off)

    def abandon(self, sounding: Iterable[Key]) -> None:
        """Take note of what sounded when the port was lost; it is ended when the port is back."""
        self._hanging.update(sounding)

    def close(self) -> None:
        """Let go of the port for good."""
        self._release()
        self.state = PortState(False, "The MIDI port is closed.")

    def _open(self) -> None:
        self._sink = self._open_sink()
        self.next_chore = self._clock() + CHECK_SECONDS
        self._end_hanging(self._sink)
        self._backoff.reset()
        self._tell(PortState(True, f"Notes go to {self._sink.name}."))

    def _end_hanging(self, sink: Sink) -> None:
        for key in sorted(self._hanging):
            sink.note_off(*key)
            self._hanging.discard(key)

    def _guard(self, action: Callable[[], None]) -> bool:
        """Do something with the port; on a fault give the port up for now. Tell whether it went well."""
        try:
            action()
        except PortError as error:
            self._lose(error.text)
        except Exception as error:
            logger.exception("the MIDI output failed")
            self._lose(f"The MIDI output failed ({error}); it is tried again.")
        else:
            return True
        return False

    def _lose(self, reason: str) -> None:
        self._release()
        self.next_chore = self._clock() + self._backoff.next()
        self._tell(PortState(False, reason))

    def _release(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink.close()
            except Exception:
                logger.exception("the MIDI port could not be closed cleanly")

    def _tell(self, state: PortState) -> None:
        if state == self.state:
            return
        self.state = state
        logger.log(logging.INFO if state.is_open else logging.WARNING, "%s", state.text)
        if self._on_state is not None:
            try:
                self._on_state(state)
            except Exception:
                logger.exception("the listener to the state of the MIDI port failed")
