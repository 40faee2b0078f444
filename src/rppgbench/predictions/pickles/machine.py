"""An interpreter of the pickle format that runs no code of the pickle.

The module `pickle` imports what a pickle names and calls it. This interpreter does neither. It
follows the opcodes (Python documentation, module `pickletools`), and a name of the pickle is looked
up in a table of builders. A name that is not in the table ends the reading with one line.

The work and the memory are bounded before they are spent: the number of opcodes, the bytes of all
arrays, and the depth of the result. Keys of dictionaries are texts and short whole numbers, whose
hashes cannot be made to collide.
"""

import io
import pickletools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from rppgbench.system.errors import BenchError, one_line, shortened

MOST_OPCODES = 5_000_000
"""One number in a list is one or two opcodes; a tensor of any length is about 15."""
MOST_ARRAY_BYTES = 2**30
MOST_DEEP = 64
MOST_BITS = 128
"""Of a whole number; the magic number in a storage of PyTorch has 80."""
KEY_BITS = 63

WAY_OUT = "export the predictions to CSV or NPZ instead"


class Global(NamedTuple):
    """A name in a pickle: a text, never the object of that name."""

    module: str
    name: str

    @property
    def dotted(self) -> str:
        """The full name."""
        return f"{self.module}.{self.name}"


class Budget:
    """How many opcodes and bytes may still be spent on one file, nested pickles included."""

    def __init__(self, location: str) -> None:
        self.location = location
        self._opcodes = MOST_OPCODES
        self._bytes = MOST_ARRAY_BYTES

    def spend_opcode(self) -> None:
        """Count one opcode."""
        self._opcodes -= 1
        if self._opcodes < 0:
            raise self.fault(f"a pickle of more than {MOST_OPCODES:,} steps")

    def spend_bytes(self, count: int) -> None:
        """Count the bytes of an array before it is made."""
        self._bytes -= count
        if self._bytes < 0:
            raise self.fault(f"arrays that claim more than {MOST_ARRAY_BYTES / 2**30:.0f} GB")

    def fault(self, what: str) -> BenchError:
        """The error for a pickle that is not read."""
        return BenchError(f"{self.location}: {shortened(one_line(what), 300)}; {WAY_OUT}")


Builder = Callable[[tuple[Any, ...], Budget], Any]
"""Makes the value that a name stands for from the arguments in the pickle."""

PersistentLoader = Callable[[Any], Any]
"""Gives the value for a persistent id, which PyTorch uses for storages."""


class _Refused(Exception):
    """What a pickle wants and is not done; it becomes one line with the file."""


def run_pickle(
    stream: io.BytesIO,
    builders: Mapping[str, Builder | None],
    budget: Budget,
    persistent: PersistentLoader | None = None,
) -> Any:
    """Read the pickle at the position of a stream; the position is then after its end.

    Args:
        stream: the bytes.
        builders: dotted name -> what makes the value; None allows a name as an argument only.
        budget: what may be spent.
        persistent: gives the values of persistent ids; None refuses them.

    Returns:
        None, numbers, texts, bytes, lists, tuples, dictionaries, sets, numpy arrays, and what the
        builders make, nested.

    Raises:
        BenchError: the pickle is damaged, wants another name, or is over a limit.
    """
    machine = _Machine(builders, budget, persistent)
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            budget.spend_opcode()
            if opcode.name == "STOP":
                return machine.stack.pop()
            machine.step(opcode.name, argument)
    except BenchError:
        raise
    except _Refused as refusal:
        raise budget.fault(str(refusal)) from None
    except Exception as error:  # a damaged pickle raises exceptions of any kind
        raise budget.fault(f"a damaged pickle ({type(error).__name__}: {error})") from error
    raise budget.fault("a pickle without an end")


class _Machine:
    """The stack, the marks and the memo of one pickle."""

    def __init__(
        self,
        builders: Mapping[str, Builder | None],
        budget: Budget,
        persistent: PersistentLoader | None,
    ) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._builders = builders
        self._budget = budget
        self._persistent = persistent

    def step(self, name: str, argument: Any) -> None:
        """Carry out one opcode.

        Args:
            name: the opcode's name.
            argument: its argument in the pickle, if it has one.
        """
        if name in _PUSHES:
            self._push(name, argument)
            return
        action = _ACTIONS.get(name)
        if action is None:
            raise _Refused(f"a pickle with the step {name}, which is not carried out")
        action(self, argument)

    def _push(self, name: str, argument: Any) -> None:
        if isinstance(argument, int) and argument.bit_length() > MOST_BITS:
            raise _Refused("a pickle with a whole number of more than 128 bits")
        fresh = _PUSHES[name]
        self.stack.append(argument if fresh is None else fresh())

    def pop_to_mark(self) -> list[Any]:
        """The values above the last mark, which are removed with it."""
        start = self._marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def mark(self, _: Any) -> None:
        """Remember the height of the stack."""
        self._marks.append(len(self.stack))

    def pop(self, _: Any) -> None:
        """Drop the topmost value, or the last mark where nothing lies above it."""
        if self._marks and self._marks[-1] == len(self.stack):
            self._marks.pop()
        else:
            self.stack.pop()

    def drop_to_mark(self, _: Any) -> None:
        """Drop the values above the last mark."""
        self.pop_to_mark()

    def duplicate(self, _: Any) -> None:
        """Push the topmost value again."""
        self.stack.append(self.stack[-1])

    def put(self, key: int) -> None:
        """Keep the topmost value under a number."""
        value = self.stack[-1]
        self._memo[key] = value
        if hasattr(value, "memo_keys"):
            value.memo_keys.append(key)

    def memoize(self, _: Any) -> None:
        """Keep the topmost value under the next number."""
        self.put(len(self._memo))

    def get(self, key: int) -> None:
        """Push a kept value."""
        self.stack.append(self._memo[key])

    def tuple_of(self, count: int) -> None:
        """Make a tuple of the topmost values."""
        values = tuple(self.stack[len(self.stack) - count :])
        if len(values) != count:
            raise IndexError("too few values")
        del self.stack[len(self.stack) - count :]
        self.stack.append(values)

    def append(self, _: Any) -> None:
        """Add the topmost value to the list below it."""
        value = self.stack.pop()
        self._top(list).append(value)

    def extend(self, _: Any) -> None:
        """Add the values above the mark to the list below it."""
        values = self.pop_to_mark()
        self._top(list).extend(values)

    def set_item(self, _: Any) -> None:
        """Put one key and value into the dictionary below them."""
        value, key = self.stack.pop(), self.stack.pop()
        self._top(dict)[checked_key(key)] = value

    def set_items(self, _: Any) -> None:
        """Put the keys and values above the mark into the dictionary below it."""
        values = self.pop_to_mark()
        target = self._top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[checked_key(key)] = value

    def add_items(self, _: Any) -> None:
        """Put the values above the mark into the set below it."""
        values = self.pop_to_mark()
        self._top(set).update(checked_key(value) for value in values)

    def make_list(self, _: Any) -> None:
        """Make a list of the values above the mark."""
        self.stack.append(self.pop_to_mark())

    def make_tuple(self, _: Any) -> None:
        """Make a tuple of the values above the mark."""
        self.stack.append(tuple(self.pop_to_mark()))

    def make_dict(self, _: Any) -> None:
        """Make a dictionary of the keys and values above the mark."""
        values = self.pop_to_mark()
        keys = [checked_key(key) for key in values[::2]]
        self.stack.append(dict(zip(keys, values[1::2], strict=True)))

    def make_frozenset(self, _: Any) -> None:
        """Make a set of the values above the mark."""
        self.stack.append({checked_key(value) for value in self.pop_to_mark()})

    def push_global(self, argument: str) -> None:
        """Push a name that the opcode holds: module and name with a blank between."""
        module, _, name = argument.partition(" ")
        self._push_name(Global(module, name))

    def push_stack_global(self, _: Any) -> None:
        """Push a name whose parts are the two topmost texts."""
        name, module = self.stack.pop(), self.stack.pop()
        if not (isinstance(module, str) and isinstance(name, str)):
            raise TypeError("a name that is no text")
        self._push_name(Global(module, name))

    def _push_name(self, wanted: Global) -> None:
        if wanted.dotted not in self._builders:
            raise _Refused(
                f"a pickle that wants {wanted.dotted!r}; only arrays, tensors, numbers, texts, "
                "lists and dictionaries are built, and nothing is run"
            )
        self.stack.append(wanted)

    def reduce(self, _: Any) -> None:
        """Make the value that a name stands for."""
        arguments, wanted = self.stack.pop(), self.stack.pop()
        if not isinstance(wanted, Global) or not isinstance(arguments, tuple):
            raise TypeError("a call of what is no name")
        builder = self._builders[wanted.dotted]
        if builder is None:
            raise _Refused(f"a pickle that wants to call {wanted.dotted!r}, which is not done")
        self.stack.append(builder(arguments, self._budget))

    def build(self, _: Any) -> None:
        """Complete the topmost draft by its state; the memo then holds the complete value."""
        state, draft = self.stack.pop(), self.stack.pop()
        if not hasattr(draft, "memo_keys"):
            raise _Refused(f"a pickle that sets attributes of a {type(draft).__name__}")
        value = draft.finished(state, self._budget)
        for key in draft.memo_keys:
            if self._memo.get(key) is draft:
                self._memo[key] = value
        self.stack.append(value)

    def persistent(self, argument: Any) -> None:
        """Push the value of a persistent id."""
        if self._persistent is None:
            raise _Refused("a pickle that refers to objects outside of it")
        self.stack.append(self._persistent(self.stack.pop() if argument is None else argument))

    def skip(self, _: Any) -> None:
        """Do nothing: the protocol's number and the lengths of frames."""

    def _top(self, kind: type[Any]) -> Any:
        target = self.stack[-1]
        if not isinstance(target, kind):
            raise TypeError(f"a {type(target).__name__} where a {kind.__name__} belongs")
        return target


def checked_key(key: Any) -> Any:
    """A key of a dictionary, or a member of a set, which is a number or a text.

    The hash of a long whole number can be chosen: a million of them with one hash would take hours.
    """
    if isinstance(key, int) and key.bit_length() > KEY_BITS:
        raise _Refused("a pickle with a key of more than 63 bits")
    if key is not None and not isinstance(key, str | bytes | int | float):
        raise _Refused(f"a pickle with a key of type {type(key).__name__}")
    return key


_WITH_ARGUMENT = (
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING "
    "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8"
)
_PUSHES: dict[str, Callable[[], Any] | None] = {
    **dict.fromkeys(_WITH_ARGUMENT.split()),
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
"""Opcodes that push one value: their argument, or a fresh one."""

_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.skip,
    "FRAME": _Machine.skip,
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.drop_to_mark,
    "DUP": _Machine.duplicate,
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "TUPLE": _Machine.make_tuple,
    "LIST": _Machine.make_list,
    "DICT": _Machine.make_dict,
    "FROZENSET": _Machine.make_frozenset,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "ADDITEMS": _Machine.add_items,
    "GLOBAL": _Machine.push_global,
    "STACK_GLOBAL": _Machine.push_stack_global,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "PERSID": _Machine.persistent,
    "BINPERSID": _Machine.persistent,
}

_PLAIN = (type(None), bool, int, float, str, bytes, bytearray)


def check_result(value: Any, budget: Budget) -> None:
    """Check that a result holds plain values and complete arrays only, and is not too deep.

    Args:
        value: the result of a pickle.
        budget: names the file.

    Raises:
        BenchError: a name, an incomplete object or a storage is left in it.
    """
    seen: set[int] = set()
    todo: list[tuple[Any, int]] = [(value, 0)]
    while todo:
        item, depth = todo.pop()
        if isinstance(item, _PLAIN) or (isinstance(item, np.ndarray) and item.dtype.kind != "O"):
            continue
        if isinstance(item, Global):
            raise budget.fault(f"a pickle that wants {item.dotted!r} as a value")
        if not isinstance(item, list | tuple | dict | set | np.ndarray):
            raise budget.fault(f"a pickle with an incomplete {type(item).__name__}")
        if id(item) in seen:
            continue
        if depth > MOST_DEEP:
            raise budget.fault(f"a pickle nested more than {MOST_DEEP} deep")
        seen.add(id(item))
        parts: Iterable[Any] = item
        if isinstance(item, dict):
            parts = item.values()
        elif isinstance(item, np.ndarray):
            parts = item.flat
        todo.extend((part, depth + 1) for part in parts)
