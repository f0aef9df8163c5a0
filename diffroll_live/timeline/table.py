"""The sources of the DAW's time, one row each: the traits of its reports, and how to open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diffroll_live.config import Config
from diffroll_live.midi.ports import PortChoice
from diffroll_live.timeline.jack_transport import JackSource
from diffroll_live.timeline.link import LinkSource
from diffroll_live.timeline.midi_clock import MidiClock
from diffroll_live.timeline.midi_source import MidiSource
from diffroll_live.timeline.midi_timecode import MidiTimecode
from diffroll_live.timeline.sources import ReportSink, Source
from diffroll_live.timeline.timeline import SourceTraits, Timeline


@dataclass(frozen=True, slots=True)
class SourceRow:
    """The traits of a source and how to open it; sources that need a MIDI port get a choice of one."""

    traits: SourceTraits
    open: Callable[[PortChoice, ReportSink, Callable[[], float]], Source] | None  # None: its reports come over OSC


SOURCES: dict[str, SourceRow] = {
    "osc": SourceRow(SourceTraits(jitter=0.005, timeout=2.0, varispeed=True), None),
    "midi-clock": SourceRow(
        SourceTraits(jitter=0.002, timeout=0.5),
        lambda choice, report, clock: MidiSource(MidiClock(), choice, report, clock),
    ),
    "mtc": SourceRow(
        SourceTraits(jitter=0.002, timeout=0.25, varispeed=True),
        lambda choice, report, clock: MidiSource(MidiTimecode(), choice, report, clock),
    ),
    "jack": SourceRow(SourceTraits(jitter=0.0005, timeout=1.0), lambda _, report, clock: JackSource(report, clock)),
    "link": SourceRow(SourceTraits(jitter=0.0005, timeout=1.0), lambda _, report, clock: LinkSource(report, clock)),
}


def source_opener(config: Config, timeline: Timeline, clock: Callable[[], float]) -> Callable[[], Source] | None:
    """Return a function that opens the configured source; None if its reports come over OSC."""
    row, transport = SOURCES[config.transport.source], config.transport
    opening = row.open
    if opening is None:
        return None
    api = "auto" if config.midi.api == "none" else config.midi.api
    choice = PortChoice(api, transport.midi_port or None, config.midi.client_name, transport.port_name)  # type: ignore[arg-type]
    return lambda: opening(choice, timeline.update, clock)
