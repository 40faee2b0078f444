"""Pickles of others: what is built, that nothing is run, and what it may cost."""

import collections
import decimal
import io
import pickle
import struct
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.predictions.pickles import machine
from rppgbench.predictions.pickles.reading import is_pickle, read_pickled_file, unpickle
from rppgbench.system.errors import BenchError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def assert_same(got: Any, wanted: Any) -> None:
    """Equal in value, type and order."""
    if isinstance(wanted, np.ndarray):
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        for one, other in zip(got.flat, wanted.flat, strict=True):
            assert_same(one, other)
    elif isinstance(wanted, dict):
        assert list(got) == list(wanted)
        for key, value in wanted.items():
            assert_same(got[key], value)
    elif isinstance(wanted, list | tuple):
        assert type(got) is type(wanted)
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            assert_same(one, other)
    else:
        assert got == wanted


def objects(*values: Any, shape: tuple[int, ...]) -> Any:
    """An array of objects."""
    flat = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        flat[at] = value
    return flat.reshape(shape)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_numbers_texts_and_arrays_hold_is_what_pickle_gives(protocol: int) -> None:
    shared = [1.5, "ä\n", b"\x00\xff"]
    value = {
        "plain": [None, True, False, -7, 2**40, 2**100, 1.5e-300, "", "text", b"bytes"],
        "nested": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [[[]]], {"a": {"b": []}}),
        "shared": [shared, shared],
        "ordered": collections.OrderedDict([("z", 1), ("a", 2)]),
        "set": {1, 2, 3},
        3: [np.float32(1.5), np.int64(-3), np.float16(0.25), np.bool_(True), np.str_("x")],
        "arrays": [
            np.arange(6.0).reshape(2, 3),
            np.asfortranarray(np.arange(6).reshape(2, 3)),
            np.arange(24, dtype=np.int16).reshape(2, 3, 4).transpose(1, 2, 0),
            np.array([1.5, 2.5], dtype=">f8"),
            np.zeros((0, 3), dtype=np.float32),
            np.array(7.0),
            np.array(["ab", "c"]),
            np.array([True, False]),
        ],
        "objects": np.asfortranarray(objects("a", np.ones(2), [], None, 5, "b", shape=(2, 3))),
    }
    assert_same(unpickle(pickle.dumps(value, protocol=protocol), "a.pkl"), value)


def test_one_object_in_two_places_is_one_object() -> None:
    shared: list[int] = [1]
    first, second = unpickle(pickle.dumps([shared, shared]), "a.pkl")
    assert first is second


def test_modules_of_numpy_are_known_by_both_names() -> None:
    new = pickle.dumps(np.arange(3.0), protocol=2)
    assert b"numpy._core" in new
    old = new.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    np.testing.assert_array_equal(unpickle(old, "a.pkl"), np.arange(3.0))


class Runs:
    """A pickle of this calls a function by name."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


class Plain:
    """An object of a class of one's own."""


HOSTILE: dict[str, tuple[bytes, str]] = {
    "system": (b"cposix\nsystem\n(S'touch owned'\ntR.", "'posix.system'"),
    "eval": (pickle.dumps(Runs(eval, "open('owned', 'w')")), "'builtins.eval'"),
    "getattr": (pickle.dumps(Runs(getattr, "", "join")), "'builtins.getattr'"),
    "open": (pickle.dumps(Runs(open, "owned", "w")), "open'"),
    "popen": (pickle.dumps(Runs(subprocess.Popen, "touch owned")), "'subprocess.Popen'"),
    "own class": (pickle.dumps(Plain()), "Plain'"),
    "class as a value": (pickle.dumps(Plain), "Plain'"),
    "numpy's class as a value": (pickle.dumps([np.ndarray]), "'numpy.ndarray' as a value"),
    "call of numpy's class": (pickle.dumps(Runs(np.ndarray, (10**12,))), "to call 'numpy.ndarray'"),
    "numpy.load": (pickle.dumps(Runs(np.load, "owned")), "'numpy.load'"),
    "numpy.fromfile": (b"cnumpy\nfromfile\n(S'/etc/passwd'\ntR.", "'numpy.fromfile'"),
    "inst": (b"(S'touch owned'\nios\nsystem\n.", "the step INST"),
    "obj": (b"(cos\nsystem\nS'touch owned'\no.", "'os.system'"),
    "newobj": (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "the step NEWOBJ"),
    "extension": (b"\x80\x02\x82\x01.", "the step EXT1"),
    "out of band": (b"\x80\x05\x97.", "the step NEXT_BUFFER"),
    "persistent id": (b"\x80\x02K\x01Q.", "refers to objects outside"),
    "attributes of a dict": (b"\x80\x02}}b.", "sets attributes of a dict"),
    "dotted name": (b"\x80\x04\x8c\x05numpy\x8c\x11ndarray.__class__\x93.", "'numpy.ndarray._"),
    "codecs": (b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.", "wants to encode a text"),
    "decimal": (pickle.dumps(decimal.Decimal(1)), "'decimal.Decimal'"),
    "complex": (pickle.dumps(1j), "complex'"),
    "dates": (pickle.dumps(np.array(["2020"], dtype="M8[s]")), "of type 'M8'"),
    "records": (pickle.dumps(np.zeros(2, dtype=[("a", "f8")])), "of type 'V8'"),
    "masked": (pickle.dumps(np.ma.masked_array([1.0])), "'numpy.ma"),
    "frame": (b"cpandas.core.frame\nDataFrame\n)R.", "'pandas.core.frame.DataFrame'"),
    "lists as keys": (b"\x80\x02}]K\x01s.", "a key of type list"),
    "huge keys": (pickle.dumps({2**61 - 1 << 40: 1}), "a key of more than 63 bits"),
    "huge number": (pickle.dumps(2**4000), "more than 128 bits"),
    "no end": (b"\x80\x02]", "damaged pickle"),
    "empty stack": (b".", "damaged pickle"),
    "cut": (pickle.dumps(list(range(1000)))[:200], "damaged pickle"),
    "no mark": (b"\x80\x02e.", "damaged pickle"),
    "absent memo": (b"\x80\x02h\x07.", "damaged pickle"),
    "text that claims 8 EB": (b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f.", "damaged pickle"),
    "call of a list": (b"\x80\x02])R.", "damaged pickle"),
    "set of lists": (b"c__builtin__\nset\n((l(latR.", "a key of type"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_pickle_is_one_line_that_names_what_it_wants(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, wanted = HOSTILE[case]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError) as caught:
        unpickle(data, "hostile.pkl")
    message = str(caught.value)
    assert message.startswith("hostile.pkl: ")
    assert wanted in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def array_pickle(shape: tuple[int, ...], data: bytes) -> bytes:
    """An array whose state claims a shape."""
    good = pickle.dumps(np.frombuffer(b"abcdefgh", np.uint8).reshape(2, 2, 2).copy(), protocol=2)
    head, _, tail = good.partition(b"K\x02K\x02K\x02\x87")
    sizes = b"".join(b"\x8a\x08" + struct.pack("<q", size) for size in shape)
    assert tail
    return head + sizes + b"\x87" + tail.replace(b"abcdefgh", data)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((2, 2, 3), "array of 12 bytes that holds 8"),
        ((2**20, 2**20, 2), "claim more than 1 GB"),
        ((-2, -2, 2), "impossible shape"),
    ],
)
def test_an_array_may_not_claim_another_size(shape: tuple[int, ...], wanted: str) -> None:
    assert unpickle(array_pickle((2, 2, 2), b"abcdefgh"), "a.pkl").shape == (2, 2, 2)
    with pytest.raises(BenchError, match=wanted):
        unpickle(array_pickle(shape, b"abcdefgh"), "a.pkl")


def test_the_number_of_steps_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MOST_OPCODES", 1000)
    assert unpickle(pickle.dumps([0.5] * 400), "a.pkl") == [0.5] * 400
    with pytest.raises(BenchError, match="more than 1,000 steps"):
        unpickle(b"\x80\x02" + b"]" * 2000 + b".", "a.pkl")


def test_a_result_may_not_be_nested_without_end() -> None:
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(BenchError, match="nested more than 64 deep"):
        unpickle(pickle.dumps(deep), "a.pkl")


def test_lists_that_share_parts_take_no_time_to_check() -> None:
    """Forty lists, each twice in the next: 2**40 paths, and forty objects."""
    deep: list[Any] = []
    for _ in range(40):
        deep = [deep, deep]
    assert len(unpickle(pickle.dumps(deep), "a.pkl")) == 2


def test_a_small_pickle_takes_little_memory() -> None:
    bombs = [
        b"\x80\x02K\x00" + b"2" * 100 + b"r\xff\xff\xff\xff.",  # a memo of four thousand million
        b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.",
        b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".",
    ]
    for bomb in bombs:
        tracemalloc.start()
        with suppress(BenchError):
            unpickle(bomb, "a.pkl")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**20


def test_a_file_that_is_no_pickle_is_none(tmp_path: Path) -> None:
    file = tmp_path / "a.pkl"
    for data, wanted in ((pickle.dumps([1]), True), (b"a,b\n1,2\n", False), (b"", False)):
        file.write_bytes(data)
        assert is_pickle(file) is wanted


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"a\.pkl"):
        read_pickled_file(tmp_path / "a.pkl")


def tensors() -> dict[str, Any]:
    """Tensors of every type, and views of a storage."""
    import torch

    kinds = ("float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64")
    base = torch.arange(24.0).reshape(2, 3, 4)
    return {
        **{kind: torch.arange(5).to(getattr(torch, kind)) for kind in kinds},
        "uint8": torch.arange(5, dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
        "transposed": base.permute(2, 0, 1),
        "slice": base[1, :, 1:3],
        "expanded": torch.ones(1).expand(5),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "chunks": {0: base[0], 1: base[1]},
    }


def as_numpy(value: Any) -> Any:
    import torch

    if isinstance(value, dict):
        return {key: as_numpy(part) for key, part in value.items()}
    detached = value.detach()
    return (detached.float() if detached.dtype is torch.bfloat16 else detached).numpy()


@pytest.mark.torch
@pytest.mark.parametrize("form", ["2", "3", "4", "5", "archive"])
def test_tensors_are_arrays(form: str) -> None:
    import torch

    value = tensors()
    if form == "archive":
        sink = io.BytesIO()
        torch.save(value, sink)
        data = sink.getvalue()
    else:
        data = pickle.dumps(value, protocol=int(form))
    got = unpickle(data, "a.pkl")
    wanted = as_numpy(value)
    assert list(got) == list(wanted)
    for name, array in wanted.items():
        if name == "chunks":
            np.testing.assert_array_equal(got[name][1], array[1])
        else:
            assert got[name].dtype == array.dtype
            np.testing.assert_array_equal(got[name], array)


@pytest.mark.torch
def test_tensors_are_read_where_there_is_no_torch(tmp_path: Path) -> None:
    import torch

    file = tmp_path / "a.pickle"
    file.write_bytes(pickle.dumps({"a": torch.arange(5.0)}))
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path\n"
        "from rppgbench.predictions.pickles.reading import read_pickled_file\n"
        f"print(read_pickled_file(Path({str(file)!r}))['a'].tolist())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip() == "[0.0, 1.0, 2.0, 3.0, 4.0]"


@pytest.mark.torch
@pytest.mark.parametrize(
    ("size", "stride", "offset", "wanted"),
    [
        ((10**6, 10**6), (0, 0), 0, "claim more than 1 GB"),
        ((5 * 10**6,), (0,), 0, "claim more than 1 GB"),  # 20 MB of one value, 64 times
        ((5,), (2,), 0, "beyond its storage"),
        ((5,), (1,), 1, "beyond its storage"),
        ((5,), (-1,), 4, "impossible shape"),
        ((-5,), (1,), 0, "impossible shape"),
        ((5,), (1,), -1, "impossible shape"),
        ((5, 1), (1,), 0, "impossible shape"),
    ],
)
def test_a_tensor_may_not_reach_beyond_its_storage(
    size: tuple[int, ...], stride: tuple[int, ...], offset: int, wanted: str
) -> None:
    import torch

    function, arguments = torch.arange(5.0).__reduce_ex__(2)  # type: ignore[no-untyped-call]
    bad = Runs(function, arguments[0], offset, size, stride, *arguments[4:])
    with pytest.raises(BenchError, match=wanted):
        unpickle(pickle.dumps(bad), "a.pkl")


@pytest.mark.torch
def test_a_damaged_or_packed_archive_of_tensors_is_one_line() -> None:
    import zipfile

    import torch

    sink = io.BytesIO()
    torch.save({"a": torch.arange(5.0)}, sink)
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(sink.getvalue())) as archive,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as again,
    ):
        for name in archive.namelist():
            again.writestr(name, archive.read(name))
    with pytest.raises(BenchError, match="that is compressed"):
        unpickle(packed.getvalue(), "a.pt")
    with pytest.raises(BenchError, match="damaged archive"):
        unpickle(sink.getvalue()[:-100], "a.pt")
    older = io.BytesIO()
    torch.save([1], older, _use_new_zipfile_serialization=False)
    with pytest.raises(BenchError, match=r"before version 1\.6"):
        unpickle(older.getvalue(), "a.pt")


def test_every_cut_and_changed_byte_is_read_or_one_line() -> None:
    """No byte makes the interpreter raise anything but one line."""
    data = pickle.dumps({"a": np.arange(3.0), "b": [1, "x", (2.5,)], "c": {"d": np.float32(1)}})
    rng = np.random.default_rng(0)
    cuts = [data[:at] for at in range(len(data))]
    changed = []
    for _ in range(2000):
        copy = bytearray(data)
        copy[rng.integers(len(copy))] = rng.integers(256)
        changed.append(bytes(copy))
    for broken in (*cuts, *changed):
        with suppress(BenchError):
            unpickle(broken, "a.pkl")
