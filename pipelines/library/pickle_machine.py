"""Carries out a pickle without doing anything it says.

A pickle is a program for a stack machine. This one works on inert values alone: what the program
names is never imported, what it calls is never called. Neither Python's own unpickler nor torch
has a part in it, so that no program can make it hang, crash or fill the memory.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pipelines.library.header import ELEMENT_BYTES, TensorInfo

WORK_LIMIT = 500_000
"""Steps of a program, and items it copies; of SDXL a hundred thousand."""

NAME_LIMIT = 200
"""Characters of the name of a class or function."""

DTYPES: Mapping[str, str] = {
    "torch.FloatStorage": "F32", "torch.HalfStorage": "F16", "torch.BFloat16Storage": "BF16",
    "torch.DoubleStorage": "F64", "torch.LongStorage": "I64", "torch.IntStorage": "I32",
    "torch.ShortStorage": "I16", "torch.CharStorage": "I8", "torch.ByteStorage": "U8",
    "torch.BoolStorage": "BOOL", "torch.storage.UntypedStorage": "U8",
    "torch.float8_e4m3fn": "F8_E4M3", "torch.float8_e5m2": "F8_E5M2",
    "torch.uint16": "U16", "torch.uint32": "U32", "torch.uint64": "U64",
}  # fmt: skip
"""Element types by the class of their storage, or by their own name where that is untyped."""

_LARGEST = 1 << 48


class Damaged(Exception):
    """Says what is wrong with a file, to stand after "is damaged: "."""


class Name(str):
    """A class or function that a program names: "torch.FloatStorage"."""


class Storage(NamedTuple):
    """Where a file keeps numbers: their class, the name of their place, and how many."""

    kind: str
    key: str
    numbers: int


class StoredTensor(NamedTuple):
    """A tensor, the name of the place where its numbers are, and the bytes of that place."""

    info: TensorInfo
    key: str
    storage_bytes: int


class Machine:
    """Runs one program.

    What it makes are texts, numbers, lists, tuples, `Storage`, `StoredTensor`, and for every
    other object a dictionary of its items and attributes. The keys of dictionaries are texts;
    small integers are written as such, anything else is left out with its value.
    """

    def __init__(self, program: bytes) -> None:
        self._program = program
        self._left = WORK_LIMIT
        self._stack: list[Any] = []
        self._outer: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """What the program makes. Raises Damaged."""
        try:
            for opcode, argument, _ in pickletools.genops(self._program):
                self.spend(1)
                self._step(opcode.name, argument)
            return self._stack.pop()
        except (ValueError, LookupError, RecursionError) as error:
            raise Damaged("it cannot be unpickled") from error

    def spend(self, work: int) -> None:
        """Count what is done. Raises Damaged when it is more than any model needs."""
        self._left -= work
        if self._left < 0:
            raise Damaged("it describes more than a model has")

    def _step(self, name: str, argument: Any) -> None:
        if (handler := _HANDLERS.get(name)) is not None:
            handler(self)
        elif name in _MEMOIZING:
            self._memo[len(self._memo) if argument is None else argument] = self._stack[-1]
        elif name in _RECALLING:
            self._stack.append(self._memo[argument])
        elif name == "GLOBAL":
            self._stack.append(_named(*argument.split(" ", 1)))
        elif name not in _SILENT:
            self._stack.append(argument)

    def _mark(self) -> None:
        self._outer.append(self._stack)
        self._stack = []

    def _unmark(self) -> list[Any]:
        """What was put on the stack since the last mark."""
        items, self._stack = self._stack, self._outer.pop()
        return items

    def _pop(self) -> Any:
        return self._stack.pop() if self._stack else self._unmark()

    def _pop_last(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise ValueError("too few on the stack")
        items = self._stack[-count:]
        del self._stack[-count:]
        return items

    def _append(self, items: list[Any]) -> None:
        if isinstance(self._stack[-1], list):
            self._stack[-1] += items

    def _set(self, items: list[Any]) -> None:
        """Put keys and values, in turn, into the dictionary on top."""
        if isinstance(target := self._stack[-1], dict):
            target.update(_paired(items))

    def _build(self) -> None:
        """Take an object's attributes for items; with slots they are two dictionaries."""
        state, target = self._stack.pop(), self._stack[-1]
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict) and isinstance(target, dict):
                self.spend(len(part))
                target.update(part)

    def _name(self) -> None:
        self._stack.append(_named(*self._pop_last(2)))

    def _find_storage(self) -> None:
        """What torch names by a persistent id is the place of numbers."""
        match self._stack.pop():
            case ("storage", Name() as kind, str() as key, _, int() as numbers, *_):
                self._stack.append(Storage(kind, key, numbers))
            case _:
                self._stack.append({})

    def _reduce(self) -> None:
        function, arguments = self._pop_last(2)
        self._stack.append(self._called(function, arguments))

    def _called(self, function: Any, arguments: Any) -> Any:
        """What calling the function would give."""
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            return {}
        self.spend(len(arguments))
        match (str(function), *arguments):
            case ("torch._utils._rebuild_tensor_v3", storage, offset, size, _, _, _, kind, *_):
                return _tensor(storage, offset, size, kind) or {}
            case (
                "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor",
                Storage() as storage, offset, size, *_,
            ):  # fmt: skip
                return _tensor(storage, offset, size, storage.kind) or {}
            case (
                "torch._utils._rebuild_parameter"
                | "torch._utils._rebuild_parameter_with_state"
                | "torch.Size",
                value, *_,
            ):  # fmt: skip
                return value
            case ("torch._tensor._rebuild_from_type_v2", inner, _, values, *_):
                return self._called(inner, values)
            case ("collections.OrderedDict", list() as pairs):
                self.spend(len(pairs))
                whole = [pair for pair in pairs if isinstance(pair, list) and len(pair) == 2]
                return _paired([each for pair in whole for each in pair])
            case _:
                return {}


def _named(module: Any, name: Any) -> Name | dict[str, Any]:
    # Texts that are joined could grow with every step; those of honest names do not.
    texts = type(module) is str and type(name) is str
    return Name(f"{module}.{name}") if texts and len(module) + len(name) <= NAME_LIMIT else {}


def _paired(items: list[Any]) -> dict[str, Any]:
    return {
        str(key): value
        for key, value in zip(items[::2], items[1::2], strict=True)
        if type(key) is str or (type(key) is int and abs(key) < _LARGEST)
    }


def _tensor(storage: Any, offset: Any, size: Any, kind: Any) -> StoredTensor | None:
    """The tensor of this shape whose numbers lie in a storage from `offset` on; None if they
    cannot all be there."""
    if not isinstance(storage, Storage) or not isinstance(size, tuple) or len(size) > 16:
        return None
    counts = (storage.numbers, offset, *size)
    if not all(type(count) is int and 0 <= count < _LARGEST for count in counts):
        return None
    dtype = DTYPES.get(kind) if isinstance(kind, Name) else None
    held = storage.numbers * ELEMENT_BYTES[DTYPES.get(storage.kind, "U8")]
    if dtype is None or (offset + math.prod(size)) * ELEMENT_BYTES[dtype] > held:
        return None
    return StoredTensor(TensorInfo(dtype, size), storage.key, held)


_SILENT = frozenset(("PROTO", "FRAME", "STOP", "READONLY_BUFFER"))
_MEMOIZING = frozenset(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"))
_RECALLING = frozenset(("GET", "BINGET", "LONG_BINGET"))


def _pushing(make: Callable[[Machine], Any]) -> Callable[[Machine], None]:
    def push(machine: Machine) -> None:
        value = make(machine)
        machine._stack.append(value)

    return push


def _object_of(count: int) -> Callable[[Machine], None]:
    def made(machine: Machine) -> None:
        machine._pop_last(count)
        machine._stack.append({})

    return made


def _object_since_mark(machine: Machine) -> None:
    machine._unmark()
    machine._stack.append({})


_HANDLERS: Mapping[str, Callable[[Machine], object]] = {
    "MARK": Machine._mark,
    "POP": Machine._pop,
    "POP_MARK": Machine._unmark,
    "DUP": _pushing(lambda machine: machine._stack[-1]),
    "NONE": _pushing(lambda _: None),
    "NEWTRUE": _pushing(lambda _: True),
    "NEWFALSE": _pushing(lambda _: False),
    "EMPTY_TUPLE": _pushing(lambda _: ()),
    "TUPLE1": _pushing(lambda machine: tuple(machine._pop_last(1))),
    "TUPLE2": _pushing(lambda machine: tuple(machine._pop_last(2))),
    "TUPLE3": _pushing(lambda machine: tuple(machine._pop_last(3))),
    "TUPLE": _pushing(lambda machine: tuple(machine._unmark())),
    "EMPTY_LIST": _pushing(lambda _: []),
    "LIST": _pushing(Machine._unmark),
    "APPEND": lambda machine: machine._append(machine._pop_last(1)),
    "APPENDS": lambda machine: machine._append(machine._unmark()),
    "EMPTY_DICT": _pushing(lambda _: {}),
    "DICT": _pushing(lambda machine: _paired(machine._unmark())),
    "SETITEM": lambda machine: machine._set(machine._pop_last(2)),
    "SETITEMS": lambda machine: machine._set(machine._unmark()),
    "EMPTY_SET": _pushing(lambda _: {}),
    "ADDITEMS": Machine._unmark,
    "FROZENSET": _object_since_mark,
    "NEWOBJ": _object_of(2),
    "NEWOBJ_EX": _object_of(3),
    "OBJ": _object_since_mark,
    "INST": _object_since_mark,
    "REDUCE": Machine._reduce,
    "BUILD": Machine._build,
    "STACK_GLOBAL": Machine._name,
    "BINPERSID": Machine._find_storage,
    "NEXT_BUFFER": _pushing(lambda _: {}),
}
