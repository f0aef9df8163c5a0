"""The four tasks for a clip of Live's Session, over AbletonOSC: clip to request, notes to a new clip beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from diffroll_live.errors import BadRegion, RequestError
from diffroll_live.files.audio_file import read_audio
from diffroll_live.integrations.ableton.abletonosc import AbletonOsc
from diffroll_live.integrations.ableton.session import (
    BeatNote,
    add_clip,
    selected_clip,
    selected_slot,
    signature,
    still_there,
    tempo,
)
from diffroll_live.meter.meter_map import MeterMap, steady_meter
from diffroll_live.music.pedal import held
from diffroll_live.types import NoteEvent, Options, Region, Request, Result, Task

CONTEXT = 30.0  # s of the file on either side of a clip that a fill uses as context
_SLACK = 1e-3  # s

Run = Callable[[Request], Result]


@dataclass(frozen=True, slots=True)
class Written:
    """The result of a job."""

    notes: int
    track: str


def run_selected(
    live: AbletonOsc,
    task: Task,
    run: Run,
    options: Options,
    regions: tuple[Region, ...] = (),
    hear: bool = False,
) -> Written:
    """Run a task for the selected clip, or `generate` in the selected slot's scene.

    Regions are in seconds of the clip. Without one a fill replaces everything that the clip plays, using the file
    around it as context; ``hear`` lets the model hear the clip as well. Raises errors.DiffrollError; Live is then
    unchanged.
    """
    if task == "generate":
        track, scene = selected_slot(live)
        result = run(Request("Live", task, None, regions, (), options, meter=_meter(live, 0.0)))
        return _write(live, track, scene, "DiffRoll", result.variations[0], options.seconds)
    clip = selected_clip(live)
    around = CONTEXT if task == "inpaint" else 0.0
    first = max(clip.begin - around, 0.0)
    audio = read_audio(clip.path, first, clip.end + around - first, name=clip.name)
    lead = clip.begin - first  # s of the audio before the clip begins
    seconds = min(clip.end - first, audio.seconds) - lead
    if task == "inpaint":
        regions = regions or (Region(0.0, seconds, hear=hear),)
    if any(region.offset > seconds + _SLACK for region in regions):
        raise BadRegion(f"The clip plays {seconds:.2f} s; choose a region within it.")
    moved = tuple(replace(r, onset=r.onset + lead, offset=min(r.offset, seconds) + lead) for r in regions)
    result = run(Request("Live", task, audio, moved, (), options, meter=_meter(live, lead)))
    still_there(live, clip)
    begin, length, name = lead, seconds, clip.name
    if task == "continue":
        begin, length, name = audio.seconds, options.seconds, f"{clip.name}, continued"
    notes = _moved(held(result.variations[0], result.pedal), -begin)  # AbletonOSC writes no controllers
    return _write(live, clip.track, clip.scene, name, notes, length)


def _meter(live: AbletonOsc, bar_at: float) -> MeterMap | None:
    """The song's bars, one of which begins with the clip; whether unwarped music keeps to them is to be heard."""
    try:
        return steady_meter(tempo(live), signature(live), bar_at, source="transport", confidence=0.5)
    except RequestError:
        return None


def _moved(notes: Iterable[NoteEvent], seconds: float) -> list[NoteEvent]:
    """Move notes in time, dropping those that would begin before 0."""
    moved = (replace(note, onset=note.onset + seconds, offset=note.offset + seconds) for note in notes)
    return [replace(note, onset=max(note.onset, 0.0)) for note in moved if note.onset > -_SLACK]


def _write(live: AbletonOsc, track: int, scene: int, name: str, notes: Iterable[NoteEvent], seconds: float) -> Written:
    """Write notes into a clip of ``seconds`` at the song's present tempo."""
    beats = tempo(live) / 60.0  # per second
    written = [BeatNote(n.onset * beats, n.pitch, n.duration * beats, n.velocity) for n in notes]
    label = add_clip(live, track, scene, name, seconds * beats, written)
    live.tell("/live/api/show_message", f"DiffRoll: {len(written)} notes in {label}")
    return Written(len(written), label)
