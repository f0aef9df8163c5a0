"""What assistants send and get, as schemas: options with the ranges of the table that the daemon checks them by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from diffroll_live.limits import REQUEST, Choice, Limit, Text
from diffroll_live.music.regions import LAST_SECOND
from diffroll_live.music.roll import HIGH_PITCH, LOW_PITCH

MAX_NOTES = 500  # in one answer; more are asked for with ``notes``


class _Strict(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class Audio(_Strict):
    """A recording: a file on the daemon's machine, or a buffer that another client, such as the DAW, has sent."""

    path: str = Field(
        default="", description="The whole path of a WAV, FLAC, MP3 or Ogg file in one of the allowed folders."
    )
    start: float = Field(default=0.0, ge=0, description="Where to begin in the file, in seconds.")
    duration: float = Field(default=0.0, ge=0, description="How much of the file to take, in seconds; 0 is the rest.")
    client: str = Field(default="", description="Instead of a path: the client of a buffer, as 'look' lists it.")
    buffer: str = Field(default="", description="With client: the name of its buffer.")


class Span(_Strict):
    """Where the model may write: a stretch of time, and of pitches."""

    start: float = Field(ge=0, le=LAST_SECOND, description="Seconds.")
    end: float = Field(ge=0, le=LAST_SECOND, description="Seconds.")
    low: int = Field(default=LOW_PITCH, ge=LOW_PITCH, le=HIGH_PITCH, description="Lowest MIDI pitch.")
    high: int = Field(default=HIGH_PITCH, ge=LOW_PITCH, le=HIGH_PITCH, description="Highest MIDI pitch.")
    hear: bool = Field(default=False, description="Whether the model hears the audio in here; otherwise it invents.")


class Delivery(_Strict):
    """Where the notes go besides the answer."""

    save: str = Field(default="", description="The whole path of a .mid file to write in one of the allowed folders.")
    play: bool = Field(default=False, description="Whether to play the notes on the daemon's MIDI port at once.")


class NoteRow(BaseModel):
    """One note."""

    pitch: int
    onset: float = Field(description="Seconds.")
    duration: float = Field(description="Seconds.")
    velocity: int
    variation: int


class Written(BaseModel):
    """What a job has written."""

    job: str = Field(description="Its name, for notes, midi, picture and play.")
    notes: int = Field(description="How many, all variations together.")
    seed: int = Field(description="The same seed gives the same notes.")
    tempo: float | None = Field(default=None, description="Quarter notes a minute, where it was used or estimated.")
    meter: str | None = Field(default=None, description="Time signature, where it was used or estimated.")
    saved: str = Field(default="", description="The MIDI file of the first variation, if one was asked for.")
    first: list[NoteRow] = Field(description=f"The first notes, {MAX_NOTES} at most.")


def _field(name: str) -> tuple[Any, Any]:
    """The type and default of an option in the schema; None leaves it to the daemon."""
    option = REQUEST[name]
    if isinstance(option, Choice):
        return Literal[option.names] | None, Field(default=None, description=option.sentence)
    if isinstance(option, Text):
        return str | None, Field(default=None, description=option.sentence)
    assert isinstance(option, Limit)
    number = int if option.whole else float
    kind = Annotated[number, Field(ge=option.low, le=option.high)]  # type: ignore[valid-type]
    return kind | None, Field(default=None, description=option.sentence)


if TYPE_CHECKING:

    class Wishes(_Strict):
        """The options of a request, all of which may be left out."""

else:
    Wishes = create_model("Wishes", __base__=_Strict, **{name: _field(name) for name in REQUEST if name != "seconds"})

NO_WISHES = Wishes()
ANSWER_ONLY = Delivery()
