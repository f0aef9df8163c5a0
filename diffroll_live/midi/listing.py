"""The MIDI ports of this machine, listed by a process of its own: ``python -m diffroll_live.midi.listing API``.

libjack shares its tables among the clients of a process. One that is refused because its server dies at this moment
takes the others with it, the daemon's output among them; so the daemon lists ports in a process that may end.
Prints a JSON object: "in" and "out" with names, or "error" with a sentence.
"""

from __future__ import annotations

import json
import sys

from diffroll_live.errors import PortError
from diffroll_live.midi.input import list_inputs
from diffroll_live.midi.ports import list_ports


def main(api: str) -> None:
    """Print what there is."""
    try:
        found: dict[str, object] = {"in": list_inputs(api), "out": list_ports(api)}
    except PortError as error:
        found = {"error": error.text}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
