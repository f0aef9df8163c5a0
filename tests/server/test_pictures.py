"""Pictures over OSC: a tone where its key is, what a job keeps for the eye, and who is refused."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from support.musician import Musician
from support.osc_client import OscClient, Reply
from support.uploads import upload_tone

from diffroll_live.audio.pcm import make_buffer
from diffroll_live.audio.spectrogram import FRAME_RATE, ROWS, levels, n_frames


def picture(client: OscClient, kind: str) -> np.ndarray:
    """Read a whole picture: (n_steps, n_frames, n_rows)."""
    tiles: list[Reply] = []
    while not tiles or not complete(tiles[-1]):
        tiles.append(client.expect("/diffroll/picture"))
    assert {tile.args[1] for tile in tiles} == {kind}
    _, _, _, steps, rows, _, frames, _, _ = tiles[0].args
    shown = np.zeros((steps, frames, rows), np.uint8)
    for tile in tiles:
        part = np.frombuffer(base64.b64decode(tile.args[8]), np.uint8).reshape(-1, rows)
        shown[tile.args[2], tile.args[7] : tile.args[7] + len(part)] = part
    return shown


def complete(tile: Reply) -> bool:
    _, _, step, steps, rows, _, frames, first, text = tile.args
    return step == steps - 1 and first + len(base64.b64decode(text)) // rows == frames


@pytest.mark.slow
@pytest.mark.parametrize(("pitch", "rate"), [(28, 44_100), (60, 16_000), (69, 48_000), (100, 44_100), (107, 8_000)])
def test_a_tone_is_brightest_at_its_key(pitch, rate):
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    samples = 0.5 * np.sin(2 * np.pi * frequency * np.arange(2 * rate) / rate)
    audio = make_buffer("a", samples.astype(np.float32), rate)
    shown = levels(audio, 0, n_frames(audio))
    assert shown.shape == (2 * FRAME_RATE, ROWS)
    brightest = int(shown[40].argmax())
    assert abs(brightest - (3 * (pitch - 21) + 1)) <= 1
    assert shown[40, brightest] > 200


def test_what_lies_outside_the_sound_is_dark():
    audio = make_buffer("a", np.zeros(100, np.float32), 8_000)
    assert not levels(audio, 0, n_frames(audio)).any()


def test_tiles_join_without_a_seam():
    noise = np.random.default_rng(1).uniform(-1, 1, 32_000).astype(np.float32)
    audio = make_buffer("a", noise, 16_000)
    whole = levels(audio, 0, 80)
    parts = np.concatenate([levels(audio, 0, 33), levels(audio, 33, 47)])
    np.testing.assert_array_equal(whole, parts)


def test_the_spectrogram_of_a_buffer_comes_in_small_datagrams(any_client):
    upload_tone(any_client)
    any_client.send("/diffroll/audio/picture", "b")
    (shown,) = picture(any_client, "spectrogram")
    assert shown.shape == (80, 264)
    assert abs(int(shown[40].argmax()) - (3 * (69 - 21) + 1)) <= 1


def test_a_job_keeps_what_it_was_asked_to_keep(client):
    client.send("/diffroll/job/new", "seen", "generate", "")
    client.send("/diffroll/job/set", "seen", "pictures", "trajectory")
    client.send("/diffroll/job/run", "seen")
    emerging = picture(client, "trajectory")
    assert emerging[:, 0, 60 - 21].tolist() == [63, 127, 191, 255]
    client.collect("seen")
    client.send("/diffroll/job/picture", "seen", "posterior")
    (posterior,) = picture(client, "posterior")
    assert (posterior.argmax(axis=1) == 60 - 21).all()
    client.send("/diffroll/job/picture", "seen", "trajectory")
    assert (picture(client, "trajectory") == emerging).all()


@pytest.mark.slow
def test_the_picture_of_a_live_input_grows_with_its_sound(client):
    musician = Musician(client)
    client.send("/diffroll/audio/picture", "live")
    shown: list[Reply] = []

    def enough() -> bool:
        while (reply := client.next(0.001)) is not None:
            shown.extend([reply] if reply.address == "/diffroll/picture" else [])
        return bool(shown) and shown[-1].args[6] >= 60

    musician.play(0.5, enough)
    ends = [tile.args[7] + len(base64.b64decode(tile.args[8])) // ROWS for tile in shown]
    assert [tile.args[7] for tile in shown] == [0, *ends[:-1]]  # frame after frame, none twice
    assert max(tile.args[6] for tile in shown) == ends[-1]


def test_there_is_no_picture_that_was_not_asked_for(client):
    client.send("/diffroll/generate", "blind", 1.0)
    client.collect("blind")
    assert client.ask_wrongly("/diffroll/job/picture", "blind", "posterior").args[1] == "unknown-job"
    assert client.ask_wrongly("/diffroll/job/picture", "blind", "mural").args[1] == "bad-option"
    assert client.ask_wrongly("/diffroll/audio/picture", "nothing").args[1] == "unknown-buffer"
