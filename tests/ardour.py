"""A real Ardour for tests: the program with its editor, on a screen in memory.

An action script is started by its slot, as a key starts it. A second script, the probe, runs Lua in Ardour and returns
what that says. Where a user's hand would be needed, there is a file instead: what a message box says is kept in one,
another presses Cancel.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jack import wait_until
from osc_client import UdpClient

from diffroll_live.types import NoteEvent

BRIDGE = Path(__file__).resolve().parent.parent / "bridge" / "ardour"
SESSION_SCRIPT = Path(__file__).parent / "ardour_session.lua"
LIBRARY = Path("/usr/lib/ardour7")
ENVIRONMENT = {
    "LD_LIBRARY_PATH": str(LIBRARY),
    "ARDOUR_DLL_PATH": str(LIBRARY),
    "ARDOUR_DATA_PATH": "/usr/share/ardour7",
    "ARDOUR_CONFIG_PATH": "/etc/ardour7",
}
START_SECONDS = 120.0  # on a machine with much else to do
RATE = 48_000
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


@dataclass(frozen=True, slots=True)
class RegionState:
    """A region as Ardour shows it."""

    track: str
    name: str
    position: int  # samples
    length: int  # samples


class Ardour:
    """Starts on entry, in a folder of its own that is its user's home too; ends on exit."""

    def __init__(self, home: Path, scripts: Sequence[Path], jack: dict[str, str] | None = None) -> None:
        self.home = home
        self.spool = home / "spool"
        self.session = home / "sitzung-ü" / "sitzung-ü.ardour"
        self._slots = {path.stem: number for number, path in enumerate(scripts, start=2)}
        self._environment = {**os.environ, **ENVIRONMENT, **(jack or {}), "HOME": str(home), "LANG": "C.UTF-8"}
        self._environment.pop("XDG_CONFIG_HOME", None)
        self._screen: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._make_home(scripts, JACK if jack else SILENCE)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End Ardour as a crash would, which asks nothing, and its screen."""
        for process in (self._process, self._screen):
            if process is not None:
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()

    def osc(self, address: str, *arguments: object) -> None:
        """Send a message to Ardour's own OSC surface."""
        with UdpClient(self.osc_port) as client:
            client.send(address, *arguments)

    def press(self, script: str) -> None:
        """Start an action script as its key would; returns at once."""
        for kind in ("ends", "messages", "progress", "cancel"):
            (self.home / kind).unlink(missing_ok=True)
        self.osc("/access_action", f"LuaAction/script-{self._slots[script]}")

    def wait(self) -> list[str]:
        """Wait until the script that was started has ended; give what it has told the user."""
        wait_until(lambda: (self.home / "ends").exists() or self._ended(), "the end of the script", START_SECONDS)
        return self.kept("messages")

    def kept(self, kind: str) -> list[str]:
        """Give what the script's message boxes ("messages") or its progress bar ("progress") have said so far."""
        file = self.home / kind
        return file.read_text(encoding="utf-8").split("\0")[:-1] if file.exists() else []

    def meanwhile(self, code: str) -> None:
        """Run Lua inside Ardour while a script shows its progress bar."""
        draft = self.home / "meanwhile.part"
        draft.write_text(code, encoding="utf-8")
        draft.replace(self.home / "meanwhile.lua")
        wait_until(lambda: not (self.home / "meanwhile.lua").exists() or self._ended(), "a look at the progress bar")

    def cancel(self) -> None:
        """Press Cancel in the progress bar."""
        (self.home / "cancel").touch()

    def lua(self, code: str) -> str:
        """Run Lua inside Ardour, where `Session` and `Editor` are, and give what it returns."""
        answer = self.home / "answer"
        answer.unlink(missing_ok=True)
        (self.home / "probe.lua").write_text(code, encoding="utf-8")
        self.osc("/access_action", "LuaAction/script-1")
        wait_until(lambda: answer.exists() or self._ended(), "Ardour to run a script")
        result = answer.read_text(encoding="utf-8")
        assert not result.startswith("FAILED"), f"{result} in {code}"
        return result

    def regions(self) -> list[RegionState]:
        """List the regions of all tracks, from the first position on."""
        lines = self.lua("""
            local lines = {}
            for route in Session:get_tracks ():iter () do
              for region in route:to_track ():playlist ():region_list ():iter () do
                lines[#lines + 1] = table.concat ({ route:name (), region:name (),
                  region:position ():samples (), region:length ():samples () }, "\\t")
              end
            end
            return table.concat (lines, "\\n")""").splitlines()
        found = [RegionState(track, name, int(at), int(n)) for track, name, at, n in (x.split("\t") for x in lines)]
        return sorted(found, key=lambda region: region.position)

    def dropped(self) -> bool:
        """Whether JACK has dropped Ardour, as it does with programs that do not answer it for two seconds."""
        return "JACK HALTED" in (self.home / "log").read_text(errors="replace")

    def place(self, path: Path, at: int) -> None:
        """Import a sound file onto a new track, at a position in samples, and select its region alone."""
        self.lua(f"""
            local files = C.StringVector ()
            files:push_back ("{path}")
            Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
              ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
              Temporal.timepos_t ({at}), ARDOUR.PluginInfo (), ARDOUR.Track (), false)""")
        self.select(path.stem)

    def select(self, name: str) -> None:
        """Select the regions of this name."""
        self.lua(f"""
            local chosen = ArdourUI.SelectionList ()
            for route in Session:get_tracks ():iter () do
              for region in route:to_track ():playlist ():region_list ():iter () do
                if region:name () == "{name}" then chosen:push_back (Editor:regionview_from_region (region)) end
              end
            end
            Editor:set_selection (chosen, ArdourUI.SelectionOp.Set)""")

    def notes(self, region: str) -> list[NoteEvent]:
        """Give the notes of a MIDI region where Ardour plays them: times in s from the start of the session."""
        lines = self.lua(f"""
            local tempo, lines = Temporal.TempoMap.read (), {{}}
            for route in Session:get_tracks ():iter () do
              for region in route:to_track ():playlist ():region_list ():iter () do
                if region:name () == "{region}" then
                  local start = tempo:quarters_at (region:position ())
                  local notes = ARDOUR.LuaAPI.note_list (region:to_midiregion ():midi_source (0):model ())
                  for note in notes:iter () do
                    local onset = start + note:time ()
                    lines[#lines + 1] = table.concat ({{ tempo:sample_at_beats (onset),
                      tempo:sample_at_beats (onset + note:length ()), note:note (), note:velocity () }}, " ")
                  end
                end
              end
            end
            return table.concat (lines, "\\n")""").splitlines()
        values = [[int(value) for value in line.split()] for line in lines]
        return sorted(NoteEvent(on / RATE, off / RATE, pitch, velocity) for on, off, pitch, velocity in values)

    def file_of(self, region: str) -> Path:
        """Save the session, and give the MIDI file of a region."""
        folder = self.session.parent / "interchange" / self.session.stem / "midifiles"
        return folder / self.lua(f"""
            Session:save_state ("")
            for route in Session:get_tracks ():iter () do
              for region in route:to_track ():playlist ():region_list ():iter () do
                if region:name () == "{region}" then return region:source (0):name () end
              end
            end""")

    def _make_home(self, scripts: Sequence[Path], engine: dict[str, str]) -> None:
        settings = self.home / ".config" / "ardour7"
        settings.mkdir(parents=True)
        (settings / ".a7").touch()  # not its first start
        (settings / "config").write_text(CONFIG.format(**engine), encoding="utf-8")
        sources = [("probe", PROBE)]
        sources += [
            (path.stem, WRAPPED.format(folder=self.home, source=path.read_text(encoding="utf-8"))) for path in scripts
        ]
        (settings / "ui_scripts").write_text(
            assigned(sources, {"folder": str(self.home), "spool": str(self.spool)}), encoding="utf-8"
        )
        subprocess.run(
            ["ardour7-lua", str(SESSION_SCRIPT), str(self.session.parent), self.session.stem],
            env={**os.environ, "HOME": str(self.home)},
            capture_output=True,
            check=False,  # it may crash after its work
            timeout=START_SECONDS,
        )
        tree = ET.parse(self.session)
        root = tree.getroot()
        root.remove(root.find("EngineHints"))  # else Ardour asks whether another engine will do
        surfaces = root.find("ControlProtocols")
        surfaces.find(f"Protocol[@name='{OSC}']").set("active", "1")
        tree.write(self.session, encoding="UTF-8", xml_declaration=True)

    def _start(self) -> None:
        self._screen = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._environment["DISPLAY"] = ":" + self._screen.stdout.readline().decode().strip()
        with (self.home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [next(LIBRARY.glob("ardour-7*")), "-a", "-n", "-d", "-O", self.session.parent],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: bool(self._udp_ports()) or self._ended(), "Ardour's OSC surface", START_SECONDS)
        self.osc_port = self._udp_ports()[0]
        self.lua("return Session:name ()")

    def _udp_ports(self) -> list[int]:
        """List the UDP ports that Ardour has open on all interfaces: its OSC surface's, 3819 if nobody else has it."""
        own = set()
        for link in Path(f"/proc/{self._process.pid}/fd").iterdir():
            try:
                own.update(re.findall(r"socket:\[(\d+)\]", str(link.readlink())))
            except FileNotFoundError:
                continue
        rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
        return [int(row[1][9:], 16) for row in rows if row[9] in own and row[1].startswith("00000000")]

    def _ended(self) -> bool:
        code = self._process.poll()
        assert code is None, f"Ardour ended with {code}: " + (self.home / "log").read_text(errors="replace")[-2000:]
        return False


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
