"""Clips of Live's Session as AbletonOSC shows them: the selected one, what it plays, and new MIDI clips beside it."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from diffroll_live.errors import Cancelled, DiffrollError, FileMissing, Incomplete, RequestError
from diffroll_live.integrations.ableton.abletonosc import AbletonOsc, Value
from diffroll_live.osc.codec import Argument

NOTES_AT_ONCE = 300  # 21 bytes each; macOS refuses datagrams above 9216 bytes
TRACK_PREFIX = "DiffRoll"  # of the tracks that we create and may reuse
SCRIPT = "our Remote Script does that: run 'diffroll-live install-bridge ableton'"
_OVERLAP = 0.01  # beats by which pages overlap, since float32 rounds their edges
_CREATION_TIMEOUT = 5.0  # s until a new clip exists
_POLL_SECONDS = 0.03  # s


@dataclass(frozen=True, slots=True)
class AudioClip:
    """An unwarped audio clip in the Session: it plays seconds [begin, end) of its file."""

    track: int
    scene: int
    name: str
    path: Path
    begin: float
    end: float


@dataclass(frozen=True, slots=True, order=True)
class BeatNote:
    """A note of a MIDI clip, in beats."""

    start: float
    pitch: int
    duration: float
    velocity: int


def tempo(live: AbletonOsc) -> float:
    """Read the song's tempo, in BPM."""
    return _number(live.ask("/live/song/get/tempo"))


def signature(live: AbletonOsc) -> tuple[int, int]:
    """Read the song's signature."""
    numerator, denominator = (live.ask(f"/live/song/get/signature_{part}") for part in ("numerator", "denominator"))
    return int(_number(numerator)), int(_number(denominator))


def selected_slot(live: AbletonOsc) -> tuple[int, int]:
    """Return track and scene of the selection, from 0. Raises errors.RequestError for a return or main track."""
    try:
        track, scene = (int(_number((value,))) for value in live.ask("/live/view/get/selected_clip"))
    except RequestError as error:
        raise RequestError("Select a clip on an audio track; the selected track cannot hold clips.") from error
    return track, scene


def selected_clip(live: AbletonOsc) -> AudioClip:
    """Read the selected clip. Raises errors.RequestError for an unsuitable one, FileMissing."""
    track, scene = where = selected_slot(live)
    if not live.ask("/live/clip_slot/get/has_clip", *where)[0]:
        raise RequestError("No clip is selected: click an audio clip in the Session, then try again.")

    def get(name: str) -> tuple[Argument, ...]:
        return live.ask(f"/live/clip/get/{name}", *where)

    if not get("is_audio_clip")[0]:
        raise RequestError(f"The selected clip is a MIDI clip; select an audio clip. For MIDI clips, {SCRIPT}.")
    if get("warping")[0]:
        raise RequestError(f"The selected clip is warped, and AbletonOSC gives no access to warp markers; {SCRIPT}.")
    if _number(get("pitch_coarse")):
        raise RequestError("The clip is transposed, so it plays at another speed; set its pitch to 0.")
    path = Path(str(get("file_path")[0]))
    if not path.is_file():
        raise FileMissing(f"The sample {path} does not exist; find it with Live's File Manager.")
    begin, end = (max(_number(get(name)), 0.0) for name in ("loop_start", "loop_end"))
    return AudioClip(track, scene, str(get("name")[0]), path, begin, end)


def still_there(live: AbletonOsc, clip: AudioClip) -> None:
    """Check that a clip is where it was. Raises errors.Cancelled if it was moved or deleted."""
    where = clip.track, clip.scene
    with suppress(RequestError):
        full = live.ask("/live/clip_slot/get/has_clip", *where)[0]
        if full and Path(str(live.ask("/live/clip/get/file_path", *where)[0])) == clip.path:
            return
    raise Cancelled("The clip was moved or deleted in the meantime; nothing was changed.")


def add_clip(live: AbletonOsc, beside: int, scene: int, name: str, beats: float, notes: Sequence[BeatNote]) -> str:
    """Write a MIDI clip into a free slot right of a track, on one of our tracks or a new one; return the track's name.

    Raises errors.Incomplete if notes get lost. After any failure, what was created is removed again.
    """
    track = beside + 1
    made = not _has_room(live, track, scene)
    if made:
        source = str(live.ask("/live/track/get/name", beside)[0])
        label = source if source.startswith(TRACK_PREFIX) else f"{TRACK_PREFIX} {source}"
        live.tell("/live/song/create_midi_track", track)
    try:
        if made:
            live.tell("/live/track/set/name", track, label)
        _fill_slot(live, track, scene, name, beats, sorted(notes))
    except BaseException:
        with suppress(DiffrollError):
            if made:
                live.tell("/live/song/delete_track", track)
        raise
    return str(live.ask("/live/track/get/name", track)[0])


def _has_room(live: AbletonOsc, track: int, scene: int) -> bool:
    """Whether the track is one of ours and the slot is free."""
    if track >= _number(live.ask("/live/song/get/num_tracks")):
        return False
    ours = str(live.ask("/live/track/get/name", track)[0]).startswith(TRACK_PREFIX)
    midi = ours and live.ask("/live/track/get/has_midi_input", track)[0]
    return bool(midi and not live.ask("/live/clip_slot/get/has_clip", track, scene)[0])


def _fill_slot(live: AbletonOsc, track: int, scene: int, name: str, beats: float, notes: Sequence[BeatNote]) -> None:
    """Create a clip in a free slot and write into it; if that fails, the clip is deleted again."""
    live.tell("/live/clip_slot/create_clip", track, scene, max(beats, 1.0))
    try:
        _await_clip(live, track, scene)
        live.tell("/live/clip/set/name", track, scene, name)
        _write(live, track, scene, notes)
    except BaseException:
        with suppress(DiffrollError):
            live.tell("/live/clip_slot/delete_clip", track, scene)
        raise


def _await_clip(live: AbletonOsc, track: int, scene: int) -> None:
    """Wait until a new clip exists, since earlier notes would be lost. Raises errors.Incomplete if none appears."""
    deadline = time.monotonic() + _CREATION_TIMEOUT
    while not live.ask("/live/clip_slot/get/has_clip", track, scene)[0]:
        if time.monotonic() > deadline:
            raise Incomplete("Live has not created the clip; try again, or free a slot.")
        time.sleep(_POLL_SECONDS)


def _write(live: AbletonOsc, track: int, scene: int, notes: Sequence[BeatNote]) -> None:
    """Write notes, read them back, rewrite what was lost. Raises errors.Incomplete if that does not help."""
    missing = list(notes)
    for _ in range(3):
        for at in range(0, len(missing), NOTES_AT_ONCE):
            live.tell("/live/clip/add/notes", track, scene, *_flat(missing[at : at + NOTES_AT_ONCE]))
        there = _read(live, track, scene, notes)
        missing = [note for note in notes if (note.pitch, _float32(note.start)) not in there]
        if not missing:
            return
    raise Incomplete(f"{len(missing)} of {len(notes)} notes did not arrive in Live; nothing was changed. Try again.")


def _read(live: AbletonOsc, track: int, scene: int, notes: Sequence[BeatNote]) -> set[tuple[int, float]]:
    """Read pitch and start of a clip's notes, in pages of about NOTES_AT_ONCE; all 128 pitches, not the default 127."""
    found: set[tuple[int, float]] = set()
    starts = [_float32(note.start) for note in notes]
    cuts = sorted({*starts[::NOTES_AT_ONCE], *(start + 1.0 for start in starts[-1:])})
    for begin, end in pairwise(cuts):
        page = (0, 128, begin, end - begin + _OVERLAP)
        answer = live.ask("/live/clip/get/notes", track, scene, extra=page)
        for at in range(0, len(answer) - 4, 5):
            found.add((int(_number(answer[at : at + 1])), _float32(_number(answer[at + 1 : at + 2]))))
    return found


def _flat(notes: Sequence[BeatNote]) -> list[Value]:
    flat: list[Value] = []
    for note in notes:
        flat += [note.pitch, note.start, note.duration, float(note.velocity), False]
    return flat


def _float32(value: float) -> float:
    return float(struct.unpack(">f", struct.pack(">f", value))[0])


def _number(answer: Sequence[object]) -> float:
    value = answer[0] if answer else None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestError(f"AbletonOSC answered {value!r} where a number was expected; update it.")
    return float(value)
