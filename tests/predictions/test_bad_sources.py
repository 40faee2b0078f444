"""Hostile and broken sources: one line each, in bounded memory and time; or read right."""

import io
import os
import pickle
import struct
import tokenize
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.io import savemat

from rppgbench.predictions import array_source, hdf5_source, table_rows
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.opening import open_predictions
from rppgbench.system.errors import BenchError

from ..factories import predictions as made
from ..factories.predictions import save_arrays


def refusal(path: Path, format_name: str | None = None, **options: Any) -> str:
    """The one line with which a source is refused."""
    with pytest.raises(BenchError) as caught:
        made.read(path, format_name, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1500
    return message


BAD_NAMES = {
    "control": ("a\x1b[2J", "control characters"),
    "line": ("a\nb", "control characters"),
    "right to left": ("a\u202eb", "control characters"),
    "formula": ("=cmd|' /C calc'!A0", "as a formula"),
    "plus": ("+1+cmd", "as a formula"),
    "at": ("@SUM(A1)", "as a formula"),
    "minus": ("-(1)", "as a formula"),
    "empty": (" ", "without a name"),
    "long": ("a" * 501, " characters"),
}


@pytest.mark.parametrize("case", BAD_NAMES)
@pytest.mark.parametrize("form", ["json", "csv", "parquet", "npz", "hdf5", "pickle"])
def test_a_name_that_a_terminal_or_spreadsheet_obeys_is_refused(
    case: str, form: str, tmp_path: Path
) -> None:
    name, reason = BAD_NAMES[case]
    file = tmp_path / f"a.{form}"
    frame = pd.DataFrame({"recording": [name] * 2, "time_s": [0, 1], "pulse": [0.5, 1]})
    if form == "json":
        made.write_json(file, {name: {"fs": 30, "pulse": [0.5, 1]}})
    elif form == "csv":
        frame.to_csv(file, index=False)
        if case == "line":
            pytest.skip("a quoted line end in CSV is read as one text")
    elif form == "parquet":
        frame.to_parquet(file)
    elif form == "npz":
        save_arrays(file.with_suffix(""), **{name: np.array([0.5, 1]), "fs": 30})
        file = file.with_suffix(".npz")
    elif form == "hdf5":
        with h5py.File(file, "w") as content:
            content.attrs["fs"] = 30
            content[name] = np.array([0.5, 1])
    else:
        file.write_bytes(pickle.dumps({name: {"fs": 30, "pulse": [0.5, 1]}}))
    assert reason in refusal(file)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/data/a/vid.avi", "a b-1.avi", "-01", "ä"])
def test_a_name_like_a_path_is_a_text(name: str, tmp_path: Path) -> None:
    file = made.write_json(tmp_path / "a.json", {name: {"fs": 30, "pulse": [0.5, 1]}})
    before = sorted(tmp_path.parent.iterdir())
    assert list(made.read(file)) == [name]
    assert sorted(tmp_path.parent.iterdir()) == before


TABLES: dict[str, tuple[str, str]] = {
    "formula in a cell": ("time_s,pulse\n0,=cmd|' /C calc'!A0\n", "=cmd"),
    "text in a cell": ("time_s,pulse\n0,abc\n", "abc"),
    "too few cells": ("time_s,pulse\n0,0.5\n1\n", "Expected 2 columns, got 1"),
    "no rows": ("time_s,pulse\n", "no recording"),
    "no rows, wide": ("time_s,a\n", "no rows below its header"),
    "empty": ("", "empty"),
    "blank": ("\n\n", "no header"),
    "NaN only": ("time_s,pulse\n0,nan\n1,\n", "no number among 2 values"),
    "infinite only": ("time_s,pulse\n0,inf\n1,-inf\n", "2 infinite values"),
    "huge": ("time_s,pulse\n0,1e300\n1,2\n", "1e+300"),
    "times that go back": ("time_s,pulse\n0,0.5\n2,1\n1,0.25\n", "1 times that do not increase"),
    "times without numbers": ("time_s,pulse\n,0.5\n2,1\n", "1 times that are no numbers"),
    "mixed recordings": (
        "recording,time_s,pulse\na,0,0.5\nb,0,0.5\na,1,0.25\n",
        "do not stand together",
    ),
    "one recording twice": ("recording,bpm\na,70\na,71\n", "give --fs HZ"),
    "zero bytes": ("time_s,pulse\0\n0,1\n", "is no text"),
    "rate that changes": ("fs,pulse\n30,1\n25,2\n", "a field that changes within the recording"),
    "milliseconds as seconds": (
        "time_s,pulse\n0,0\n33,1\n66,0\n",
        "0.0303 samples per second, and a pulse has 0.5 to 10,000; give the right rate, or times "
        "in milliseconds as 'time_ms'",
    ),
    "seconds as milliseconds": (
        "time_ms,pulse\n0,0\n0.033,1\n0.066,0\n",
        "times in seconds as 'time_s'",
    ),
    "rates in Hz": ("time_s,bpm\n0,1.2\n1,1.25\n", "in Hz, not in bpm"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_broken_table_is_one_line(case: str, tmp_path: Path) -> None:
    text, reason = TABLES[case]
    file = tmp_path / "a.csv"
    file.write_text(text)
    assert reason in refusal(file)


def test_a_table_in_latin_1_or_with_one_long_line_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("zeit_s,pulse\n0,1\n".replace("e", "é").encode("latin-1"))
    assert "not in UTF-8" in refusal(file)
    file.write_text("pulse\n" + "1" * (2 * table_rows.BLOCK_BYTES))
    refusal(file, fs=30.0)


TREES: dict[str, tuple[str, str]] = {
    "deep lists": ("[" * 100_000 + "]" * 100_000, "not JSON"),
    "deep names": ('{"a":' * 40 + "1" + "}" * 40, "nested more than 32 deep"),
    "deep groups": ('{"a":' * 8 + '{"fs":30,"pulse":[1,2]}' + "}" * 8, "more than 4 deep"),
    "not JSON": ("{", "not JSON"),
    "twice": ('{"fs":30,"pulse":[1],"pulse":[2]}', "stands twice"),
    "mixed": ('{"fs":30,"pulse":[1,"a"]}', "no numbers, but of type"),
    "ragged": ('{"fs":30,"pulse":[[1,2],[3]]}', "no row of numbers"),
    "two rows": ('{"fs":30,"pulse":[[1,2],[3,4]]}', "shape (2, 2)"),
    "truths": ('{"fs":30,"pulse":[true,false]}', "of type bool"),
    "null": ('{"fs":30,"pulse":null}', "of type object"),
    "empty": ('{"fs":30,"pulse":[]}', "has no value"),
    "NaN": ('{"fs":30,"pulse":[NaN,NaN]}', "no number among 2"),
    "infinite": ('{"fs":30,"pulse":[Infinity,1]}', "1 infinite"),
    "huge whole numbers": ('{"fs":30,"pulse":[1' + "0" * 400 + "]}", "pulse"),
    "rate": ('{"fs":-30,"pulse":[1,2]}', "sampling rate of -30"),
    "text as rate": ('{"fs":"30","pulse":[1,2]}', "sampling rate that is no number"),
    "two lengths": ('{"time_s":[0,1,2],"pulse":[1,2]}', "2 values and 3 times"),
    "no signal": ('{"fs":30}', "holds no predictions"),
    "item without a name": ('[{"recording":"a","bpm":70},{"bpm":71}]', "item 1 lacks 'recording'"),
    "items of two kinds": ('[{"recording":"a","bpm":70},3]', "item 1 has no fields"),
}


@pytest.mark.parametrize("case", TREES)
def test_broken_json_is_one_line(case: str, tmp_path: Path) -> None:
    text, reason = TREES[case]
    file = tmp_path / "a.json"
    file.write_text(text)
    assert reason in refusal(file, "json")


def test_two_recordings_of_one_name_are_one_line(tmp_path: Path) -> None:
    file = made.write_json(
        tmp_path / "a.json", [{"recording": "a", "bpm": 70}, {"recording": "a", "bpm": 71}]
    )
    assert "two recordings are called 'a'" in refusal(file)
    rows = [*made.pyvhr_rows(), made.pyvhr_rows()[0]]
    assert "two rows of one video" in refusal(
        made.write_pyvhr(tmp_path / "a.h5", made.PANDAS_1, rows)
    )


def test_an_array_whose_header_no_parser_reads_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From Python 3.12 on, a flipped bit may end in the parser's own TokenError."""
    np.save(tmp_path / "a.npy", made.wave(72.0))

    def stumble(*given: object) -> None:
        raise tokenize.TokenError("unexpected EOF in multi-line statement", (1, 0))

    monkeypatch.setattr(np.lib.format, "read_array_header_1_0", stumble)
    assert "its header is damaged" in refusal(tmp_path / "a.npy", fs=30.0)


def write_npy(file: Path, shape: tuple[int, ...], data: bytes, descr: str = "'<f8'") -> Path:
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    head = head.ljust(117) + b"\n"
    file.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data)
    return file


@pytest.mark.parametrize(
    ("shape", "descr", "reason"),
    [
        ((2**40,), "'<f8'", "claims"),
        ((3,), "'<f8'", "ends early"),
        ((2,), "'|O'", "of type object"),
        ((2,), "[('a', '<f8')]", "of type"),
        ((2,), "'<c16'", "of type complex128"),
        ((-2,), "'<f8'", "array"),
        ((2,), "__import__('os').system('touch owned')", "damaged array"),
    ],
)
def test_an_array_file_that_claims_too_much_or_holds_objects_is_one_line(
    shape: tuple[int, ...], descr: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_npy(tmp_path / "a.npy", shape, bytes(16), descr)
    assert reason in refusal(file, fs=30.0)
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pulse.npy", file.read_bytes())
    assert reason in refusal(tmp_path / "b.npz", fs=30.0)
    assert not (tmp_path / "owned").exists()


def test_a_packed_archive_takes_no_more_memory_than_it_may(tmp_path: Path) -> None:
    """A member of 1.6 GB of zeros in a file of 1.6 MB."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f8", "fortran_order": False, "shape": (200_000_000,)}
    )
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("pulse.npy", "w", force_zip64=True) as member,
    ):
        member.write(head.getvalue())
        for _ in range(16):
            member.write(bytes(2**20))
    tracemalloc.start()
    message = refusal(tmp_path / "a.npz", fs=30.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "claims 1,600,000,000 bytes" in message
    assert peak < 2**24


def test_an_array_may_not_be_larger_than_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "a.npy", made.wave(72.0))
    monkeypatch.setattr(array_source, "MOST_ITEM_BYTES", 2_399)
    assert "claims 2,400 bytes" in refusal(tmp_path / "a.npy", fs=30.0)


def with_pulse(write: Callable[[Any, Path], None]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with h5py.File(folder / "a.h5", "w") as content:
            content.attrs["fs"] = 30
            write(content, folder)
        return folder / "a.h5"

    return make


def external_link(content: Any, folder: Path) -> None:
    content["a"] = h5py.ExternalLink(str(folder / "other.h5"), "/pulse")


def external_storage(content: Any, folder: Path) -> None:
    (folder / "secret").write_bytes(bytes(80))
    content.create_dataset("a", (10,), "f8", external=[(str(folder / "secret"), 0, 80)])


def virtual(content: Any, folder: Path) -> None:
    layout = h5py.VirtualLayout(shape=(10,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "pulse", shape=(10,))
    content.create_virtual_dataset("a", layout)


def huge(content: Any, folder: Path) -> None:
    content.create_dataset("a", (2**40,), "f8", chunks=(2**10,))


def packed(content: Any, folder: Path) -> None:
    content.create_dataset("a", (2**30,), "f8", chunks=(2**20,), compression="gzip")


def objects(content: Any, folder: Path) -> None:
    content.create_dataset("a", data=["a", "b"], dtype=h5py.string_dtype())


def endless(content: Any, folder: Path) -> None:
    content.create_group("b")["again"] = content["/"]


def soft_link(content: Any, folder: Path) -> None:
    content["a"] = h5py.SoftLink("/nowhere")


def references(content: Any, folder: Path) -> None:
    content["a"] = np.array([content.ref], dtype=h5py.ref_dtype)


def records(content: Any, folder: Path) -> None:
    content["a"] = np.zeros(3, dtype=[("x", "f8")])


def type_only(content: Any, folder: Path) -> None:
    content["a"] = np.dtype("f8")


def no_values(content: Any, folder: Path) -> None:
    content["a"] = h5py.Empty("f8")


HDF5: dict[Callable[[Any, Path], None], str] = {
    external_link: "a link to elsewhere",
    external_storage: "lies in other files",
    virtual: "lies in other files",
    huge: "claims 8.0 TB",
    packed: "claims 8.0 GB",
    objects: "values of no fixed size",
    endless: "is there twice",
    soft_link: "a link to elsewhere",
    references: "no numbers",
    records: "no numbers",
    type_only: "neither group nor data set",
    no_values: "holds no values",
}


@pytest.mark.parametrize("write", HDF5, ids=lambda write: write.__name__)
def test_hostile_hdf5_is_one_line(write: Callable[[Any, Path], None], tmp_path: Path) -> None:
    file = with_pulse(write)(tmp_path)
    assert HDF5[write] in refusal(file)


def test_damaged_hdf5_is_one_line(tmp_path: Path) -> None:
    file = made.write_physbench(tmp_path / "a.h5")
    whole = file.read_bytes()
    for length in (600, len(whole) // 2):
        file.write_bytes(whole[:length])
        refusal(file, "physbench")
    file.write_bytes(b"no HDF5")
    for name in ("physbench", "pyvhr", "hdf5"):
        refusal(file, name)


def test_a_pickle_inside_hdf5_is_refused_as_any_other(tmp_path: Path) -> None:
    file = tmp_path / "a.h5"
    with h5py.File(file, "w") as content:
        group = content.create_group("self.dataFrame")
        group.attrs["pandas_type"] = np.bytes_(b"frame")
        group["block0_items"] = np.array([b"method"])
        made.write_object(group, "block0_values", b"cposix\nsystem\n(S'touch owned'\ntR.")
    message = refusal(file)
    assert "'posix.system'" in message
    assert "block0_values" in message


def test_an_object_in_hdf5_may_not_claim_more_than_the_file_has(tmp_path: Path) -> None:
    """The length stands in the descriptor, for which memory is reserved, and before the object."""
    file = made.write_pyvhr(tmp_path / "a.h5", made.PANDAS_1)
    data = file.read_bytes()
    length = struct.pack("<I", len(pickled_block(file)))
    messages = []
    for place in range(len(data)):
        if data[place : place + 4] == length:
            file.write_bytes(data[:place] + b"\xff\xff\xff\x7f" + data[place + 4 :])
            messages.append(refusal(file, "pyvhr"))
    assert any("claims 2,147,483,647 bytes, more than the file has" in one for one in messages)


def pickled_block(file: Path) -> bytes:
    with h5py.File(file) as content:
        return hdf5_source.read_object(content["self.dataFrame/block1_values"], file)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda group: group.pop("block1_items"), "no column 'method'"),
        (lambda group: group.pop("block1_values"), "has no 'block1_values'"),
        (lambda group: group.attrs.pop("pandas_type"), "has no frame"),
    ],
)
def test_a_frame_of_another_structure_is_one_line(
    change: Callable[[Any], Any], reason: str, tmp_path: Path
) -> None:
    file = made.write_pyvhr(tmp_path / "a.h5", made.PANDAS_1)
    with h5py.File(file, "r+") as content:
        change(content["self.dataFrame"])
    assert reason in refusal(file, "pyvhr")


def test_damaged_mat_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.mat"
    savemat(file, {"fs": 30.0, "pulse": made.wave(72.0)})
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    broken = [whole[: len(whole) // 2], b"", b"MATLAB", b"MATLAB" + bytes(200)]
    for _ in range(100):
        changed = bytearray(whole)
        changed[rng.integers(116, 400)] = rng.integers(256)
        broken.append(bytes(changed))
    for data in broken:
        file.write_bytes(data)
        try:
            made.read(file, fs=30.0)
        except BenchError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_a_cell_array_is_one_line(tmp_path: Path) -> None:
    cells = np.empty(2, dtype=object)
    cells[:] = [np.ones(3), np.ones(3)]
    savemat(tmp_path / "a.mat", {"fs": 30.0, "pulse": cells})
    assert "no numbers, but of type object" in refusal(tmp_path / "a.mat")


def test_parquet_that_claims_a_thousandfold_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"pulse": np.zeros(100_000)}), file)
    monkeypatch.setattr(table_rows, "MOST_SAMPLES", 50_000)
    assert "more than 50,000 rows of one recording" in refusal(file, fs=30.0)
    file.write_bytes(file.read_bytes()[:200])
    assert "not a table that can be read" in refusal(file)
    pq.write_table(pa.table({"pulse": pa.array(["a", "b"])}), file)
    assert "no numbers, but of type object" in refusal(file, fs=30.0)
    pq.write_table(pa.table({"pulse": pa.array([{"x": 1}])}), file)
    assert "values of type struct" in refusal(file, fs=30.0)


def test_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert "holds no file" in refusal(tmp_path / "empty")
    os.mkfifo(tmp_path / "pipe")
    refusal(tmp_path / "pipe")
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    assert "in no known format" in refusal(tmp_path / "a.bin")
    assert "no format of predictions 'tabel'; did you mean 'table'" in refusal(
        tmp_path / "a.bin", "tabel"
    )
    assert "did you mean 'rppgbench'" in refusal(tmp_path / "a.bin", "rppgbenhc")


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.npy", "a.npz", "a.mat", "a.h5", "a.pkl"])
def test_an_empty_file_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    refusal(tmp_path / name)


COUNT, SAMPLES = 1_000, 600


def many_rows(file: Path) -> None:
    times_s = np.tile(np.arange(SAMPLES) / 2, COUNT)
    names = np.repeat([f"r{number}" for number in range(COUNT)], SAMPLES)
    pd.DataFrame({"recording": names, "time_s": times_s, "pulse": np.sin(times_s)}).to_csv(
        file, index=False
    )


def many_groups(file: Path) -> None:
    with h5py.File(file, "w") as content:
        content.attrs["fs"] = 2.0
        for number in range(COUNT):
            content[f"r{number}"] = np.sin(np.arange(float(SAMPLES)))


def many_members(file: Path) -> None:
    np.savez(
        file, fs=2.0, **{f"r{number}": np.sin(np.arange(float(SAMPLES))) for number in range(COUNT)}
    )


def many_variables(file: Path) -> None:
    waves = {f"r{number}": np.sin(np.arange(float(SAMPLES))) for number in range(COUNT)}
    savemat(file, {"fs": 2.0, **waves})


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.csv", many_rows),
        ("a.h5", many_groups),
        ("a.npz", many_members),
        ("a.mat", many_variables),
    ],
)
def test_many_recordings_are_read_one_at_a_time(
    name: str, write: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory of a thousand recordings is that of the names, not of the samples."""
    monkeypatch.setattr(table_rows, "BLOCK_BYTES", 2**16)
    write(tmp_path / name)
    source = iter(open_predictions(tmp_path / name))
    next(source)
    tracemalloc.start()
    found = 1 + sum(1 for _ in source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == COUNT
    assert peak < 2**22


def test_many_files_are_read_one_at_a_time(tmp_path: Path) -> None:
    for number in range(200):
        np.save(tmp_path / f"r{number}.npy", made.wave(72.0))
    source = open_predictions(tmp_path, ReadOptions(fs=made.FS))
    names = [one.name for one in source]
    assert sorted(names) == sorted(f"r{number}" for number in range(200))
