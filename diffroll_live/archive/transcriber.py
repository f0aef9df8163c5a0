"""One recording after another through an engine; whatever is wrong with one is its answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diffroll_live.archive.items import Answer, Item, Transcribed, Untranscribed
from diffroll_live.errors import DiffrollError, InternalError
from diffroll_live.files.audio_file import read_audio
from diffroll_live.files.midi_file import smf_bytes
from diffroll_live.meter.meter_map import NO_METER, MeterMap
from diffroll_live.music.plan import plan_request
from diffroll_live.picture_types import Estimate
from diffroll_live.types import Engine, Options, Request, StreamedNote

logger = logging.getLogger(__name__)


class Unheard:
    """A control that nobody listens to; it keeps the bars and beats."""

    meter = NO_METER

    def progress(self, step: int, steps: int) -> None:
        """Tell nobody."""

    def estimate(self, estimate: Estimate) -> None:
        """Tell nobody."""

    def grid(self, meter: MeterMap) -> None:
        """Keep them for the file."""
        self.meter = meter

    def notes(self, notes: Sequence[StreamedNote]) -> None:
        """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Transcriber:
    """Reads recordings of up to ``max_seconds`` and transcribes them, all with the same options."""

    engine: Engine
    options: Options
    max_seconds: float

    def __call__(self, item: Item) -> Answer:
        """Transcribe a recording; never raises."""
        begin = time.perf_counter()
        try:
            audio = read_audio(Path(item.path), max_seconds=self.max_seconds)
            request = Request("", "transcribe", audio, options=self.options)  # one name, so that one is remembered
            control = Unheard()
            result = self.engine.run(plan_request(request, self.max_seconds), control)
            heard = result.pedal, result.bends
            files = tuple(smf_bytes(notes, control.meter, *heard) for notes in result.variations)
        except DiffrollError as error:
            return Untranscribed(item.name, error.code, error.text)
        except Exception as error:
            logger.exception("%s cannot be transcribed", item.path)
            return Untranscribed(item.name, InternalError.code, f"The engine failed on it ({error}).")
        return Transcribed(item.name, files, len(result.variations[0]), audio.seconds, time.perf_counter() - begin)
