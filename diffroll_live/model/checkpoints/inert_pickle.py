"""Read a pickle as data: no class is imported and no function called, whatever the file contains.

A pickle is a program for a small stack machine. Here the machine builds data only: a global becomes a ``Symbol``, a
call or an instance becomes a ``Made`` that records its arguments. Only globals on the caller's list may be named.

``torch.load(weights_only=True)`` is no replacement: it always allows some 150 globals, ``bytearray`` of any size among
them, and hashes nested tuples as keys, so that a file of 300 bytes can keep it busy for hours.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from diffroll_live.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class Symbol:
    """A global named in the file, such as ``collections.OrderedDict``; it is never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        """Join module and name with a dot."""
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Made:
    """What calling ``symbol`` with ``args`` would have returned, and the state and items given to it later."""

    symbol: Symbol
    args: tuple[Any, ...]
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)
    elements: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class External:
    """A reference to something outside the pickle (a "persistent id"): in torch's files, a tensor's storage."""

    key: Any


def read_pickle(data: bytes, allowed: Collection[str]) -> Any:
    """Read ``data`` as dicts, lists, tuples and scalars, with a ``Made`` for every object.

    ``allowed`` holds the dotted names of the globals that may occur. Raises CheckpointError for any other name, for
    truncated or damaged data, and for operations that no checkpoint needs.
    """
    machine = _Machine(frozenset(allowed))
    try:
        for opcode, argument, _ in pickletools.genops(data):
            machine.run(opcode.name, argument)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"The checkpoint's pickle is damaged ({error}); download the file again.") from error
    return machine.result


_MARK = object()
# fmt: off
_PUSHES = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
})
# fmt: on
_MAKES: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
    "MARK": lambda: _MARK,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = frozenset({"PROTO", "FRAME"})


class _Machine:
    """The stack machine of a pickle, reduced to building data."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.result: Any = None
        self._allowed = allowed
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, name: str, argument: Any) -> None:
        """Carry out one operation."""
        if name in _PUSHES:
            self._stack.append(argument)
        elif name in _MAKES:
            self._stack.append(_MAKES[name]())
        elif name in _TUPLES:
            self._stack.append(self._pop(_TUPLES[name]))
        elif name not in _IGNORED:
            operation = _OPERATIONS.get(name)
            if operation is None:
                raise CheckpointError(
                    f"The checkpoint uses the pickle operation {name}, which no checkpoint needs; it is refused."
                )
            operation(self, argument)

    def _pop(self, count: int) -> tuple[Any, ...]:
        if count > len(self._stack) or any(item is _MARK for item in self._stack[-count:]):
            raise ValueError("an operation lacks its operands")
        popped = tuple(self._stack[-count:])
        del self._stack[-count:]
        return popped

    def _pop_to_mark(self) -> list[Any]:
        for position in range(len(self._stack) - 1, -1, -1):
            if self._stack[position] is _MARK:
                popped = self._stack[position + 1 :]
                del self._stack[position:]
                return popped
        raise ValueError("an operation lacks its mark")

    def _top(self) -> Any:
        (top,) = self._pop(1)
        self._stack.append(top)
        return top

    def _symbol(self, module: Any, name: Any) -> Symbol:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise ValueError("the name of a global is not text")
        symbol = Symbol(module, name)
        if str(symbol) not in self._allowed:
            shown = ascii(str(symbol)[:100])  # it may contain anything, even escape codes for the terminal
            raise CheckpointError(
                f"The checkpoint asks for {shown}, which no checkpoint of this kind needs. "
                "It may be malicious; it was refused and nothing of it was run."
            )
        return symbol

    def _make(self, symbol: Any, args: Any) -> None:
        if not isinstance(symbol, Symbol) or not isinstance(args, tuple):
            raise CheckpointError("The checkpoint calls something unnamed; it was refused and nothing of it was run.")
        self._stack.append(Made(symbol, args))

    def stop(self, _: Any) -> None:
        (self.result,) = self._pop(1)

    def pop(self, _: Any) -> None:
        if not self._stack:
            raise ValueError("an operation lacks its operands")
        self._stack.pop()

    def pop_mark(self, _: Any) -> None:
        self._pop_to_mark()

    def dup(self, _: Any) -> None:
        self._stack.append(self._top())

    def put(self, index: int) -> None:
        self._memo[index] = self._top()

    def memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._top()

    def get(self, index: int) -> None:
        self._stack.append(self._memo[index])

    def tuple_(self, _: Any) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def list_(self, _: Any) -> None:
        self._stack.append(self._pop_to_mark())

    def dict_(self, _: Any) -> None:
        self._stack.append(_pairs(self._pop_to_mark()))

    def append(self, _: Any) -> None:
        (element,) = self._pop(1)
        self._extend([element])

    def appends(self, _: Any) -> None:
        self._extend(self._pop_to_mark())

    def _extend(self, elements: list[Any]) -> None:
        target = self._top()
        if isinstance(target, Made):
            target = target.elements
        if not isinstance(target, list):
            raise ValueError("elements are added to something other than a list")
        target.extend(elements)

    def add_items(self, _: Any) -> None:
        elements = self._pop_to_mark()
        target = self._top()
        if not isinstance(target, set):
            raise ValueError("elements are added to something other than a set")
        target.update(_keys(elements))

    def frozenset_(self, _: Any) -> None:
        self._stack.append(frozenset(_keys(self._pop_to_mark())))

    def set_item(self, _: Any) -> None:
        self._update(list(self._pop(2)))

    def set_items(self, _: Any) -> None:
        self._update(self._pop_to_mark())

    def _update(self, flat: list[Any]) -> None:
        target = self._top()
        if isinstance(target, Made):
            target = target.items
        if not isinstance(target, dict):
            raise ValueError("items are set on something other than a dict")
        target.update(_pairs(flat))

    def global_(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(self._symbol(module, name))

    def stack_global(self, _: Any) -> None:
        self._stack.append(self._symbol(*self._pop(2)))

    def inst(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        symbol = self._symbol(module, name)
        self._make(symbol, tuple(self._pop_to_mark()))

    def obj(self, _: Any) -> None:
        symbol, *args = self._pop_to_mark() or [None]
        self._make(symbol, tuple(args))

    def reduce(self, _: Any) -> None:
        self._make(*self._pop(2))

    def new_object(self, _: Any) -> None:
        self._make(*self._pop(2))

    def build(self, _: Any) -> None:
        (state,) = self._pop(1)
        target = self._top()
        if not isinstance(target, Made):
            raise CheckpointError("The checkpoint sets the state of something that is not an object; it was refused.")
        target.state = state

    def external(self, _: Any) -> None:
        (key,) = self._pop(1)
        self._stack.append(External(key))


def _pairs(flat: list[Any]) -> dict[Any, Any]:
    return dict(zip(_keys(flat[::2]), flat[1::2], strict=True))


def _keys(values: list[Any]) -> list[Any]:
    """Return keys that are quick to hash. Tuples are not: nested 40 deep, one takes hours."""
    if not all(value is None or isinstance(value, str | bytes | int | float | Symbol | Made) for value in values):
        raise ValueError("a key is neither a string nor a number")
    return values


_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "STOP": _Machine.stop,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "DUP": _Machine.dup,
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "TUPLE": _Machine.tuple_,
    "LIST": _Machine.list_,
    "DICT": _Machine.dict_,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "ADDITEMS": _Machine.add_items,
    "FROZENSET": _Machine.frozenset_,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.global_,
    "STACK_GLOBAL": _Machine.stack_global,
    "INST": _Machine.inst,
    "OBJ": _Machine.obj,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.new_object,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.external,
}
