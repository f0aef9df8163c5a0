"""The sustain pedal of a request, as it is heard in the regions."""

from __future__ import annotations

from collections.abc import Sequence

from diffroll_live.engine.transcription import PosteriorSpan
from diffroll_live.model.pedalling import decode_pedal
from diffroll_live.music.pedal import with_heard
from diffroll_live.types import PedalSpan, RequestPlan


def pedal_of(spans: Sequence[PosteriorSpan], plan: RequestPlan, frame_rate: float) -> tuple[PedalSpan, ...]:
    """Decode the pedal of spans that were sampled, in place of the user's; only the user's where it is not wanted."""
    if plan.options.pedal == "off":
        return plan.pedal
    return with_heard(plan, [row for span in spans for row in _decoded(span, frame_rate)])


def _decoded(span: PosteriorSpan, frame_rate: float) -> list[PedalSpan]:
    posterior = span.posteriors[0]  # of all variations alike: it is heard, not drawn
    if posterior.pedal is None:
        return []
    first, last = span.first / frame_rate, (span.first + posterior.n_frames) / frame_rate
    rows = decode_pedal(posterior.pedal, frame_rate).tolist()
    return [PedalSpan(first + down, min(first + up, last)) for down, up in rows]
