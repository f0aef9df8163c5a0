"""A real Ardour for tests: the program with its editor, on a screen in memory.

An action script is started by its slot, as a key starts it. A second script, the probe, runs Lua in Ardour and returns
what that says. Where a user's hand would be needed, there is a file instead: what a message box says is kept in one,
another presses Cancel.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from diffroll_live.types import NoteEvent
from support.ardour_home import JACK, SILENCE, START_SECONDS, make_session, make_settings
from support.osc_client import UdpClient
from support.paths import BRIDGE
from support.waiting import wait_until

ARDOUR_BRIDGE = BRIDGE / "ardour"
LIBRARY = Path("/usr/lib/ardour7")
ENVIRONMENT = {
    "LD_LIBRARY_PATH": str(LIBRARY),
    "ARDOUR_DLL_PATH": str(LIBRARY),
    "ARDOUR_DATA_PATH": "/usr/share/ardour7",
    "ARDOUR_CONFIG_PATH": "/etc/ardour7",
}
RATE = 48_000


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
        make_settings(home, scripts, JACK if jack else SILENCE, self.spool)
        make_session(home, self.session)

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

    def lag(self) -> float:
        """Give by how much the monotonic clock is ahead of the playhead, in s."""
        return time.monotonic() - int(self.lua("return Session:transport_sample ()")) / RATE

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
