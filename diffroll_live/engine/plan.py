"""A request as one model answers it: the model's defaults filled in, and how each region is answered."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diffroll_live.composer.samplers import WRITERS
from diffroll_live.engine.defaults import Defaults
from diffroll_live.engine.masks import AudioMasks, hide
from diffroll_live.engine.window_asks import Sampling
from diffroll_live.model.adapters.base import ModelAdapter
from diffroll_live.model.decoding import Thresholds
from diffroll_live.model.samplers import SAMPLERS
from diffroll_live.music.controls import under
from diffroll_live.types import QUALITIES, Options, Region, RequestPlan

WRITING_STEPS = 8  # evaluations of a piece, for writers that take so many
CONTEXT_WINDOWS = (1, 1, 2)  # by quality: what is read in time for a first note, and about all that a passage holds


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """Everything decided about a request before any computation.

    windowed: the regions that are answered window by window, from the audio or by filling what ``masks`` hide.
    infilled: those that the composer writes, from the notes around them, with all their controls. ``writer`` and
    ``writing_steps`` say how.
    """

    request: RequestPlan
    adapter: ModelAdapter
    n_frames: int  # of audio
    windowed: tuple[Region, ...]
    infilled: tuple[Region, ...]
    masks: AudioMasks | None  # None: nothing is hidden
    thresholds: Thresholds
    window_sampling: Sampling
    context_sampling: Sampling  # of the music around infilled regions: as a draft, the same for every seed
    context_windows: int  # of that music on each side of a region
    writer: str
    writing_steps: int
    abreast: int  # windows that are asked for at once

    @property
    def n_readable(self) -> int:
        """Frames that windows may cover: of the audio, and of what is to be filled after it."""
        return self.n_frames if self.masks is None else self.masks.n_frames

    @property
    def n_rolled(self) -> int:
        """Frames of a roll that holds all that is read and written."""
        ends = (self.adapter.geometry.n_frames(region.offset) for region in self.infilled)
        return max(self.n_readable, *ends, 1)


def plan_for_model(
    request: RequestPlan, adapter: ModelAdapter, defaults: Defaults, n_frames: int, *, composes: bool, abreast: int = 1
) -> EnginePlan:
    """Plan a request with ``n_frames`` of audio for a model; ``composes`` says whether it has a composer.

    ``abreast`` windows are worth asking for at once.
    """
    options = request.options
    infilled = tuple(under(options, region) for region in request.hidden) if composes else ()
    window_sampling = _sampling(options, defaults, defaults.reading_steps)
    return EnginePlan(
        request=request,
        adapter=adapter,
        n_frames=n_frames,
        windowed=tuple(region for region in request.regions if not (composes and region in request.hidden)),
        infilled=infilled,
        masks=hide(adapter, request.hidden, n_frames) if request.hidden and not infilled else None,
        thresholds=_thresholds(options, defaults),
        window_sampling=window_sampling,
        context_sampling=replace(window_sampling, steps=defaults.reading_steps[0], guidance=0.0, seed=0),
        context_windows=CONTEXT_WINDOWS[QUALITIES.index(options.quality)],
        writer=_writer(options),
        writing_steps=options.steps or WRITING_STEPS,
        abreast=abreast,
    )


def _writer(options: Options) -> str:
    """The way of writing that is asked for, note after note unless time presses."""
    if options.sampler in WRITERS:
        return str(options.sampler)
    return "thinning" if options.quality == "draft" else "note-by-note"


def _thresholds(options: Options, defaults: Defaults) -> Thresholds:
    onset = defaults.onset_threshold if options.threshold is None else options.threshold
    return Thresholds(onset, defaults.frame_threshold, options.min_note)


def _sampling(options: Options, defaults: Defaults, steps_by_quality: tuple[int, int, int]) -> Sampling:
    return Sampling(
        sampler=SAMPLERS[options.sampler if options.sampler in SAMPLERS else defaults.sampler],
        steps=options.steps or steps_by_quality[QUALITIES.index(options.quality)],
        guidance=defaults.guidance if options.guidance is None else options.guidance,
        seed=options.seed,
    )
