"""The capture process: ``python -m diffroll_live.audio.capture.process list``, or ``capture DEVICE``.

It alone opens PortAudio, so that an audio system that crashes or never answers takes nothing with it: the daemon ends
this process and starts another. It writes messages to stdout, and ends when nobody reads them or the device is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO, NoReturn

from diffroll_live.audio.capture.devices import InputStream, choose, list_inputs
from diffroll_live.audio.capture.messages import CaptureMessage, Opened, Refused, pack
from diffroll_live.errors import DiffrollError, InternalError

Send = Callable[[CaptureMessage], None]

_CLOSE_SECONDS = 1.0  # for PortAudio to close the device


def main(arguments: list[str]) -> NoReturn:
    """Run and end the process; whatever goes wrong is sent, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with _own_stdout() as out:

        def send(message: CaptureMessage) -> None:
            out.write(pack(message))

        try:
            _run(arguments, send)
        except DiffrollError as error:
            send(Refused(error.code, error.text))
        except (SystemExit, BrokenPipeError):
            pass  # nobody wants more
        except Exception as error:  # noqa: BLE001 - the daemon tells its client, whatever it is
            send(Refused(InternalError.code, f"The audio system failed ({error}); it is tried again."))
    os._exit(0)  # PortAudio's own clean-up at exit may never return


def _run(arguments: list[str], send: Send) -> None:
    match arguments:
        case ["list"]:
            for device in list_inputs():
                send(device)
        case ["capture", wanted]:
            _capture(InputStream(choose(list_inputs(), wanted)), send)
        case _:
            raise InternalError(f"The capture process does not understand {arguments}.")


def _capture(stream: InputStream, send: Send) -> None:
    """Send blocks until nobody reads them; then close in order, so that a JACK server need not wait for us."""
    send(Opened(stream.label, stream.sample_rate, stream.channels))
    try:
        while True:
            send(stream.read())
    except (SystemExit, BrokenPipeError):
        timeout = threading.Timer(_CLOSE_SECONDS, os._exit, (0,))
        timeout.daemon = True
        timeout.start()
        stream.close()
        raise


def _own_stdout() -> BinaryIO:
    """Keep stdout for our messages alone: what audio libraries print goes to stderr."""
    ours = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return ours


if __name__ == "__main__":
    main(sys.argv[1:])
