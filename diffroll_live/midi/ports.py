"""Open MIDI output ports: choose the system, make a virtual port or find an existing one, notice when it is gone.

Output goes through python-rtmidi, whose errors leave here as PortError and PortClosed. Ports send raw messages and
remember none; sinks track what sounds.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import rtmidi

from diffroll_live.audio.jack.client import JACK_CLIENT_LOCK, JackWatch
from diffroll_live.errors import PortClosed, PortError

logger = logging.getLogger(__name__)

Api = Literal["coremidi", "windows", "alsa", "jack"]
APIS: dict[Api, int] = {  # in the order in which "auto" tries them
    "coremidi": rtmidi.API_MACOSX_CORE,
    "windows": rtmidi.API_WINDOWS_MM,
    "alsa": rtmidi.API_LINUX_ALSA,
    "jack": rtmidi.API_UNIX_JACK,
}
LOOKING = "diffroll-live-look"  # not the name of an output: it would have to take another
LOOPMIDI = "Install loopMIDI, create a port in it and give its name (`--midi-port NAME`)."
_FOREIGN = (rtmidi.RtMidiError, OSError, RuntimeError)
_PERIOD_MESSAGES = 1000  # rtmidi's JACK ring holds 2340 short messages; two periods' worth must fit
_STALL_SECONDS = 1.0
_PERIODS_TO_DELIVER = 3  # the current one, the one in which the last messages go out, and one for a slow receiver


@dataclass(frozen=True, slots=True)
class PortChoice:
    """Which port to open. ``port`` names an existing one; None makes a virtual one, ``client``:``name``."""

    api: Literal["auto", "coremidi", "windows", "alsa", "jack"] = "auto"
    port: str | None = None
    client: str = "diffroll-live"
    name: str = "notes"


class MidiPort:
    """An open output port. One thread uses it; ``name`` is what other programs call it."""

    def __init__(self, out: Any, api: Api, name: str, existing: bool, watch: JackWatch | None) -> None:
        self.api = api
        self.name = name
        self._out = out
        self._existing = existing
        self._watch = watch
        # rtmidi's JACK port sends at the start of the next period: half a period later on average.
        self.lead = watch.period() / 2 if watch is not None else 0.0  # s
        self._period = 0  # the JACK period in which _sent messages were queued
        self._sent = 0

    def send(self, message: Sequence[int]) -> None:
        """Send one message (its bytes, 0..255). Raises PortClosed when the port is gone."""
        if self._watch is not None:
            self._leave_room(self._watch)
        try:
            self._out.send_message(message)
        except _FOREIGN as error:
            raise PortClosed(
                f"The MIDI port {self.name} does not accept messages any more ({error}); MIDI resumes when it is back."
            ) from error

    def check(self) -> None:
        """Raise PortClosed when the port is gone."""
        if self._watch is not None and self._watch.gone:
            raise PortClosed("The JACK server ended; MIDI resumes when one is running again.")
        if self._existing and not self._is_listed():
            raise PortClosed(f"The MIDI port {self.name} is gone; MIDI resumes when it is back.")

    def close(self) -> None:
        """Close the port after what was sent has been received. Safe to call again.

        On a JACK server that has died, rtmidi waits a second for a period that never comes.
        """
        out, self._out = self._out, None
        if out is not None:
            if self._watch is not None:
                _let_deliver(self._watch)
            with JACK_CLIENT_LOCK:
                out.close_port()
                out.delete()  # a virtual port goes only with its object
        if self._watch is not None:
            self._watch.close()

    def _is_listed(self) -> bool:
        try:
            return self.name in self._out.get_ports()
        except _FOREIGN as error:
            logger.debug("the MIDI ports cannot be listed: %s", error)
            return False

    def _leave_room(self, watch: JackWatch) -> None:
        """When very many messages were queued in one period, wait until the server has taken them."""
        if watch.gone:
            self.check()
        frame = watch.frame()
        if frame != self._period:
            self._period, self._sent = frame, 0
        self._sent += 1
        if self._sent <= _PERIOD_MESSAGES:
            return
        deadline = time.perf_counter() + _STALL_SECONDS
        while watch.frame() == self._period:
            if watch.gone or time.perf_counter() > deadline:
                raise PortClosed("The JACK server has stalled; MIDI resumes when it is running again.")
            time.sleep(0.001)


def _let_deliver(watch: JackWatch) -> None:
    """Wait until receivers have had a JACK period to read what was sent.

    rtmidi closes a port within the period that takes its last messages. In one of ten closes, receivers that had not
    run yet in that period lost those messages, and a note hung.
    """
    deadline = time.perf_counter() + _STALL_SECONDS
    for _ in range(_PERIODS_TO_DELIVER):
        frame = watch.frame()
        while watch.frame() == frame and not watch.gone and time.perf_counter() < deadline:
            time.sleep(0.001)


def choose_api(wanted: str = "auto") -> Api:
    """Find the MIDI system to use: the wanted one, or the first that works here.

    Raises PortError, saying what to do, where it (or every one) is missing.
    """
    if wanted != "auto":
        api = _api(wanted)
        _probe(api)
        return api
    reasons = []
    for candidate, number in APIS.items():
        if number not in rtmidi.get_compiled_api():
            continue
        try:
            _probe(candidate)
        except PortError as error:
            reasons.append(f"{candidate}: {error.text}")
        else:
            return candidate
    raise PortError(f"There is no MIDI system here; notes still go out over OSC and to files. {' '.join(reasons)}")


def list_ports(api: str = "auto") -> tuple[str, ...]:
    """List the names of the existing ports that notes can be sent to. Raises PortError where there is no MIDI."""
    with JACK_CLIENT_LOCK:
        out = _construct(choose_api(api), LOOKING)
        try:
            return tuple(out.get_ports())
        finally:
            out.delete()


def open_port(choice: PortChoice) -> MidiPort:
    """Open the chosen port.

    Raises PortError, saying what to do: no MIDI system, no port of that name (listing the existing ones), or a system
    without virtual ports.
    """
    with JACK_CLIENT_LOCK:
        return _open(choice)


def _open(choice: PortChoice) -> MidiPort:
    api = choose_api(choice.api)
    watch = JackWatch(counts=True) if api == "jack" else None
    out = None
    try:
        out = _construct(api, choice.client)
        if choice.port is None:
            name = _open_virtual(out, choice, watch)
        else:
            name = find_port(tuple(out.get_ports()), choice.port)
            out.open_port(out.get_ports().index(name), choice.name)
        return MidiPort(out, api, name, choice.port is not None, watch)
    except (*_FOREIGN, ValueError, PortError) as error:
        if out is not None:
            out.delete()
        if watch is not None:
            watch.close()
        if isinstance(error, PortError):
            raise
        raise PortError(f"The MIDI port could not be opened ({error}). Try again, or choose another.") from error


def find_port(ports: Sequence[str], wanted: str) -> str:
    """Find a port by its name: exactly, or as the only one that contains it, ignoring case. Raises PortError."""
    if wanted in ports:
        return wanted
    found = [port for port in ports if wanted.casefold() in port.casefold()]
    if len(found) == 1:
        return found[0]
    listing = ", ".join(f"'{port}'" for port in (found or ports)) or "none"
    if found:
        raise PortError(f"'{wanted}' fits several MIDI ports: {listing}. Write out one of the names.")
    raise PortError(f"There is no MIDI port '{wanted}'. The ports there are: {listing}.")


def _open_virtual(out: Any, choice: PortChoice, watch: JackWatch | None) -> str:
    """Make the port; return its name, for which JACK numbers a client that is not the only one of its name."""
    there = watch.midi_outputs() if watch is not None else set()
    try:
        out.open_virtual_port(choice.name)
    except (NotImplementedError, rtmidi.UnsupportedOperationError) as error:
        raise PortError(f"This system has no virtual MIDI ports. {LOOPMIDI}") from error
    new = watch.midi_outputs() - there if watch is not None else set()
    ours = (name for name in new if name.startswith(choice.client) and name.endswith(f":{choice.name}"))
    return next(ours, f"{choice.client}:{choice.name}")


def _api(wanted: str) -> Api:
    for api in APIS:
        if api == wanted:
            return api
    raise PortError(f"There is no MIDI system '{wanted}'. Choose one of auto, {', '.join(APIS)}.")


def _probe(api: Api) -> None:
    """Raise PortError, saying what to do, where a MIDI system does not work."""
    if APIS[api] not in rtmidi.get_compiled_api():
        raise PortError(f"This build of python-rtmidi has no {api} on {sys.platform}. Choose auto.")
    if api == "jack":
        JackWatch().close()
        return
    if api == "alsa" and not Path("/dev/snd/seq").exists():  # alsa-lib would complain on stderr
        raise PortError("ALSA has no sequencer (/dev/snd/seq): load the module snd-seq, or start a JACK server.")
    _construct(api, LOOKING).delete()


def _construct(api: Api, client: str) -> Any:
    try:
        out = rtmidi.MidiOut(APIS[api], name=client)
    except _FOREIGN as error:
        raise PortError(f"The MIDI system {api} cannot be used ({error}).") from error
    out.set_error_callback(_raise_error)
    return out


def _raise_error(kind: int, text: str, _data: object) -> None:
    """Raise rtmidi's errors; its own handler prints some of them instead."""
    if kind == rtmidi.ERRORTYPE_DEBUG_WARNING:
        logger.debug("rtmidi: %s", text)
        return
    raise rtmidi.RtMidiError(text, type=kind)
