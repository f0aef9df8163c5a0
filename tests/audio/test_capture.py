"""The choice of a device, the messages of the capture process, and the process itself on a real JACK server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.jack import DummyJack
from support.tone import Tone

from diffroll_live.audio.capture.devices import choose
from diffroll_live.audio.capture.messages import (
    HEAD_BYTES,
    Block,
    CaptureMessage,
    InputDevice,
    Opened,
    Refused,
    pack,
    unpack,
    unpack_head,
)
from diffroll_live.errors import NoSuchDevice

JACK, ALSA, MME, WASAPI = "JACK Audio Connection Kit", "ALSA", "MME", "Windows WASAPI"


def device(name: str, system: str, *, default: bool = False, main: bool = False) -> InputDevice:
    return InputDevice(name, system, 2, 48_000, default, main, 0)


DEVICES = (
    device("HDA Intel: ALC257 (hw:0,0)", ALSA, default=True, main=True),
    device("Scarlett 2i2: USB Audio (hw:1,0)", ALSA),
    device("system", JACK, default=True),
    device("fluidsynth", JACK),
    device("fluidsynth-midi", JACK),
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", 0),
        ("scarlett", 1),
        ("HW:1,0", 1),
        ("jack", 2),
        ("system", 2),
        ("alsa", 0),
        ("jack audio connection kit", 2),
        ("fluidsynth", 3),
        ("-midi", 4),
        ("fluidsynth, JACK Audio Connection Kit", 3),
    ],
)
def test_a_device_is_chosen_by_name_or_system(wanted, found):
    assert choose(DEVICES, wanted) is DEVICES[found]


def test_one_device_by_several_systems_is_not_ambiguous():
    microphones = (device("Mic", MME, default=True, main=True), device("Mic", WASAPI, default=True))
    assert choose(microphones, "mic") is microphones[0]
    assert choose(microphones, "wasapi") is microphones[1]


@pytest.mark.parametrize(
    ("devices", "wanted", "said"),
    [
        (DEVICES, "piano", "There is no input 'piano'. Choose one of: HDA Intel.*; Scarlett"),
        (DEVICES, "fluid", "could be any of these inputs: fluidsynth, JACK.*; fluidsynth-midi"),
        ((), "jack", "no audio input"),
        (DEVICES[1:], "", "could be any of these inputs: Scarlett"),  # no default
    ],
)
def test_an_error_lists_the_names_there_are(devices, wanted, said):
    with pytest.raises(NoSuchDevice, match=said):
        choose(devices, wanted)


MESSAGES = st.one_of(
    st.builds(
        InputDevice, st.text(), st.text(), st.integers(), st.integers(), st.booleans(), st.booleans(), st.just(0)
    ),
    st.builds(Opened, st.text(), st.integers(), st.integers()),
    st.builds(Refused, st.text(), st.text()),
    st.builds(Block, st.floats(allow_nan=False), st.integers(0, 2**31 - 1), st.booleans(), st.binary()),
)


@given(MESSAGES)
def test_a_message_is_read_as_it_was_written(message):
    packed = pack(message)
    kind, length = unpack_head(packed[:HEAD_BYTES])
    assert length == len(packed) - HEAD_BYTES
    assert unpack(kind, packed[HEAD_BYTES:]) == message


@pytest.mark.parametrize("head", [b"\xff\0\0\0\0", b"\0\xff\xff\xff\xff"])
def test_nonsense_is_noticed(head):
    with pytest.raises(ValueError, match="kind"):
        unpack_head(head)


class Capture:
    """The process, as the daemon starts it."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "diffroll_live.audio.capture.process", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def next(self) -> CaptureMessage | None:
        """Its next message; None when it has ended."""
        assert self.process.stdout is not None
        head = self.process.stdout.read(HEAD_BYTES)
        if not head:
            return None
        kind, length = unpack_head(head)
        return unpack(kind, self.process.stdout.read(length))

    def blocks(self, count: int) -> list[Block]:
        blocks = [self.next() for _ in range(count)]
        assert all(isinstance(block, Block) for block in blocks), blocks[-1]
        return blocks

    def end(self) -> int:
        """Stop reading; give the exit code."""
        self.process.stdout.close()
        return self.process.wait(30)


@pytest.fixture
def capture() -> Iterator[Callable[..., Capture]]:
    started: list[Capture] = []

    def start(*arguments: str) -> Capture:
        started.append(Capture(*arguments))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        one.process.stdout.close()


@pytest.fixture
def tone(jack: DummyJack) -> Iterator[Tone]:
    with Tone() as running:
        yield running


def test_the_inputs_of_a_jack_server_are_listed(capture, tone):
    lister, found = capture("list"), []
    while (message := lister.next()) is not None:
        found.append(message)
    names = {item.name: item for item in found if item.system == JACK}
    assert names["system"].is_default
    assert (names["system"].channels, names["system"].sample_rate) == (2, 48_000)
    assert tone.client in names
    assert lister.end() == 0


def test_without_an_input_it_says_so(capture, no_jack):
    said = capture("capture", "jack").next()
    assert isinstance(said, Refused)
    assert said.code == "no-such-device"


def test_what_a_jack_client_plays_is_captured_on_time(capture, tone):
    source = capture("capture", tone.client)
    assert source.next() == Opened(f"{tone.client}, {JACK}", 48_000, 1)
    peaks = []
    for block in source.blocks(60):
        samples = np.frombuffer(block.data, np.float32)
        peaks.append(float(np.abs(samples).max()))
        assert -0.01 < time.perf_counter() - block.at - len(samples) / 48_000 < 10.0  # nothing from the future
    assert max(peaks) == pytest.approx(Tone.AMPLITUDE, abs=0.05)


OTHER_RATE = """
import dataclasses, os
from diffroll_live.audio.capture.devices import InputStream, choose, list_inputs
device = dataclasses.replace(choose(list_inputs(), "jack"), sample_rate=44_100)
print(InputStream(device).sample_rate, flush=True)
os._exit(0)
"""


def test_a_device_that_cannot_do_its_rate_is_opened_at_one_that_it_can_do(jack):
    done = subprocess.run([sys.executable, "-c", OTHER_RATE], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "48000\n"


def test_it_ends_when_nobody_reads_and_leaves_the_server_in_order(capture, jack):
    source = capture("capture", "jack")
    assert isinstance(source.next(), Opened)
    source.blocks(2)
    assert source.end() == 0
    ports = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True, env=os.environ).stdout
    assert "diffroll-live-in" not in ports


def test_it_ends_on_request(capture, jack):
    source = capture("capture", "jack")
    assert isinstance(source.next(), Opened)
    source.process.terminate()
    assert source.process.wait(30) == 0


def test_a_server_that_dies_is_noticed_and_nothing_hangs(capture, jack):
    source = capture("capture", "jack")
    assert isinstance(source.next(), Opened)
    source.blocks(2)
    jack.kill()
    while isinstance(said := source.next(), Block):
        pass
    assert isinstance(said, Refused)
    assert "is gone" in said.text
    assert source.process.wait(30) == 0
