"""A home in which Ardour starts without asking anything, with scripts in its slots and an empty session."""

from __future__ import annotations

import base64
import os
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

SESSION_SCRIPT = Path(__file__).parent / "ardour_session.lua"
START_SECONDS = 90.0  # on a machine with much else to do
OSC = "Open Sound Control (OSC)"

# An engine without a dialog that asks for it, and no plugins to look for
CONFIG = """<Ardour>
<Config>
<Option name="try-autostart-engine" value="1"/><Option name="hide-dummy-backend" value="0"/>
<Option name="use-lxvst" value="0"/>
</Config>
<Extra><AudioMIDISetup><EngineStates>
<State backend="{backend}" driver="{driver}" device="{device}" input-device="{device}" output-device="{device}"
 sample-rate="48000" buffer-size="1024" n-periods="0" input-latency="0" output-latency="0" input-channels="0"
 output-channels="0" active="1" use-buffered-io="0" midi-option="{midi}"/>
</EngineStates></AudioMIDISetup></Extra>
</Ardour>"""
JACK = {"backend": "JACK", "driver": "", "device": "", "midi": ""}
SILENCE = {"backend": "None (Dummy)", "driver": "Normal Speed", "device": "Silence", "midi": "No MIDI I/O"}

# Runs what it finds in a file, and leaves what that returns in another.
PROBE = """
function factory (params) return function ()
  local chunk, fault = loadfile (params.folder .. "/probe.lua")
  local fine, result = false, fault
  if chunk then fine, result = pcall (chunk) end
  local file = io.open (params.folder .. "/answer.part", "w")
  file:write (fine and "" or "FAILED ", tostring (result))
  file:close ()
  os.rename (params.folder .. "/answer.part", params.folder .. "/answer")
end end
"""

# Around an action script: hands for its dialogs, which are Ardour's but for the message box; and its end is told.
WRAPPED = """
local function keep (kind, text)
  local file = io.open ("{folder}/" .. kind, "a")
  file:write (text, "\\0")
  file:close ()
end
local Ardours = LuaDialog
local LuaDialog = setmetatable ({{
  Message = function (title, text) return {{ run = function () keep ("messages", text) end }} end,
  ProgressWindow = function (...)
    local window, shown = Ardours.ProgressWindow (...), false
    return {{
      progress = function (_, share, text)
        if text ~= shown then keep ("progress", text) end
        shown = text
        local meanwhile = loadfile ("{folder}/meanwhile.lua")
        if meanwhile and os.remove ("{folder}/meanwhile.lua") then meanwhile () end
        return window:progress (share, text)
      end,
      canceled = function () return window:canceled () or os.remove ("{folder}/cancel") ~= nil end,
      done = function () window:done () end,
    }}
  end
}}, {{ __index = Ardours }})
{source}
local made = factory
function factory (params)
  local run = made (params)
  return function () run () keep ("ends", "") end
end
"""


def make_settings(home: Path, scripts: Sequence[Path], engine: dict[str, str], spool: Path) -> None:
    """Write Ardour's settings: its engine, the probe in slot 1 and action scripts in the slots after it."""
    settings = home / ".config" / "ardour7"
    settings.mkdir(parents=True)
    (settings / ".a7").touch()  # not its first start
    (settings / "config").write_text(CONFIG.format(**engine), encoding="utf-8")
    sources = [(path.stem, WRAPPED.format(folder=home, source=path.read_text(encoding="utf-8"))) for path in scripts]
    params = {"folder": str(home), "spool": str(spool)}
    (settings / "ui_scripts").write_text(assigned([("probe", PROBE), *sources], params), encoding="utf-8")


def make_session(home: Path, session: Path) -> None:
    """Make an empty session whose OSC surface is on."""
    subprocess.run(
        ["ardour7-lua", str(SESSION_SCRIPT), str(session.parent), session.stem],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        check=False,  # it may crash after its work
        timeout=START_SECONDS,
    )
    tree = ET.parse(session)
    root = tree.getroot()
    root.remove(root.find("EngineHints"))  # else Ardour asks whether another engine will do
    root.find("ControlProtocols").find(f"Protocol[@name='{OSC}']").set("active", "1")
    tree.write(session, encoding="UTF-8", xml_declaration=True)


def assigned(scripts: Sequence[tuple[str, str]], params: dict[str, str]) -> str:
    """Write the file in which Ardour keeps the action scripts of its slots, from 1 on."""
    state = ["scripts = {}"]
    for number, (name, source) in enumerate(scripts, start=1):
        chunk = f"ardour = function () end {source}\nreturn factory (...)"
        fields = {"n": name, "s": source, "f": chunk}
        state += [f"scripts[{number}] = {{}}", f'scripts[{number}]["a"] = {{}}']
        state += [f'scripts[{number}]["{key}"] = {quoted(value)}' for key, value in fields.items()]
        state += [f'scripts[{number}]["a"]["{key}"] = {quoted(value)}' for key, value in params.items()]
    content = base64.b64encode(" ".join(state).encode()).decode()
    return f'<UIScripts><ActionScript lua="Lua 5.3">{content}</ActionScript><ActionHooks/></UIScripts>'


def quoted(text: str) -> str:
    """Write a Lua string."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'
