"""What a task is given: a recording, or a MIDI file whose notes are filled or continued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from diffroll_live.cli import failures
from diffroll_live.cli.options import TaskChoices
from diffroll_live.errors import AudioError, RequestError
from diffroll_live.files.audio_file import read_audio
from diffroll_live.files.midi_file import Score, is_midi, smf_bytes
from diffroll_live.files.midi_song import Part, Song, read_song
from diffroll_live.meter.meter_map import NO_METER, MeterMap
from diffroll_live.music.plan import plan_request
from diffroll_live.music.regions import spans_of
from diffroll_live.types import NoteEvent, Picture, Request, RequestPlan, Result, Task

#: The longest recording that is read at once. By `/usr/bin/time -v diffroll-live transcribe --local FILE`, ten minutes
#: at 16 kHz take 1.05 GB of memory, and thirty 1.61 GB; at that rate four hours take about 7.5 GB.
MAX_SECONDS = 4 * 3600.0


@dataclass(frozen=True)
class Given:
    """A request, and the MIDI file that it is about, if it is one: new notes go to ``part`` of ``song``."""

    request: Request
    song: Song | None = None
    part: Part | None = None

    @cached_property
    def plan(self) -> RequestPlan:
        """The request as it is answered."""
        return plan_request(self.request, MAX_SECONDS)

    def placed(self, result: Result) -> Result:
        """Put the new notes of a result on the channel of their part."""
        if self.part is None:
            return result
        channel, kept = self.part.channel, self.plan.kept
        variations = (
            tuple(sorted([*kept, *(replace(note, channel=channel) for note in new_notes(notes, kept))]))
            for notes in result.variations
        )
        return replace(result, variations=tuple(variations))

    def midi(self, notes: Iterable[NoteEvent], meter: MeterMap | None, result: Result) -> bytes:
        """Write a variation of a result as a MIDI file: the given one with its new notes, or one of these bars.

        Raises errors.FileError.
        """
        if self.song is None or self.part is None:
            return smf_bytes(notes, meter or NO_METER, result.pedal, result.bends)
        more = [span for span in result.pedal if span not in self.request.pedal]
        return self.song.with_notes(self.part, self.plan.regions, new_notes(notes, self.plan.kept), more)


def new_notes(notes: Iterable[NoteEvent], kept: Iterable[NoteEvent]) -> list[NoteEvent]:
    """The notes that were not there before, in their order."""
    there, new = Counter(kept), []
    for note in notes:
        there[note] -= 1
        if there[note] < 0:
            new.append(note)
    return new


def read_input(
    task: Task, wanted: TaskChoices, source: Path | None, pictures: frozenset[Picture], known: Score
) -> Given:
    """Read an input into a request. Raises FileError, AudioError and RequestError for one that cannot be used."""
    if source is not None and is_midi(source):
        return _song(task, wanted, source, pictures)
    name = source.name if source else ""
    if wanted.track is not None:
        raise RequestError(f"--track names a track of a MIDI file; {name} is a recording.")
    audio = read_audio(source, wanted.start, wanted.duration, max_seconds=MAX_SECONDS) if source else None
    for remark in audio.remarks if audio else ():
        failures.warn(f"{name}: {remark}")
    meter = wanted.meter or known.meter
    options, regions = wanted.options, wanted.regions
    return Given(Request(name, task, audio, regions, known.notes, options, pictures, meter, known.pedal, known.bends))


def _song(task: Task, wanted: TaskChoices, source: Path, pictures: frozenset[Picture]) -> Given:
    name = source.name
    if task == "transcribe":
        raise AudioError(f"{name} is MIDI already, so there is nothing to transcribe; inpaint and continue take it.")
    if wanted.start or wanted.duration is not None:
        raise RequestError(f"--start and --duration choose a part of a recording; {name} is MIDI, and read whole.")
    if wanted.known is not None:
        raise RequestError(f"--notes goes with a recording; {name} has notes of its own.")
    if any(region.hear for region in wanted.regions):
        raise RequestError(f"--hear goes with a recording; {name} is MIDI, and there is nothing to hear.")
    song = read_song(source)
    end = max((note.offset for part in song.parts for note in part.notes), default=0.0)
    part = song.part(wanted.track, spans_of(wanted.regions) or [(end, end)])
    meter, locked = wanted.meter or song.meter, song.others(part)
    has = meter, song.pedal, song.bends, locked
    request = Request(name, task, None, wanted.regions, part.notes, wanted.options, pictures, *has)
    return Given(request, song, part)
