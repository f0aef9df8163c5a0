"""Keep a sink open: open it, notice when it is lost, reopen it after growing pauses, and leave no note hanging.

Only the MIDI thread uses it. No method raises when the port fails; `state` describes the port.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from diffroll_live.errors import PortError
from diffroll_live.midi.note_queue import Key, TimedMessage
from diffroll_live.midi.sinks import Sink
from diffroll_live.worker.backoff import Backoff

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.25  # between two checks of an open port
FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class PortState:
    """Whether notes go out; ``text`` names the port, or says what is wrong with it."""

    is_open: bool
    text: str


class ReconnectingSink:
    """The sink that ``open_sink`` opens, while there is one; ``on_state`` is called with every change of state."""

    def __init__(
        self, open_sink: Callable[[], Sink], on_state: Callable[[PortState], None] | None, clock: Callable[[], float]
    ) -> None:
        self.state = PortState(False, "The MIDI port has not been opened yet.")
        self.next_check = clock()  # when maintain() has something to do, in seconds of the clock
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

    def maintain(self) -> None:
        """When it is time to: open the port, or check that it is still there."""
        if self._clock() < self.next_check:
            return
        if self._sink is None:
            self._guard(self._open)
        else:
            self.next_check = self._clock() + CHECK_SECONDS
            self._guard(self._sink.check)

    def send(self, message: TimedMessage) -> bool:
        """Start or end a note; return whether it was sent."""
        sink = self._sink
        if sink is None:
            return False
        key = (message.channel, message.pitch)
        self._hanging.add(key)  # until the message is known to have been sent
        if message.velocity:
            sent = self._guard(lambda: sink.note_on(*key, message.velocity))
        else:
            sent = self._guard(lambda: sink.note_off(*key))
        if sent:
            self._hanging.discard(key)
        return sent

    def silence(self, sounding: Iterable[Key]) -> None:
        """End these notes, and anything else that may sound on any channel."""
        self._hanging.update(sounding)
        sink = self._sink
        if sink is not None and self._guard(lambda: self._end_hanging(sink)):
            self._guard(sink.all_notes_off)

    def abandon(self, sounding: Iterable[Key]) -> None:
        """Remember what sounded when the port was lost; it is ended when the port is back."""
        self._hanging.update(sounding)

    def close(self) -> None:
        """Close the port for good."""
        self._release()
        self.state = PortState(False, "The MIDI port is closed.")

    def _open(self) -> None:
        self._sink = self._open_sink()
        self.next_check = self._clock() + CHECK_SECONDS
        self._end_hanging(self._sink)
        self._backoff.reset()
        self._report(PortState(True, f"Notes go to {self._sink.name}."))

    def _end_hanging(self, sink: Sink) -> None:
        for key in sorted(self._hanging):
            sink.note_off(*key)
            self._hanging.discard(key)

    def _guard(self, action: Callable[[], None]) -> bool:
        """Use the port, and release it for now if that fails; return whether it succeeded."""
        try:
            action()
        except PortError as error:
            self._lose(error.text)
        except Exception as error:
            logger.exception("the MIDI output failed")
            self._lose(f"The MIDI output failed ({error}); it will be opened again.")
        else:
            return True
        return False

    def _lose(self, reason: str) -> None:
        self._release()
        self.next_check = self._clock() + self._backoff.next()
        self._report(PortState(False, reason))

    def _release(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink.close()
            except Exception:
                logger.exception("the MIDI port could not be closed cleanly")

    def _report(self, state: PortState) -> None:
        if state == self.state:
            return
        self.state = state
        logger.log(logging.INFO if state.is_open else logging.WARNING, "%s", state.text)
        if self._on_state is not None:
            try:
                self._on_state(state)
            except Exception:
                logger.exception("the listener to the state of the MIDI port failed")
