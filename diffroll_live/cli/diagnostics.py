"""Check the machine: what is there, what is wrong, and how to fix it. Changes nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from diffroll_live.config import ServerConfig
from diffroll_live.errors import DiffrollError, PortError
from diffroll_live.limits import PORT

State = Literal["good", "poor", "bad"]  # poor: works, but less well; bad: something asked for cannot work
GOOD_RECEIVE_BUFFER = 4 << 20  # bytes; a burst of 20 s of audio fits
TORCH_TIMEOUT = 120.0  # s
#: Printed by a child process, so that a broken torch breaks nothing but the child.
TORCH_PROBE = """
import json, torch, torchaudio
cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
facts = {"torch": torch.__version__, "torchaudio": torchaudio.__version__, "threads": torch.get_num_threads()}
print(json.dumps(facts | {"cuda": cuda, "mps": torch.backends.mps.is_available()}))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. ``fix`` says what to do about it; empty where there is nothing to do."""

    topic: str
    state: State
    text: str
    fix: str = ""


def examine(port: int = PORT.default, *, quick: bool = False) -> Iterator[Finding]:
    """Run all checks, yielding findings as they come; a check that fails is a finding too.

    ``port`` is the daemon's; ``quick`` leaves out the slow checks.
    """
    for topic, check in CHECKS.items():
        if quick and topic in SLOW:
            continue
        try:
            yield from check()
        except (DiffrollError, OSError) as error:
            yield Finding(topic, "bad", str(error), "Fix what the message says, then run the doctor again.")
    yield from check_port(port)


def check_python() -> Iterator[Finding]:
    """Report the Python version, which the program's entry has found to work."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "good", f"Python {version} on {sys.platform}")


def check_torch() -> Iterator[Finding]:
    """Import torch in a child process; report the device that 'auto' selects."""
    try:
        child = subprocess.run(
            [sys.executable, "-c", TORCH_PROBE], capture_output=True, text=True, check=False, timeout=TORCH_TIMEOUT
        )
        facts = json.loads(child.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        fix = "Install again (make install, in a checkout). torch 2.11 to 2.14 and torchaudio 2.11 fit together."
        yield Finding("torch", "bad", "torch and torchaudio cannot be imported", fix)
        return
    yield Finding("torch", "good", f"torch {facts['torch']}, torchaudio {facts['torchaudio']}")
    if facts["cuda"]:
        yield Finding("device", "good", f"CUDA: {', '.join(facts['cuda'])}")
    elif facts["mps"]:
        yield Finding("device", "good", "Metal (mps)")
    else:
        yield Finding("device", "good", f"no GPU: the CPU is used, {facts['threads']} threads")


def check_models() -> Iterator[Finding]:
    """Check every model's files against their sums, damaged models included."""
    from diffroll_live.model.checkpoints.folder import models_folders, read_folder, verify

    configs = [config for folder in models_folders() for config in sorted(folder.glob("*/config.json"))]
    for config in configs:
        try:
            model = read_folder(config.parent)
            verify(model)
        except DiffrollError as error:
            yield Finding("models", "bad", error.text, f"Restore the folder {config.parent} as it was installed.")
        else:
            size = sum(path.stat().st_size for path in model.weights)
            yield Finding("models", "good", f"{model.name}: {size / 1e6:.1f} MB, checksums correct ({model.path})")
    if not configs:
        yield Finding("models", "bad", "no model is installed", "Install again: models/ contains the weights.")


def check_midi() -> Iterator[Finding]:
    """Choose the MIDI system as the daemon does, and list its ports."""
    from diffroll_live.midi.ports import choose_api, list_ports

    try:
        api = choose_api()
        ports = list_ports(api)
    except PortError as error:
        fix = "Start a JACK server (jackd -r -d dummy needs no sound card), or load the kernel module snd-seq."
        yield Finding("midi", "poor", error.text, fix)
        return
    if api == "windows":
        fix = "" if ports else "Install loopMIDI, create a port in it, and give its name: serve --midi-port NAME."
        yield Finding("midi", "good" if ports else "poor", f"windows: ports {', '.join(ports) or 'none'}", fix)
    else:
        yield Finding(
            "midi", "good", f"{api}: virtual ports can be opened; existing ports: {', '.join(ports) or 'none'}"
        )


def check_jack() -> Iterator[Finding]:
    """Look for the JACK server's program."""
    if not sys.platform.startswith("linux"):
        return
    jackd = shutil.which("jackd")
    if jackd:
        yield Finding("jack", "good", f"installed ({jackd})")
    else:
        yield Finding("jack", "poor", "not installed; MIDI then needs ALSA's sequencer", "apt-get install jackd2")


def check_audio() -> Iterator[Finding]:
    """Look for libsndfile, PortAudio and its devices."""
    import soundfile

    yield Finding("audio", "good", f"files: {soundfile.__libsndfile_version__}")
    try:
        import sounddevice
    except OSError:
        yield Finding("audio", "poor", "PortAudio is missing: no live input", "apt-get install libportaudio2")
        return
    with _quiet_stderr():
        inputs = [device["name"] for device in sounddevice.query_devices() if device["max_input_channels"] > 0]
    if inputs:
        yield Finding("audio", "good", f"input devices: {', '.join(inputs)}")
    else:
        fix = "Connect one, or start a JACK server; without one, send live audio over OSC."
        yield Finding("audio", "poor", "there is no input device: 'live' and 'jam --in' have no input", fix)


def check_sound_font() -> Iterator[Finding]:
    """Look for what --sonify needs to render notes."""
    from diffroll_live.files.sonify import find_fluidsynth, find_sound_font

    program, font = find_fluidsynth(), find_sound_font()
    if program and font:
        yield Finding("sonify", "good", f"FluidSynth with {font}")
        return
    fix = "apt-get install fluidsynth fluid-soundfont-gm, or name a SoundFont in DIFFROLL_SOUNDFONT."
    missing = "FluidSynth" if program is None else "a SoundFont"
    yield Finding("sonify", "poor", f"{missing} is missing: --sonify uses a plain built-in synth", fix)


def check_network() -> Iterator[Finding]:
    """Request the receive buffer that the daemon requests."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * GOOD_RECEIVE_BUFFER)
        granted = probe.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    if granted >= GOOD_RECEIVE_BUFFER:
        yield Finding("network", "good", f"UDP receive buffer {granted >> 10} KiB")
        return
    fix = "sudo sysctl -w net.core.rmem_max=8388608" if sys.platform.startswith("linux") else "Send audio over TCP."
    yield Finding("network", "poor", f"UDP receive buffer only {granted >> 10} KiB: bursts are resent", fix)


def check_port(port: int) -> Iterator[Finding]:
    """Check whether the daemon's port is free, or a daemon uses it."""
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    try:
        for kind in kinds:
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind is socket.SOCK_STREAM and os.name != "nt":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
    except OSError:
        from diffroll_live.osc.client import Client

        try:
            client = Client("127.0.0.1", port, name="doctor")
        except DiffrollError:
            fix = f"Close the program that uses it, or choose another port: diffroll-live serve --port {port + 1}"
            yield Finding("port", "bad", f"port {port} is taken by another program", fix)
            return
        text = f"a daemon runs on port {port}: model {client.welcome.model} on {client.welcome.device}"
        client.close()
        yield Finding("port", "good", text)
        return
    yield Finding("port", "good", f"port {port} is free; 'diffroll-live serve' starts the daemon")


def check_bridges() -> Iterator[Finding]:
    """Compare the bridges in the folders of the hosts on this machine with those of this version."""
    from diffroll_live.integrations.install.hosts import HOSTS, system_folders
    from diffroll_live.integrations.install.steps import state

    absent = []
    for name, host in HOSTS.items():
        again = f"Close {host.title} and run: diffroll-live install-bridge {name}"
        try:
            it = state(name, system_folders())
        except DiffrollError as error:
            yield Finding("bridges", "bad", f"{host.title}: {error}", again)
            continue
        if it == "installed":
            yield Finding("bridges", "good", f"{host.title}: installed")
        elif it == "outdated":
            yield Finding("bridges", "poor", f"{host.title}: another version", again)
        elif it == "altered":
            yield Finding("bridges", "poor", f"{host.title}: changed after the installation", again)
        elif it == "not installed":
            absent.append(name)
    if absent:
        yield Finding("bridges", "good", f"not installed: {', '.join(absent)} (diffroll-live install-bridge NAME)")


def check_remote_script() -> Iterator[Finding]:
    """Ask our Remote Script in Ableton Live, if it is running, what this version of Live offers."""
    from diffroll_live.integrations.ableton.script import RemoteScript

    try:
        with RemoteScript() as script:
            said = script.findings
    except DiffrollError:
        return  # Live is not running, which is not a problem
    state: State = "poor" if " lacks " in said else "good"
    yield Finding("live", state, f"DiffRollLive {said}", "Update Live to get that." if state == "poor" else "")


def check_spool() -> Iterator[Finding]:
    """Check the folder through which REAPER's and Ardour's scripts talk to the daemon."""
    from diffroll_live.server.endpoints.spool_folder import is_taken

    folder = ServerConfig().spool_folder
    assert folder is not None
    if not folder.exists():
        yield Finding("spool", "good", f"{folder}: does not exist yet; 'diffroll-live serve' creates it")
    elif is_taken(folder):
        yield Finding("spool", "good", f"{folder}: in use by a daemon")
    else:
        yield Finding("spool", "good", f"{folder}: no daemon uses it; 'diffroll-live serve' starts one")


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep what ALSA and JACK libraries print about missing hardware off the terminal."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "python": check_python,
    "torch": check_torch,
    "models": check_models,
    "midi": check_midi,
    "jack": check_jack,
    "audio": check_audio,
    "sonify": check_sound_font,
    "network": check_network,
    "bridges": check_bridges,
    "live": check_remote_script,
    "spool": check_spool,
}
#: What loads large libraries, or waits for an answer.
SLOW = frozenset({"torch", "audio", "sonify", "live"})
