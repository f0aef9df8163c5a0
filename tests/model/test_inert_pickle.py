"""Pickles read as data: plain data comes back as it was, everything else is inert or refused."""

from __future__ import annotations

import collections
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffroll_live.errors import CheckpointError
from diffroll_live.model.checkpoints.inert_pickle import Made, Symbol, read_pickle

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
PLAIN = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(data=PLAIN, protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_data_comes_back(data: Any, protocol: int) -> None:
    allowed = {"__builtin__.bool"} if protocol == 0 else set()
    assert read_pickle(pickle.dumps(data, protocol), allowed) == data


def test_shared_and_circular_parts_stay_shared() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    read = read_pickle(pickle.dumps(ring), set())
    assert read[1] is read


def test_objects_become_what_they_were_made_of() -> None:
    data = pickle.dumps(collections.OrderedDict(a=1), 2)
    made = read_pickle(data, {"collections.OrderedDict"})
    assert isinstance(made, Made)
    assert made.symbol == Symbol("collections", "OrderedDict")
    assert made.items == {"a": 1}


class Touch:
    """Unpickled the usual way, this runs a shell command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_smuggled_command_is_named_and_does_not_run(tmp_path: Path, protocol: int) -> None:
    touched = tmp_path / "touched"
    payload = pickle.dumps({"weights": [1, 2, Touch(touched)]}, protocol)
    pickle.loads(payload)
    assert touched.exists()  # so it is a real one
    touched.unlink()
    with pytest.raises(CheckpointError, match=r"system.*nothing of it was run"):
        read_pickle(payload, {"collections.OrderedDict"})
    assert not touched.exists()


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


SMUGGLED = {
    "global and reduce": b"cos\nsystem\n(X\x04\x00\x00\x00trueetR.",
    "builtin through the old module name": b"c__builtin__\neval\n(X\x03\x00\x00\x001+1etR.",
    "builtin within a call of an allowed type": b"ccollections\nOrderedDict\n(c__builtin__\nexec\ntR.",
    "getattr on an allowed type": b"c__builtin__\ngetattr\n(ccollections\nOrderedDict\nX\x01\x00\x00\x00aetR.",
    "dotted name behind an allowed module": b"\x80\x04"
    + short("collections")
    + short("OrderedDict.__init__")
    + b"\x93.",
    "dotted name split elsewhere": b"\x80\x04" + short("collections.OrderedDict.x") + short("y") + b"\x93.",
    "allowed name split elsewhere": b"\x80\x04" + short("") + short("collections.OrderedDict") + b"\x93.",
    "stack global from the memo": b"\x80\x04" + short("os") + b"\x94" + short("system") + b"\x94h\x00h\x01\x93.",
    "stack global of something that is not text": b"\x80\x04K\x01K\x02\x93.",
    "instance, old style": b"(X\x04\x00\x00\x00trueios\nsystem\n.",
    "object, old style": b"(cos\nsystem\nX\x04\x00\x00\x00trueo.",
    "newobj": b"\x80\x02csubprocess\nPopen\n)\x81.",
    "newobj with keywords": b"\x80\x04ccollections\nOrderedDict\n)}\x92.",
    "call of a made thing": b"ccollections\nOrderedDict\n)R)R.",
    "call with arguments that are no tuple": b"ccollections\nOrderedDict\n]R.",
    "state on a global": b"ccollections\nOrderedDict\n}b.",
    "state on a dict": b"}}b.",
    "setstate taken from a global": b"ccollections\nOrderedDict\n)R}X\x0c\x00\x00\x00__setstate__cos\nsystem\nsb.",
    "extension registry": b"\x80\x02\x82\x01.",
    "textual persistent id": b"Pos.system\n.",
    "out-of-band buffer": b"\x80\x05\x97.",
}


@pytest.mark.parametrize("payload", SMUGGLED.values(), ids=SMUGGLED)
def test_refuses_every_way_to_smuggle(payload: bytes) -> None:
    with pytest.raises(CheckpointError):
        read_pickle(payload, {"collections.OrderedDict"})


def test_a_refused_name_cannot_write_to_the_terminal() -> None:
    with pytest.raises(CheckpointError) as refused:
        read_pickle(b"c\x1b[2J\n" + b"x" * 10_000 + b"\n.", set())
    assert refused.value.text.isprintable()
    assert len(refused.value.text) < 400


def test_a_state_with_setstate_stays_data() -> None:
    payload = b"ccollections\nOrderedDict\n)R}X\x0c\x00\x00\x00__setstate__K\x01sb."
    made = read_pickle(payload, {"collections.OrderedDict"})
    assert made.state == {"__setstate__": 1}


@pytest.mark.parametrize(
    "payload",
    [b"", b".", b"0.", b"}K\x01s.", b"h\x07.", b"\x85.", b"K\x01K\x02a.", b"}(K\x01u.", b"(K\x01}s.", b"\xff"],
)
def test_damage_is_a_sentence(payload: bytes) -> None:
    with pytest.raises(CheckpointError, match="damaged"):
        read_pickle(payload, set())


def test_a_key_that_takes_for_ever_to_hash_is_refused() -> None:
    nested = b")" + b"2\x86" * 60
    with pytest.raises(CheckpointError, match="damaged"):
        read_pickle(b"}" + nested + b"K\x01s.", set())


@given(data=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_pickle(data, set())
    except CheckpointError:
        return
    list(pickletools.genops(data))
