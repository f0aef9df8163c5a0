"""Every error that a user can meet, each with a stable wire code and a sentence that says how to fix it.

DiffrollError(text)                 code
├─ ProtocolError                    bad-message
│  └─ UnknownAddress                unknown-address
├─ AudioError                       bad-audio
│  ├─ UnknownBuffer                 unknown-buffer
│  ├─ TooLarge                      too-large
│  ├─ BadChecksum                   bad-checksum
│  ├─ Incomplete                    incomplete
│  ├─ NoSuchDevice                  no-such-device
│  └─ TimedOut                      timed-out
├─ RequestError                     bad-option
│  ├─ BadRegion                     bad-region
│  └─ UnknownJob                    unknown-job
├─ Busy                             busy
├─ EngineLost                       engine-lost
├─ Cancelled                        cancelled
├─ FileError                        file-refused
│  └─ FileMissing                   file-not-found
├─ CheckpointError                  no-model
│  └─ ChecksumMismatch              checksum
├─ PortError                        no-such-port
│  └─ PortClosed                    port-closed
├─ DeviceMemory                     out-of-memory
└─ InternalError                    internal
"""

from __future__ import annotations

from typing import ClassVar


class DiffrollError(Exception):
    """A failure with a code for programs, which never changes, and a text for people.

    The text says in one or two sentences what is wrong and what to do about it.
    """

    code: ClassVar[str] = "internal"

    @property
    def text(self) -> str:
        """The text for people."""
        return str(self)


class ProtocolError(DiffrollError):
    """An OSC message that does not fit the protocol."""

    code = "bad-message"


class UnknownAddress(ProtocolError):
    """An OSC address that the protocol does not have."""

    code = "unknown-address"


class AudioError(DiffrollError):
    """Audio that cannot be used: NaN, infinite, empty, or in an unsupported format or at an unsupported rate."""

    code = "bad-audio"


class UnknownBuffer(AudioError):
    """A buffer that was never opened, or was freed."""

    code = "unknown-buffer"


class TooLarge(AudioError):
    """More than the configured limits allow."""

    code = "too-large"


class BadChecksum(AudioError):
    """Chunks that arrived damaged: their bytes do not match the client's checksum."""

    code = "bad-checksum"


class Incomplete(AudioError):
    """A buffer that is used before all of it has arrived."""

    code = "incomplete"


class TimedOut(AudioError):
    """A buffer whose chunks stopped coming."""

    code = "timed-out"


class NoSuchDevice(AudioError):
    """An audio input that does not exist, has disappeared, or cannot be opened."""

    code = "no-such-device"


class RequestError(DiffrollError):
    """An option with an invalid value."""

    code = "bad-option"


class BadRegion(RequestError):
    """A region that is empty, reversed, outside the buffer or outside the piano."""

    code = "bad-region"


class UnknownJob(RequestError):
    """A job that was never created, or was forgotten."""

    code = "unknown-job"


class Busy(DiffrollError):
    """The queue is full."""

    code = "busy"


class EngineLost(DiffrollError):
    """A cluster that is not there, or that has lost what was asked of it."""

    code = "engine-lost"


class Cancelled(DiffrollError):
    """The job was cancelled; not a failure."""

    code = "cancelled"


class FileError(DiffrollError):
    """A file outside the allowed folders, or of a kind that cannot be read or written."""

    code = "file-refused"


class FileMissing(FileError):
    """A file that does not exist."""

    code = "file-not-found"


class CheckpointError(DiffrollError):
    """A model whose files are missing or do not fit together."""

    code = "no-model"


class ChecksumMismatch(CheckpointError):
    """A weights file that does not match its SHA256SUMS."""

    code = "checksum"


class PortError(DiffrollError):
    """A MIDI or network port that cannot be opened."""

    code = "no-such-port"


class PortClosed(PortError):
    """A MIDI port that disappeared while in use."""

    code = "port-closed"


class DeviceMemory(DiffrollError):
    """The device has too little memory even for the smallest window."""

    code = "out-of-memory"


class InternalError(DiffrollError):
    """A bug; the log has the traceback."""

    code = "internal"
