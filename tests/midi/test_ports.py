from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import rtmidi
from support.waiting import wait_until

from diffroll_live.audio.jack.client import JackWatch
from diffroll_live.audio.jack.server import PERIOD_FRAMES, DummyJack
from diffroll_live.errors import PortClosed, PortError
from diffroll_live.midi import ports as midi_ports
from diffroll_live.midi.ports import MidiPort, PortChoice, choose_api, find_port, list_ports, open_port

PORTS = ("Synth 1", "Synth 10", "loopMIDI Port", "Grand Piano")
without_alsa = pytest.mark.skipif(Path("/dev/snd/seq").exists(), reason="this machine has an ALSA sequencer")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("Synth 1", "Synth 1"), ("Synth 10", "Synth 10"), ("loopmidi", "loopMIDI Port"), ("piano", "Grand Piano")],
)
def test_a_port_is_found_exactly_or_by_a_part_of_its_name(wanted: str, found: str) -> None:
    assert find_port(PORTS, wanted) == found


@pytest.mark.parametrize(
    ("ports", "wanted", "sentence"),
    [
        (PORTS, "organ", "no MIDI port 'organ'. The ports there are: 'Synth 1', 'Synth 10', 'loopMIDI Port', 'Grand"),
        (PORTS, "synth", "fits several MIDI ports: 'Synth 1', 'Synth 10'."),
        ((), "synth", "The ports there are: none."),
    ],
)
def test_a_port_that_is_not_there_is_named_with_those_that_are(
    ports: tuple[str, ...], wanted: str, sentence: str
) -> None:
    with pytest.raises(PortError) as caught:
        find_port(ports, wanted)
    assert sentence in caught.value.text


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(PortError, match="auto, coremidi, windows, alsa, jack"):
        choose_api("oss")


def test_a_system_of_another_platform_is_refused() -> None:
    other = "coremidi" if sys.platform != "darwin" else "windows"
    with pytest.raises(PortError, match=f"has no {other}"):
        choose_api(other)


@without_alsa
def test_jack_is_taken_where_alsa_has_no_sequencer(jack: DummyJack) -> None:
    assert choose_api() == "jack"
    port = open_port(PortChoice())
    assert (port.api, port.name) == ("jack", "diffroll-live:notes")
    port.close()


@without_alsa
def test_alsa_without_a_sequencer_says_so() -> None:
    with pytest.raises(PortError, match="snd-seq"):
        choose_api("alsa")


@without_alsa
def test_no_midi_system_is_one_sentence_and_no_noise(no_jack: None, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PortError, match="There is no MIDI system here; notes still go out over OSC and to files"):
        open_port(PortChoice())
    with pytest.raises(PortError, match="No JACK server is running"):
        open_port(PortChoice(api="jack"))
    with pytest.raises(PortError):
        list_ports()
    assert capfd.readouterr() == ("", "")


class Receiver:
    """Another program's MIDI input, made and taken away as one pleases."""

    def __init__(self) -> None:
        self.input = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="synthesiser")
        self.input.open_virtual_port("notes in")

    def close(self) -> None:
        self.input.close_port()
        self.input.delete()


def test_a_port_whose_name_is_taken_tells_the_name_that_it_got(jack: DummyJack) -> None:
    with ExitStack() as stack:
        names = []
        for _ in range(2):
            port = open_port(PortChoice(api="jack"))
            stack.callback(port.close)
            names.append(port.name)
        watch = JackWatch()
        stack.callback(watch.close)
        assert names[0] == "diffroll-live:notes"
        assert set(names) == watch.midi_outputs()


def test_an_existing_port_is_played_and_missed(jack: DummyJack) -> None:
    receiver = Receiver()
    assert "synthesiser:notes in" in list_ports("jack")
    port = open_port(PortChoice(api="jack", port="NOTES in"))
    assert port.name == "synthesiser:notes in"
    port.send((0x90, 60, 90))
    received: list[tuple[list[int], float]] = []
    wait_until(lambda: bool(received.append(receiver.input.get_message()) or received[-1]), "the note")
    assert received[-1][0] == [0x90, 60, 90]
    port.check()
    receiver.close()
    with pytest.raises(PortClosed, match="synthesiser:notes in is gone"):
        port.check()
    port.close()
    with pytest.raises(PortError, match="The ports there are"):
        open_port(PortChoice(api="jack", port="notes in"))


def test_a_port_stays_until_what_was_sent_last_has_been_heard(jack: DummyJack) -> None:
    watch = JackWatch()
    port = open_port(PortChoice(api="jack"))
    port.send((0x80, 60, 0))
    before = watch.frame()
    port.close()
    assert watch.frame() - before >= 2 * PERIOD_FRAMES
    watch.close()


def test_more_messages_than_fit_a_period_all_arrive(jack: DummyJack) -> None:
    """rtmidi's ring buffer would spin with the GIL held if more were queued than it holds."""
    port = open_port(PortChoice(api="jack"))
    listener = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="listener", queue_size_limit=20_000)
    listener.open_port(listener.get_ports().index(port.name))
    sent = [(0x90, at % 128, 1 + at // 128 % 127) for at in range(6000)]
    for message in sent:
        port.send(message)
    port.close()
    received: list[tuple[int, ...]] = []

    def all_received() -> bool:
        while (message := listener.get_message()) is not None:
            received.append(tuple(message[0]))
        return len(received) >= len(sent)

    wait_until(all_received, "six thousand messages")
    listener.delete()
    assert received == sent


# --- what cannot be had on this machine: a stand-in for rtmidi's class ----------------------------------------------


class WindowsOut:
    """Behaves as rtmidi's output does on Windows."""

    ports = ("Microsoft GS Wavetable Synth 0", "loopMIDI Port 1")
    deleted = 0
    broken = False

    def __init__(self, _api: int, name: str) -> None:
        self.ports = list(WindowsOut.ports)

    def set_error_callback(self, callback: object) -> None:
        self.callback = callback

    def open_virtual_port(self, name: str) -> None:
        raise NotImplementedError("Virtual ports are not supported by the Windows MultiMedia API.")

    def get_ports(self) -> list[str]:
        if self.broken:
            raise rtmidi.SystemError("MidiOutWinMM: error looking for port name!")
        return self.ports

    def open_port(self, index: int, name: str) -> None:
        self.opened = index

    def send_message(self, message: object) -> None:
        raise rtmidi.SystemError("MidiOutWinMM::sendMessage: error sending MIDI message.")

    def close_port(self) -> None:
        pass

    def delete(self) -> None:
        WindowsOut.deleted += 1


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> type[WindowsOut]:
    monkeypatch.setattr(midi_ports.rtmidi, "MidiOut", WindowsOut)
    monkeypatch.setattr(midi_ports.rtmidi, "get_compiled_api", lambda: [rtmidi.API_WINDOWS_MM])
    monkeypatch.setattr(WindowsOut, "deleted", 0)
    monkeypatch.setattr(WindowsOut, "broken", False)
    return WindowsOut


def test_windows_needs_loopmidi(windows: type[WindowsOut]) -> None:
    with pytest.raises(PortError, match=r"no virtual MIDI ports\. Install loopMIDI"):
        open_port(PortChoice())
    assert windows.deleted == 2  # the probe, and the one that could not make a port


def test_a_device_that_refuses_a_message_is_a_lost_port(windows: type[WindowsOut]) -> None:
    port: MidiPort = open_port(PortChoice(port="loopmidi"))
    assert (port.api, port.name) == ("windows", "loopMIDI Port 1")
    with pytest.raises(PortClosed, match="loopMIDI Port 1"):
        port.send((0x90, 60, 90))
    port.check()
    windows.broken = True
    with pytest.raises(PortClosed, match="loopMIDI Port 1 is gone"):
        port.check()
    port.close()
    port.close()


def test_rtmidi_reports_through_us(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="diffroll_live"):
        midi_ports._raise_error(rtmidi.ERRORTYPE_DEBUG_WARNING, "a trifle", None)
    assert "a trifle" in caplog.text
    with pytest.raises(rtmidi.RtMidiError, match="a fault"):
        midi_ports._raise_error(rtmidi.ERRORTYPE_WARNING, "a fault", None)
