"""The capture process: ``python -m diffroll_live.audio.capture.process list``, or ``hear DEVICE``.

It alone opens PortAudio, so that an audio system that crashes or never answers takes nothing with it: the daemon ends
this process and starts another. What it says goes to stdout as capture_messages; it ends when nobody reads it, or
when the device is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO, NoReturn

from diffroll_live.audio.capture.devices import InputStream, choose, list_inputs
from diffroll_live.audio.capture.messages import Opened, Refused, Saying, pack
from diffroll_live.errors import DiffrollError, InternalError

Say = Callable[[Saying], None]

_FAREWELL_SECONDS = 1.0


def main(arguments: list[str]) -> NoReturn:
    """Run and end the process; whatever goes wrong is said."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with _words_apart() as out:

        def say(saying: Saying) -> None:
            out.write(pack(saying))

        try:
            _run(arguments, say)
        except DiffrollError as error:
            say(Refused(error.code, error.text))
        except (SystemExit, BrokenPipeError):
            pass  # nobody wants to hear more
        except Exception as error:  # noqa: BLE001 - the daemon tells its client, whatever it is
            say(Refused(InternalError.code, f"The audio system failed ({error}); it is tried again."))
    os._exit(0)  # PortAudio's own farewell may never return


def _run(arguments: list[str], say: Say) -> None:
    match arguments:
        case ["list"]:
            for device in list_inputs():
                say(device)
        case ["hear", wanted]:
            _hear(InputStream(choose(list_inputs(), wanted)), say)
        case _:
            raise InternalError(f"The capture process does not understand {arguments}.")


def _hear(stream: InputStream, say: Say) -> None:
    """Say what is heard until nobody listens; then leave in order, so that a JACK server need not wait for us."""
    say(Opened(stream.label, stream.sample_rate, stream.channels))
    try:
        while True:
            say(stream.read())
    except (SystemExit, BrokenPipeError):
        timeout = threading.Timer(_FAREWELL_SECONDS, os._exit, (0,))
        timeout.daemon = True
        timeout.start()
        stream.close()
        raise


def _words_apart() -> BinaryIO:
    """Give what was stdout to our words alone: what audio libraries print goes to stderr."""
    ours = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return ours


if __name__ == "__main__":
    main(sys.argv[1:])
