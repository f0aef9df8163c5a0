"""Audio in by PortAudio: which devices there are, which one a name means, and the stream of its blocks.

Used in the capture process alone. PortAudio looks for devices once in a process; and when a JACK server ends under an
open stream, every call that would close it waits for ever. Only a new process helps with either.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import queue
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from diffroll_live.audio.capture.messages import Block, InputDevice
from diffroll_live.audio.jack.client import JackWatch
from diffroll_live.errors import NoSuchDevice, PortError

JACK_CLIENT = b"diffroll-live-in"  # kept: PortAudio does not copy it
_CHANNELS = 2  # at most; more are other instruments
_OTHER_RATES = (48_000, 44_100, 96_000, 32_000, 16_000)  # Hz, for a device that cannot do what it calls its own
_MAX_WAITING = 1.0  # s of samples that wait to be read; what comes then is lost
_MIN_BLOCK = 0.01  # s
_STALL = 2.0  # s without a block after which a device counts as gone
_POLL_SECONDS = 0.1  # between two checks of a device that delivers nothing
_JACK = "JACK"
_CHECK_SECONDS = 1.0  # between two checks of a JACK client that is captured


def list_inputs() -> tuple[InputDevice, ...]:
    """List the devices that can be recorded from. Raises errors.NoSuchDevice without PortAudio."""
    portaudio = _portaudio()
    systems = portaudio.query_hostapis()
    try:
        main = portaudio.query_devices(kind="input")["index"]
    except portaudio.PortAudioError:
        main = -1
    return tuple(
        InputDevice(
            name=found["name"],
            system=systems[found["hostapi"]]["name"],
            channels=found["max_input_channels"],
            sample_rate=round(found["default_samplerate"]),
            is_default=found["index"] == systems[found["hostapi"]]["default_input_device"],
            is_main=found["index"] == main,
            index=found["index"],
        )
        for found in portaudio.query_devices()
        if found["max_input_channels"] > 0
    )


def choose(devices: Sequence[InputDevice], wanted: str) -> InputDevice:
    """Find the device that a text means: its name, its system ("jack": the default device), or a part that fits one.

    Case does not matter; an empty text is the machine's default. Raises errors.NoSuchDevice that lists the devices.
    """
    if not devices:
        raise NoSuchDevice("This machine has no audio input: plug one in, or start a JACK server.")
    key = wanted.strip().casefold()
    found = [device for device in devices if (device.is_main if not key else key in _whole_names(device))]
    found = found or [device for device in devices if device.is_default and key in _system_names(device)]
    found = found or [device for device in devices if key in device.label.casefold()]
    if len({device.name for device in found}) == 1:  # one device by several systems
        found = [device for device in found if device.is_main] or found[:1]
    if len(found) == 1:
        return found[0]
    names = "; ".join(device.label for device in found or devices)
    if found:
        raise NoSuchDevice(f"'{wanted}' could be any of these inputs: {names}. Give more of its name.")
    raise NoSuchDevice(f"There is no input '{wanted}'. Choose one of: {names}.")


@dataclass(frozen=True, slots=True)
class _Part:
    """What PortAudio delivered at once."""

    data: bytes
    frames: int
    at: float  # s of time.perf_counter at which the first frame sounded, as far as PortAudio knows
    lost: int  # frames before it for which there was no room
    overrun: bool


def _whole_names(device: InputDevice) -> tuple[str, str]:
    return device.name.casefold(), device.label.casefold()


def _system_names(device: InputDevice) -> tuple[str, ...]:
    system = device.system.casefold()
    return system, *system.split()


class InputStream:
    """An open device, to be read block by block. Raises errors.NoSuchDevice when it cannot be opened."""

    def __init__(self, device: InputDevice) -> None:
        portaudio = _portaudio()
        self.label = device.label
        self.channels = min(device.channels, _CHANNELS)
        self._source = _JackSource(device.name) if _JACK in device.system else None
        self._parts: queue.SimpleQueue[_Part] = queue.SimpleQueue()
        self._delivered = self._read = 0  # frames
        self._lost = 0  # frames, until the next part reports them
        try:
            self.sample_rate = _possible_rate(portaudio, device, self.channels)
            self._stream: Any = portaudio.RawInputStream(
                device=device.index,
                samplerate=self.sample_rate,
                channels=self.channels,
                dtype="float32",
                latency="low",
                callback=self._deliver,
            )
            self._stream.start()
        except portaudio.PortAudioError as error:
            text = f"The input {device.label} cannot be opened ({error}); another program may have it."
            raise NoSuchDevice(text) from error

    def read(self) -> Block:
        """Wait for the next 10 ms or more. Raises errors.NoSuchDevice when the device delivers no more."""
        parts = [self._next()]
        while sum(part.frames for part in parts) < _MIN_BLOCK * self.sample_rate:
            parts.append(self._next())
        if self._source is not None and self._source.is_gone():
            raise self._gone()
        lost, overrun = sum(part.lost for part in parts), any(part.overrun for part in parts)
        return Block(parts[0].at, lost, overrun, b"".join(part.data for part in parts))

    def close(self) -> None:
        """Close the device. May never return once a JACK server has died."""
        self._stream.abort()
        self._stream.close()

    def _next(self) -> _Part:
        deadline = time.monotonic() + _STALL
        while self._parts.empty() and self._stream.active and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                return self._count(self._parts.get(timeout=_POLL_SECONDS))
        if self._parts.empty():
            raise self._gone()
        return self._count(self._parts.get())

    def _gone(self) -> NoSuchDevice:
        return NoSuchDevice(f"The input {self.label} is gone; it is captured again when it is back.")

    def _count(self, part: _Part) -> _Part:
        self._read += part.frames
        return part

    def _deliver(self, data: Any, frames: int, times: Any, status: Any) -> None:
        """Take samples from PortAudio, on its thread; keep a bounded number."""
        now = time.perf_counter()
        if self._delivered - self._read > _MAX_WAITING * self.sample_rate:
            self._lost += frames
            return
        delay = times.currentTime - times.inputBufferAdcTime
        at = now - (delay if 0.0 < delay < _MAX_WAITING else frames / self.sample_rate)
        lost, self._lost = self._lost, 0
        self._delivered += frames
        self._parts.put(_Part(bytes(data), frames, at, lost, lost > 0 or bool(status.input_overflow)))


class _JackSource:
    """Checks whether a JACK client is still there: PortAudio does not notice, and delivers silence in its place."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._checked = time.monotonic()
        try:
            self._watch: JackWatch | None = JackWatch()
        except PortError:  # the server has gone this moment, or rtmidi was built without JACK
            self._watch = None

    def is_gone(self) -> bool:
        """Check, once a second."""
        now = time.monotonic()
        if self._watch is None or now - self._checked < _CHECK_SECONDS:
            return False
        self._checked = now
        return not self._watch.plays(self._name)


def _possible_rate(portaudio: ModuleType, device: InputDevice, channels: int) -> int:
    """Find the rate to open a device at: its own, or the first usual one that it can do."""
    for rate in dict.fromkeys((device.sample_rate, *_OTHER_RATES)):
        with contextlib.suppress(portaudio.PortAudioError):
            portaudio.check_input_settings(device.index, channels, "float32", samplerate=rate)
            return rate
    return device.sample_rate  # the error on opening says what is wrong


def _portaudio() -> ModuleType:
    """Import sounddevice, which opens PortAudio. Raises errors.NoSuchDevice where PortAudio is missing."""
    if "sounddevice" not in sys.modules:
        _name_jack_client()
    try:
        import sounddevice
    except OSError as error:
        raise NoSuchDevice("PortAudio is missing. Install it (Debian, Ubuntu: `apt install libportaudio2`).") from error
    module: ModuleType = sounddevice
    return module


def _name_jack_client() -> None:
    """Show our name in JACK; PortAudio must know it before it looks for a server."""
    library = ctypes.util.find_library("portaudio")
    if library is not None:
        with contextlib.suppress(OSError, AttributeError):  # not every PortAudio has JACK
            ctypes.CDLL(library).PaJack_SetClientName(JACK_CLIENT)
