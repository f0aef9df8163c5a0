"""Names in all languages, as people and systems give them to takes: nothing but control characters is refused."""

from __future__ import annotations

import subprocess

import pytest
from support.paths import BRIDGE
from support.reaper_scenes import INTERPRETERS

from diffroll_live.errors import ProtocolError
from diffroll_live.osc.arguments import fit
from diffroll_live.osc.codec import Message
from diffroll_live.osc.job_messages import JobNew, JobSet

NAMES = [
    "テイク\u3000一",  # ideographic space
    "prise\u202f1\u00a0!",  # narrow and no-break spaces, as in French and in macOS's screen captures
    "\u0645\u06cc\u200c\u062e\u0648\u0627",  # zero-width non-joiner
    "👩\u200d🎤",  # zero-width joiner
    "Auf\u00adnahme",  # soft hyphen
    "a\u2028b",
    "\ufeffa",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_languages_are_taken(name):
    assert fit(Message("/x", (name, "generate", name)), JobNew) == JobNew(name, "generate", name)
    assert fit(Message("/x", ("job", "save", f"/home/{name}.mid")), JobSet).value == f"/home/{name}.mid"


@pytest.mark.parametrize("character", ["\0", "\n", "\x1b", "\x7f", "\x85", "\ud83c"])
def test_control_characters_and_halves_of_a_pair_are_refused(character):
    with pytest.raises(ProtocolError, match="control characters"):
        fit(Message("/x", (f"a{character}b", "generate", "")), JobNew)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("script", ["reaper/diffroll_live/line.lua", "ardour/diffroll_live_transcribe.lua"])
def test_lua_escapes_control_characters_whatever_the_locale_calls_one(interpreter, script):
    """The set of a script's pattern, applied to every byte."""
    (escape,) = [line for line in (BRIDGE / script).read_text().splitlines() if r"\\u%04x" in line]
    pattern = escape[escape.index("'[") : escape.index("]'") + 2]
    code = f"for b = 0, 255 do if string.char(b):find({pattern}) then print(b) end end"
    done = subprocess.run([interpreter, "-e", code], capture_output=True, text=True, check=True)
    expected = [*range(32), ord('"'), ord("\\"), 127]
    assert [int(line) for line in done.stdout.split()] == expected
    assert "%c" not in (BRIDGE / script).read_text()
