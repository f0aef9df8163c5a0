"""The Remote Script's own OSC and arithmetic, beside those of others: python-osc's bytes, numpy's interpolation."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage
from support import golden_session
from support.live_world import install_script
from support.osc_client import build

from diffroll_live.osc.codec import decode
from diffroll_live.osc.server_codec import read_message

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
INTS = st.integers(-(2**31), 2**31 - 1)
FLOATS = st.floats(width=32, allow_nan=False)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    from support import fake_live_host

    fake_live_host.install()
    install_script(tmp_path_factory.mktemp("script"), {})
    import DiffRollLive.clips
    import DiffRollLive.osc
    import DiffRollLive.passes
    import DiffRollLive.time_map

    return DiffRollLive


@pytest.mark.slow
def test_the_golden_session_is_read_and_written_alike(script):
    for line in golden_session.load():
        tagged = list(zip(line["tags"], line["args"], strict=True))
        if "b" in line["tags"]:
            continue  # audio in chunks; this bridge names files
        packet = build(line["address"], *tagged)
        message = script.osc.decode(packet)
        assert (message.address, list(message.args)) == (line["address"], list(OscMessage(packet).params))
        values = [float(arg) if tag == "f" else arg for tag, arg in tagged]
        assert script.osc.encode(line["address"], *values) == packet


@given(args=st.lists(st.one_of(TEXT, INTS, FLOATS), max_size=20))
def test_messages_come_back(script, args):
    message = OscMessage(script.osc.encode("/a/b", *args))
    assert message.params == args
    assert list(script.osc.decode(script.osc.encode("/a/b", *args)).args) == args


@given(packet=st.binary(max_size=60))
def test_rubbish_is_refused_and_nothing_else_happens(script, packet):
    for start in (b"", b"/a\0\0,", b"/a\0\0,ifsb\0\0\0"):
        try:
            message = script.osc.decode(start + packet)
        except script.osc.OscError:
            continue
        assert message.address.startswith("/")


@given(sizes=st.lists(st.integers(0, 3000), max_size=60))
def test_bundles_hold_everything_and_stay_small(script, sizes):
    from support.live_world import unbundled

    packets = [script.osc.encode("/x", "y" * size) for size in sizes]
    packed = script.osc.bundles(packets)
    assert [element for bundle in packed for element in unbundled(bundle)] == packets
    assert all(len(bundle) <= script.osc.BUNDLE_BYTES for bundle in packed)


@given(steps=st.lists(st.tuples(st.floats(0.01, 5), st.floats(0.01, 9)), min_size=1, max_size=12), x=st.floats(-1, 50))
def test_warp_markers_are_lines(script, steps, x):
    seconds = np.cumsum([0.0, *(s for s, _ in steps)])
    beats = np.cumsum([-2.0, *(b for _, b in steps)])
    one = script.time_map.TimeMap(zip(seconds, beats, strict=True))
    assert math.isclose(one.second(one.beat(x)), x, abs_tol=1e-6)
    if seconds[0] <= x <= seconds[-1]:
        assert math.isclose(one.beat(x), np.interp(x, seconds, beats), abs_tol=1e-9)


@example(start=3.0, loop=(0.0, 3.0005), visible=1.0)
@given(start=st.floats(0, 3.9), loop=st.tuples(st.floats(0, 1.5), st.floats(2, 4)), visible=st.floats(0.5, 60))
def test_a_loop_is_written_out_without_a_gap(script, start, loop, visible):
    begin, end = loop
    assume(start < end)
    passes = script.passes.arrangement_passes(script.clips.Layout(start, begin, end, True), visible)
    heard = [(one.begin + one.shift, one.end + one.shift) for one in passes]
    assert heard[0][0] == pytest.approx(0.0)
    assert heard[-1][1] == pytest.approx(visible, abs=2e-3)
    assert all(a[1] == pytest.approx(b[0]) for a, b in pairwise(heard))


def test_the_daemon_reads_the_transport_as_it_was_meant(script):
    from DiffRollLive.transport import Transport
    from support import fake_live

    sent: list[bytes] = []
    song = fake_live.Song()
    song._time, song._tempo, song._playing = 7.0, 140.0, True
    Transport(song, SimpleNamespace(send=sent.append)).tick()
    (told,) = (read_message(message) for packet in sent for message in decode(packet))
    assert (told.playing, told.tempo, told.beat, told.numerator, told.denominator) == (True, 140.0, 7.0, 3, 4)
    assert told.position == pytest.approx(3.0)
