"""Talk to diffroll-live in sixty lines: transcribe a recording, or fill a gap in it, and print the notes.

Usage: python diffroll_client.py RECORDING.wav [FROM TO]      (needs only python-osc: pip install python-osc)
"""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

DAEMON = ("127.0.0.1", 7770)
PATIENCE = 10.0  # s without a word before we give up


class Daemon:
    """A running daemon, seen through one UDP socket: replies come back to where messages went out."""

    def __init__(self, address: tuple[str, int] = DAEMON) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address)

    def send(self, address: str, *arguments: str | float) -> None:
        """Send one message of PROTOCOL.md."""
        message = OscMessageBuilder(address)
        for argument in arguments:
            message.add_arg(argument)
        self.socket.send(message.build().dgram)

    def replies(self, until: str) -> Iterator[OscMessage]:
        """Yield what the daemon says, up to the reply ``until``; what it cannot do ends the program in its words."""
        reply = None
        while reply is None or reply.address != until:
            try:
                reply = OscMessage(self.socket.recv(65536))
            except OSError:
                sys.exit("diffroll-live does not answer; start it with: diffroll-live serve")
            if reply.address == "/diffroll/error":
                sys.exit(f"diffroll-live: {reply.params[2]}")
            yield reply


def main(recording: str, *gap: str) -> None:
    """Have the recording read, start the job, print each note once the last version of it has come, then the pedal."""
    daemon, notes, pedal = Daemon(), {}, []
    daemon.send("/diffroll/audio/file", "take", str(Path(recording).resolve()))
    list(daemon.replies(until="/diffroll/audio/ready"))
    if gap:
        daemon.send("/diffroll/inpaint", "job", "take", *map(float, gap))
    else:
        daemon.send("/diffroll/transcribe", "job", "take")
    for reply in daemon.replies(until="/diffroll/job/done"):
        if reply.address == "/diffroll/note":
            _, index, pitch, onset, duration, velocity, _ = reply.params
            notes[index] = (onset, duration, pitch, velocity)  # the same index again replaces an earlier note
        elif reply.address == "/diffroll/pedal":
            pedal.append(reply.params[1:])
    for onset, duration, pitch, velocity in sorted(notes.values()):
        print(f"{onset:9.3f} s  {duration:6.3f} s  pitch {pitch:3}  velocity {velocity:3}")
    for onset, duration in pedal:
        print(f"{onset:9.3f} s  {duration:6.3f} s  pedal")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
