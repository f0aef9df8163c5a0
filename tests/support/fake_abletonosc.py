"""A stock AbletonOSC in front of a fake Live, on a thread of its own, traps included.

It behaves as its source does: looks at its socket every tick and answers what has come, to a fixed port of whoever
asked; an uncaught error is said as `/live/error` and ends that tick's look; unknown addresses are not answered;
`get/notes` and `remove/notes` want track and clip, and without a range they miss pitch 127; a new clip is there only
after the tick; what is longer than a datagram of macOS is not sent. Numbers go out as 32-bit floats. What it does not
have (warp markers, sample rates, the Arrangement, undo steps) is not here either.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Self

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from support import fake_live
from support.fake_live_notes import MidiNoteSpecification
from support.live_world import free_port

LARGEST = 9216  # bytes
CLIP_VALUES = ("is_audio_clip", "file_path", "sample_length", "warping", "start_marker", "end_marker", "loop_start")
CLIP_VALUES += ("loop_end", "looping", "length", "pitch_coarse", "name")


class FakeAbletonOsc:
    """Use as a context manager. ``lose`` names addresses whose next messages vanish, one for each mention."""

    def __init__(self, tick: float = 0.01) -> None:
        self.port, self.reply_port = free_port(), free_port()
        self.heard: list[str] = []
        self.sizes: list[int] = []
        self.lose: list[str] = []
        self.messages: list[str] = []
        self.looks: list[int] = []  # how many datagrams each look has taken
        self._tick = tick  # s; 0.1 in Live
        self._wishes: queue.Queue[tuple[Callable[[fake_live.Song], Any], Future[Any]]] = queue.Queue()
        self._later: list[Callable[[], None]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="Live")

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", self.port))
        self._socket.setblocking(False)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def user(self, action: Callable[[fake_live.Song], Any]) -> Any:
        """Do something in Live, as its user would; Live's objects live on its own thread."""
        done: Future[Any] = Future()
        self._wishes.put((action, done))
        return done.result(20)

    def _run(self) -> None:
        self._song = fake_live.Song()
        with self._socket:
            while not self._stop.wait(self._tick):
                while not self._wishes.empty():
                    action, done = self._wishes.get()
                    done.set_result(action(self._song))
                for action in self._later:
                    action()
                self._later.clear()
                self._look()

    def _look(self) -> None:
        client = None
        self.looks.append(0)
        try:
            while True:
                packet, (ip, _) = self._socket.recvfrom(65536)
                self.looks[-1] += 1
                client = (ip, self.reply_port)
                self._answer(OscMessage(packet), len(packet), client)
        except BlockingIOError:
            pass
        except Exception as error:  # noqa: BLE001 - as the original does
            self._send(client, "/live/error", (f"{type(error).__name__}: {error}",))

    def _answer(self, message: OscMessage, size: int, client: Any) -> None:
        self.heard.append(message.address)
        self.sizes.append(size)
        if message.address in self.lose:
            self.lose.remove(message.address)
            return
        handler = self._handler(message.address)
        if handler is not None:
            answer = handler(*message.params)
            if answer is not None:
                self._send(client, message.address, answer)

    def _send(self, client: Any, address: str, args: tuple[Any, ...]) -> None:
        builder = OscMessageBuilder(address)
        for arg in args:
            builder.add_arg(arg)
        packet = builder.build().dgram
        if len(packet) > LARGEST:
            raise OSError("[Errno 40] Message too long")
        self._socket.sendto(packet, client)

    def _handler(self, address: str) -> Callable[..., Any] | None:
        name = address.rpartition("/")[2]
        if address.startswith("/live/clip/get/") and name in CLIP_VALUES:
            return partial(self._clip_value, name)
        return {
            "/live/test": lambda: ("ok",),
            "/live/song/get/tempo": lambda: (self._song.tempo,),
            "/live/song/get/signature_numerator": lambda: (self._song.signature_numerator,),
            "/live/song/get/signature_denominator": lambda: (self._song.signature_denominator,),
            "/live/song/get/num_tracks": lambda: (len(self._song.tracks),),
            "/live/song/create_midi_track": lambda index: self._song.create_midi_track(index) and None,
            "/live/song/delete_track": lambda index: self._song.delete_track(index),
            "/live/view/get/selected_clip": self._selected,
            "/live/track/get/name": lambda t: (t, self._song.tracks[t].name),
            "/live/track/get/has_midi_input": lambda t: (t, self._song.tracks[t].has_midi_input),
            "/live/track/set/name": lambda t, name: setattr(self._song.tracks[t], "name", name),
            "/live/clip_slot/get/has_clip": lambda t, c: (t, c, self._slot(t, c).has_clip),
            "/live/clip_slot/create_clip": self._create,
            "/live/clip_slot/delete_clip": lambda t, c: self._slot(t, c).delete_clip(),
            "/live/clip/set/name": lambda t, c, name: setattr(self._slot(t, c).clip, "name", name),
            "/live/clip/add/notes": self._add,
            "/live/clip/get/notes": self._notes,
            "/live/clip/remove/notes": self._remove,
            "/live/api/show_message": self.messages.append,
        }.get(address)

    def _slot(self, track: int, scene: int) -> Any:
        return self._song.tracks[track].clip_slots[scene]

    def _selected(self) -> tuple[int, int]:
        view = self._song.view
        return self._song.tracks.index(view.selected_track), self._song.scenes.index(view.selected_scene)

    def _clip_value(self, name: str, track: int, scene: int) -> tuple[Any, ...]:
        try:
            return track, scene, getattr(self._slot(track, scene).clip, name)
        except RuntimeError:  # what a clip does not have
            return track, scene, None

    def _create(self, track: int, scene: int, beats: float) -> None:
        slot = self._slot(track, scene)
        if slot.has_clip:
            raise RuntimeError("the slot is full")
        self._later.append(lambda: slot.create_clip(beats))

    def _add(self, track: int, scene: int, *flat: Any) -> None:
        clip = self._slot(track, scene).clip
        specify = MidiNoteSpecification
        clip.add_new_notes([specify(*flat[at : at + 5]) for at in range(0, len(flat), 5)])

    def _remove(self, track: int, scene: int, *where: Any) -> None:
        found = self._notes(track, scene, *where)[2::5], self._notes(track, scene, *where)[3::5]
        clip = self._slot(track, scene).clip
        gone = set(zip(*found, strict=True))
        notes = clip.get_notes_extended(0, 128, -8192.0, 16384.0)
        clip.remove_notes_by_id([note.note_id for note in notes if (note.pitch, note.start_time) in gone])

    def _notes(self, track: int, scene: int, *where: Any) -> tuple[Any, ...]:
        pitch, pitches, begin, beats = where or (0, 127, -8192.0, 16384.0)
        notes = self._slot(track, scene).clip.get_notes_extended(pitch, pitches, begin, beats)
        flat = [(n.pitch, n.start_time, n.duration, n.velocity, n.mute) for n in notes]
        return (track, scene, *(value for note in flat for value in note))
