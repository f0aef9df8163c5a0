"""What this Live offers of all that the script uses: looked up at start, told in the log and to whoever asks."""

from __future__ import annotations

import sys

import Live

# what is used, and what cannot be done without it
NEEDED = (
    ("Clip", "Clip", "warp_markers", "warped clips"),
    ("Clip", "Clip", "get_selected_notes_extended", "fill"),
    ("Clip", "Clip", "add_new_notes", "writing notes"),
    ("Clip", "MidiNoteSpecification", "", "writing notes"),
    ("Track", "Track", "duplicate_clip_to_arrangement", "clips in the Arrangement"),
    ("Track", "Track", "arrangement_clips", "clips in the Arrangement"),
    ("Song", "Song", "begin_undo_step", "one undo step"),
)


def missing() -> str:
    """List what this Live lacks, with what it is needed for."""
    lacks = []
    for module, kind, name, purpose in NEEDED:
        owner = getattr(getattr(Live, module, None), kind, None)
        if owner is None or (name and not hasattr(owner, name)):
            lacks.append(f"{kind}.{name} ({purpose})" if name else f"{kind} ({purpose})")
    return ", ".join(lacks)


def findings() -> str:
    """Say in a sentence which Live and which Python this is, and what they lack."""
    application = Live.Application.get_application()
    numbers = application.get_major_version(), application.get_minor_version(), application.get_bugfix_version()
    version, python = (".".join(map(str, parts)) for parts in (numbers, sys.version_info[:2]))
    lacks = missing()
    return "Live {} with Python {} {}".format(version, python, "lacks " + lacks if lacks else "has all that is needed")
