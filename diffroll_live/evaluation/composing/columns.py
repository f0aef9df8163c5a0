"""How the tables of the composer look."""

from __future__ import annotations

from diffroll_live.evaluation import tables
from diffroll_live.evaluation.tables import Columns, hundredth, percent, plain, tenth


def interval(value: list[float]) -> str:
    """A figure with its interval."""
    middle, low, high = value
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def percentage(value: float) -> str:
    """A factor as a percentage, without decimals."""
    return f"{100 * value:.0f} %"


FIGURES: Columns = {
    "judge": ("judge, bits a note", hundredth),
    "judge_after": ("and of the bar after", hundredth),
    "auc": ("told from composed, AUC", interval),
    "on_grid": ("on the grid", hundredth),
    "place_distance": ("other places in the bar", hundredth),
    "top_heard": ("top line heard before", hundredth),
    "bass_heard": ("bass", hundredth),
    "top_leap": ("top line's leap", tenth),
    "bass_leap": ("bass", tenth),
    "in_scale": ("in scale", hundredth),
    "dissonance": ("dissonance", hundredth),
    "notes_a_beat": ("notes a beat", hundredth),
    "longest_match": ("longest match", tenth),
    "empty": ("empty", percent),
}
PIECES: Columns = {
    "key_held": ("key held", hundredth),
    "ends_at_home": ("ends on the tonic", hundredth),
    "comes_to_rest": ("comes to rest", hundredth),
}
TIMES: Columns = {
    "seconds": ("in all", tables.whole_milliseconds),
    "first": ("first note", tables.whole_milliseconds),
}
WRITERS: Columns = {"writer": ("written by", plain), **FIGURES, **PIECES, **TIMES}
WAYS: Columns = {
    "sampler": ("sampler", plain),
    "steps": ("evaluations", plain),
    "temperature": ("temperature", hundredth),
    "density": ("density", percentage),
    **FIGURES,
    **TIMES,
}
ABOUT = (
    "Holes in scores of the validation split, the same for all writers: four bars around on each side, eight before"
    " those that continue; what is written from nothing stands beside the last sixteen bars of pieces. The program is"
    " asked as a user would ask it, given the notes around, their bars and their beats; where the beat is estimated,"
    " they are played with rubato and nothing else is said. The aim is the figure of what was composed, not the lowest"
    " or the highest. Judge: a small recurrent network that reads from left to right and was trained on the training"
    " split alone (`script/train-judge`). AUC: a random forest over fifteen numbers of each fill, cross-validated by"
    " piece, tells it from what was composed; with its interval of 95 %, and 0.5 where it cannot. On the grid: onsets"
    " within a twenty-fourth of a quarter of a sixteenth. Other places: the share of notes that lie elsewhere in the"
    " bar. Heard before: trigrams (three steps of time and interval) that occur around. Leap: mean interval,"
    " semitones. Dissonance: of pairs that begin together. Longest match: the longest run of notes, with the rests"
    " between, that a training score has in any key. What wrote before there was a composer is gone, so it has no row."
)
ABOUT_WAYS = (
    "Two bars with four on each side, bars and beats given, measured as above: note by note; by thinning, in a few"
    " evaluations whatever the number of notes; and each at several temperatures and densities."
)
