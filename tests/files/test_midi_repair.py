"""MIDI files as they are found: one event or one length that is wrong costs no note, and is said."""

from __future__ import annotations

import logging

import pytest

from diffroll_live.errors import FileError
from diffroll_live.files.midi_file import read_smf
from diffroll_live.training.corpus.midi_reading import read_piece
from diffroll_live.types import NoteEvent

ONE = "00 90 3C 40  60 80 3C 00"  # a beat of 60, half a second
TWO = "60 91 40 50  60 81 40 00"  # a beat later, a beat of 64 on the second channel
SECOND = "00 91 40 50  60 81 40 00"  # the same behind ONE
END = "00 FF 2F 00"
NOTES = (NoteEvent(0.0, 0.5, 60, 0x40), NoteEvent(0.5, 1.0, 64, 0x50, channel=1))
WHOLE = f"{ONE} {END}", f"{TWO} {END}"


def chunk(name: bytes, body: bytes, length: int | None = None) -> bytes:
    return name + (len(body) if length is None else length).to_bytes(4, "big") + body


def midi(*tracks: str, count: int | None = None, lengths: dict[int, int] | None = None) -> bytes:
    """A file of 96 ticks a beat; ``lengths`` are wrong lengths by track."""
    n = len(tracks) if count is None else count
    bodies = [bytes.fromhex(track) for track in tracks]
    chunks = [chunk(b"MTrk", body, (lengths or {}).get(at)) for at, body in enumerate(bodies)]
    return chunk(b"MThd", bytes((0, 1, 0, n, 0, 96))) + b"".join(chunks)


def riff(data: bytes) -> bytes:
    inner = b"RMIDdata" + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)
    return b"RIFF" + len(inner).to_bytes(4, "little") + inner


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (midi(*WHOLE), []),
        (riff(midi(*WHOLE)), []),
        (b"\0mac" * 32 + midi(*WHOLE), []),
        (midi(f"00 FF 59 02 7F 7F {WHOLE[0]}", WHOLE[1]), ["track 1 has 1 event that cannot be read, left out"]),
        (midi(f"00 FF 59 00 {WHOLE[0]}", WHOLE[1]), ["track 1 has 1 event that"]),
        (midi(f"00 FF 51 01 07 00 FF 58 02 04 02 {WHOLE[0]}", WHOLE[1]), ["track 1 has 2 events that"]),
        (midi(f"00 FF 54 05 FF 00 00 00 00 {WHOLE[0]}", WHOLE[1]), ["track 1 has 1 event that"]),
        (midi(f"00 F0 03 7D 01 F7 {WHOLE[0]}", WHOLE[1]), []),
        (midi(f"00 F8 00 F4 {WHOLE[0]}", WHOLE[1]), ["track 1 has 2 events that"]),
        (midi(*WHOLE, count=1), ["its header counts 1 tracks, and it has 2"]),
        (midi(*WHOLE, count=7), ["its header counts 7 tracks, and it has 2"]),
        (midi(*WHOLE, lengths={0: 0}), ["the length of track 1 is wrong"]),
        (midi(*WHOLE, lengths={0: 5}), ["the length of track 1 is wrong"]),
        (midi(*WHOLE, lengths={0: 2**31}), ["the length of track 1 is wrong"]),
        (midi(*WHOLE, lengths={1: 2}), ["the length of track 2 is wrong"]),
        (midi(*WHOLE, lengths={1: 0xFFFFFFFF}), ["the length of track 2 is wrong"]),
        (midi(ONE, WHOLE[1], lengths={0: 0xFFFFFFFF}), ["the length of track 1 is wrong"]),  # and no end of track
        (midi(*WHOLE) + b"\0" * 9, []),
        (midi(f"{WHOLE[0]} 00 00 00", WHOLE[1]), []),  # padded
        (midi(*WHOLE)[:14] + chunk(b"XFIH", b"MTrkabcd") + midi(*WHOLE)[14:], []),
        (midi(f"{ONE} 00 FF 2F 00 {SECOND} {END}"), []),  # goes on behind its end
        (midi(f"{ONE} {SECOND} 00 90", "00 FF 2F 00"), ["track 1 breaks off: its last event is not complete"]),
        (midi(f"{ONE} {SECOND} 00 90"), ["track 1 breaks off: its last event is not complete"]),
        (midi(f"{ONE} {SECOND} FF FF FF FF FF 00", END), ["track 1 breaks off: a time or a length"]),
    ],
)
def test_what_is_wrong_with_a_file_costs_no_note_and_is_said(tmp_path, caplog, data: bytes, said: list[str]):
    path = tmp_path / "in.mid"
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert read_smf(path) == NOTES
    assert len(caplog.messages) == len(said)
    for message, words in zip(caplog.messages, said, strict=True):
        assert message.startswith(f"{path}: {words}")


def test_the_time_of_an_event_that_is_left_out_is_kept(tmp_path):
    path = tmp_path / "in.mid"
    path.write_bytes(midi(f"60 FF 59 02 7F 7F {WHOLE[0]}"))
    assert read_smf(path) == (NoteEvent(0.5, 1.0, 60, 0x40),)


def test_running_status_survives_events_between(tmp_path):
    path = tmp_path / "in.mid"
    path.write_bytes(midi(f"00 90 3C 40 00 FF 01 01 41 60 3C 00 {END}"))
    assert read_smf(path) == NOTES[:1]


def test_training_reads_the_same_files(tmp_path):
    path = tmp_path / "in.mid"
    path.write_bytes(riff(midi(f"00 FF 59 02 7F 7F {WHOLE[0]}", WHOLE[1], count=1)))
    assert read_piece(path).notes[:, 2].tolist() == [60, 64]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "It is not a MIDI file"),
        (b"RIFF\0\0\0\0WAVEfmt ", "It is not a MIDI file"),
        (midi(), "it has no tracks"),
        (midi(count=3), "its header counts 3 tracks, and it has 0"),
        (midi("00 90 3C"), "its last event is not complete"),
        (midi("00 3C 40"), "its first event has no status"),
    ],
)
def test_a_file_that_has_nothing_is_refused_with_the_reason(tmp_path, data: bytes, words: str):
    path = tmp_path / "in.mid"
    path.write_bytes(data)
    with pytest.raises(FileError, match=words) as caught:
        read_smf(path)
    assert "()" not in caught.value.text
