"""One request of every kind."""

from __future__ import annotations

from diffroll_live.types import NoteEvent, Options, Region, Request
from support.asking import noise

CLIP = noise(4.0)


LONG = noise(25.0, rate=44_100)  # several windows


HOLES = (Region(1.0, 2.0), Region(2.5, 3.5, 48, 72))


HEARD = Region(0.2, 0.8, hear=True)


KNOWN = (
    NoteEvent(0.1234567890123, 2.2, 60, 1, 15),  # reaches over the first hole
    NoteEvent(0.5, 0.500001, 61, 127, 3),
    NoteEvent(1.5, 1.6, 70, 64),  # inside a hole
    NoteEvent(3.0, 3.1, 60, 64),  # inside a hole
    NoteEvent(3.0, 3.1, 73, 64),  # above that hole
    NoteEvent(3.9, 99.0, 21, 64),
)


KEPT = (KNOWN[0], KNOWN[1], KNOWN[4], KNOWN[5])


REQUESTS = {
    "transcribe": Request("job", "transcribe", CLIP),
    "transcribe a region": Request("job", "transcribe", CLIP, (Region(1.0, 2.0, 40, 80),)),
    "transcribe long audio": Request("job", "transcribe", LONG),
    "inpaint": Request("job", "inpaint", CLIP, HOLES),
    "inpaint around known notes": Request("job", "inpaint", CLIP, (*HOLES, HEARD), (*KNOWN[:1], *KNOWN[2:])),
    "inpaint what is heard": Request("job", "inpaint", CLIP, (HEARD,), KNOWN),
    "inpaint overlapping regions": Request("job", "inpaint", CLIP, (Region(1.0, 2.0), Region(1.5, 2.5), HEARD)),
    "inpaint at both ends": Request("job", "inpaint", CLIP, (Region(0.0, 0.5), Region(3.5, 4.0))),
    "continue": Request("job", "continue", CLIP, options=Options(seconds=2.0)),
    "continue known notes": Request("job", "continue", CLIP, (), KNOWN, Options(seconds=2.0)),
    "continue in regions": Request(
        "job",
        "continue",
        CLIP,
        (Region(4.5, 5.0, 60, 80), Region(15.0, 16.0, 40, 50, hear=True)),
        options=Options(seconds=12.0),
    ),
    "inpaint notes alone": Request("job", "inpaint", None, HOLES, KEPT, locked=(NoteEvent(1.25, 1.5, 64, 70),)),
    "continue notes alone": Request("job", "continue", None, (), KNOWN[:5], Options(seconds=2.0)),
    "generate": Request("job", "generate", None, options=Options(seconds=2.0)),
    "generate in a region": Request("job", "generate", None, (Region(0.5, 1.5, 60, 80, hear=True),)),
}


TRANSCRIPTION = REQUESTS["transcribe long audio"]
