"""Bars and beats estimated from the notes alone, for music of which nobody says where they are. NumPy only.

Onset strength, a tempo that may drift (autocorrelation in windows under a log-normal prior, a path through them), beats
by dynamic programming (Ellis, "Beat tracking by dynamic programming", 2007) at that tempo and at its relatives, of
which `readings` chooses, bars from where low and long notes fall.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diffroll_live.limits import MAX_METER_CHANGES
from diffroll_live.meter.meter_map import NO_METER, MeterMap, Signature
from diffroll_live.meter.tempo_map import Doubles, TempoChange, TempoMap
from diffroll_live.music.bar_lines import Bars, bars_of
from diffroll_live.music.beat_fitting import fitted
from diffroll_live.music.readings import FACTORS, PARTS, SHORTEST, closeness, meant, shifted
from diffroll_live.music.readings import LONGEST as LONGEST_BEAT

RATE = 100  # frames a second of the onset strength
LONGEST = 1800.0  # s of music that are looked at
FEWEST = 12  # notes that can make a beat
UNSURE = 0.35  # confidence below which nothing has a beat
LOOSE = 0.3  # mean of onsets round the parts of a beat, 1 on them; that of chance is 1 over the root of their number
WINDOW, HOP = 10.0, 2.5  # s, of the autocorrelation
USUAL_BEAT, SPREAD = 0.68, 0.7  # s, octaves: the log-normal prior of a beat's length
PERIODS = np.exp2(np.linspace(np.log2(0.27), np.log2(1.4), 72))  # s, that a beat may last
DRIFT = 0.6  # cost of an octave of change of tempo from window to window
STEADINESS = 60.0  # cost of a beat's squared deviation from its expected length, in octaves
_PARTS, _BEATS, _EVEN = 12.0, 6.0, 7.0  # of the confidence


def estimate_meter(notes: Doubles) -> MeterMap:
    """Estimate the bars and beats of ``notes``, rows of onset, offset (s), pitch and velocity in any order.

    Returns NO_METER where there are too few notes, or where they keep to no beat. Notes after LONGEST are ignored.
    """
    notes = np.asarray(notes, float)[:, :4]
    if len(notes) < FEWEST:
        return NO_METER
    begin = notes[:, 0].min()
    notes = notes[np.argsort(notes[:, 0], kind="stable")] - [begin, begin, 0.0, 0.0]
    notes = notes[notes[:, 0] < LONGEST]
    strength = onset_strength(notes)
    found = readings(strength)
    if not found:
        return NO_METER
    beats = fitted(meant(found, notes)[:MAX_METER_CHANGES], notes)
    confidence = max(confidence_of(np.interp(notes[:, 0], read, np.arange(len(read)))) for read in found)
    if confidence < UNSURE:
        return NO_METER
    return _meter(beats + begin, bars_of(notes, beats), confidence)


def readings(strength: Doubles) -> list[Doubles]:
    """Beats at the tempo that is heard and at its relatives, from ``strength`` as of ``onset_strength``."""
    periods = local_periods(strength)
    found: list[Doubles] = []
    for factor in FACTORS:
        if SHORTEST <= factor * float(np.median(periods)) <= LONGEST_BEAT:
            beats = _smooth(track_beats(strength, factor * periods))
            if len(beats) >= FEWEST // 2:
                found += shifted(beats, factor)
    return found


def keeps_to(notes: Doubles, meter: MeterMap) -> bool:
    """Whether notes, rows of onset, offset, pitch and velocity, are played to a beat; too few could be."""
    if len(notes) < FEWEST:
        return True
    beats = meter.tempo.beats_at(notes[:, 0])
    return closeness(beats, PARTS) > LOOSE


def _smooth(beats: Doubles) -> Doubles:
    """Even out the rounding to frames."""
    if len(beats) < 3:
        return beats
    return np.concatenate([beats[:1], (beats[:-2] + 2.0 * beats[1:-1] + beats[2:]) / 4.0, beats[-1:]])


def confidence_of(places: Doubles) -> float:
    """How sure it is that notes keep to beats: how closely their ``places``, in beats, fall on them and on parts."""
    on_parts, on_beats = closeness(places, PARTS), closeness(places, (1,))
    return float(1.0 / (1.0 + np.exp(-(_PARTS * on_parts + _BEATS * on_beats - _EVEN))))


def _meter(beats: Doubles, bars: Bars, confidence: float) -> MeterMap:
    quarters = bars.quarters * np.arange(len(beats))
    tempi = bars.quarters * 60.0 / np.append(np.diff(beats), np.median(np.diff(beats)[-8:]))
    changes = tuple(TempoChange(t, tempo) for t, tempo in zip(beats.tolist(), tempi.tolist(), strict=True))
    signatures = [Signature(quarters[line], *bars.signature) for line in bars.restarts]
    return MeterMap(TempoMap(changes), tuple(signatures), "estimated", confidence)


def onset_strength(notes: Doubles) -> Doubles:
    """How strongly notes begin in each frame, (n_frames,); ``notes`` are rows of onset, offset, pitch, velocity."""
    frames = np.zeros(int(notes[:, 0].max() * RATE) + 2 * RATE)
    weight = 0.5 + notes[:, 3] / 127.0 + 0.6 * (notes[:, 2] < 52) + 0.3 * np.minimum(notes[:, 1] - notes[:, 0], 1.0)
    np.add.at(frames, np.rint(notes[:, 0] * RATE).astype(int), weight)
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / 2.5) ** 2)
    return np.convolve(np.sqrt(frames), kernel, "same")


def local_periods(strength: Doubles) -> Doubles:
    """The expected length of a beat at each frame, in seconds."""
    size, hop = int(WINDOW * RATE), int(HOP * RATE)
    starts = np.arange(0, max(1, len(strength) - size // 2), hop)
    padded = np.pad(strength, (0, size))
    windows = np.stack([padded[at : at + size] for at in starts])
    windows = windows - windows.mean(1, keepdims=True)
    spectrum = np.fft.rfft(windows, 2 * size)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:, :size]
    correlation /= np.maximum(correlation[:, :1], 1e-9)
    lags = PERIODS * RATE
    multiples = _at(correlation, lags) + 0.5 * _at(correlation, 2 * lags) + 0.25 * _at(correlation, 4 * lags)
    scores = multiples + 0.25 * _at(correlation, lags / 2)
    prior = np.exp(-0.5 * (np.log2(PERIODS / USUAL_BEAT) / SPREAD) ** 2)
    path = _best_path(np.maximum(scores, 0.0) * prior, np.log2(PERIODS))
    centres = np.minimum(starts + size / 2, len(strength) - 1)
    return np.interp(np.arange(len(strength)), centres, PERIODS[path])


def _at(correlation: Doubles, lags: Doubles) -> Doubles:
    whole = np.minimum(lags.astype(int), correlation.shape[1] - 2)
    share = np.clip(lags - whole, 0.0, 1.0)
    found: Doubles = (1 - share) * correlation[:, whole] + share * correlation[:, whole + 1]
    return found


def _best_path(scores: Doubles, octaves: Doubles) -> npt.NDArray[np.int64]:
    """The path of the highest total score through rows, when changes cost DRIFT an octave."""
    cost = DRIFT * np.abs(octaves[:, None] - octaves[None])
    total, back = scores[0], []
    for row in scores[1:]:
        reached = total[:, None] - cost
        back.append(reached.argmax(0))
        total = reached.max(0) + row
    path = [int(total.argmax())]
    for chosen in reversed(back):
        path.append(int(chosen[path[-1]]))
    return np.array(path[::-1])


def track_beats(strength: Doubles, periods: Doubles) -> Doubles:
    """The beats, in seconds: frames of strong onsets at the expected distances."""
    shortest, longest = int(periods.min() * RATE * 0.6), int(periods.max() * RATE * 1.6) + 1
    distances = np.arange(shortest, longest + 1)
    octaves, expected = np.log2(distances)[None], np.log2(periods * RATE)
    n_frames = len(strength)
    norm = strength / max(strength.mean(), 1e-9)
    total = np.concatenate([np.zeros(longest), norm])
    back = np.full(n_frames, -1)
    for first in range(0, n_frames, shortest):  # no frame of a block reaches into it
        frames = np.arange(first, min(first + shortest, n_frames))
        deviation = octaves - expected[frames, None]
        reached = total[frames[:, None] + longest - distances] - STEADINESS * deviation**2
        best = reached.argmax(1)
        total[frames + longest] += reached[np.arange(len(frames)), best]
        back[frames] = frames - distances[best]
    last = n_frames - int(periods[-1] * RATE)
    frame = max(last, 0) + int(total[longest + max(last, 0) :].argmax())
    beats = []
    while frame >= 0:
        beats.append(frame)
        frame = back[frame]
    return np.array(beats[::-1]) / RATE
