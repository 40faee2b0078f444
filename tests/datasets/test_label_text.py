"""Numbers come out of label files whatever wrote them, or one line says why not."""

import math
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rppgbench.datasets.label_files import read_hdf5, read_json, read_xml
from rppgbench.datasets.label_sheets import read_sheet
from rppgbench.datasets.label_text import (
    read_column,
    read_row_named,
    read_rows,
    read_table,
    read_text,
)
from rppgbench.datasets.mat_variables import mat_shapes, read_mat
from rppgbench.system.errors import RecordingError

ONE_TWO = [71.0, 72.5]


@pytest.mark.parametrize(
    "raw",
    [
        b"HR\n71\n72.5\n",
        b"71\n72.5",
        b"\xef\xbb\xbfHR\r\n71\r\n72.5\r\n",
        b"\xef\xbb\xbf71\r\n72.5\r\n",
        b"HR\r71\r72.5\r",
        b"HR\r\n71\n72.5\r",
        b"HR\n\n71\n\n72.5\n\n\n",
        b"HR\n71,0\n72,5\n",
        b"71;\n72,5;\n",
        b'"HR"\n"71"\n"72.5"\n',
        b"  71  \n72.5\t\n",
        b"7.1e+01\n7.25E1\n",
        "HR\n71\n72.5\n".encode("utf-16"),
        b"HR (\xb5)\n71\n72.5\n",
    ],
    ids=repr,
)
def test_a_column_is_read_from_every_dialect(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "hr.csv").write_bytes(raw)
    np.testing.assert_array_equal(read_column(tmp_path / "hr.csv"), ONE_TWO)


@pytest.mark.parametrize("nothing", ["NaN", "nan", "NA", "null", "N/A"])
def test_what_was_not_measured_is_nan(tmp_path: Path, nothing: str) -> None:
    (tmp_path / "hr.csv").write_text(f"HR\n71\n{nothing}\n72.5\n")
    np.testing.assert_array_equal(read_column(tmp_path / "hr.csv"), [71.0, np.nan, 72.5])


@pytest.mark.parametrize(
    "text",
    [
        "1,2.5,3\n4,5,6\n",
        "1, 2.5, 3\n4, 5, 6\n",
        "1;2,5;3\n4;5;6\n",
        "1\t2,5\t3\n4\t5\t6\n",
        "1 2,5 3\n4 5 6\n",
        "   1.0e+00   2.5e+00   3.0e+00\n   4.0   5.0   6.0\n",
        "a,b,c\n1,2.5,3\n4,5,6\n",
    ],
    ids=repr,
)
def test_a_table_is_read_from_every_dialect(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    np.testing.assert_array_equal(read_table(tmp_path / "x.csv", 3), [[1, 2.5, 3], [4, 5, 6]])


def test_rows_of_different_lengths_are_read_where_no_length_is_asked(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("1 2 3\n4 5\n")
    rows = read_rows(tmp_path / "x.txt")
    assert [row.tolist() for row in rows] == [[1, 2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "is empty"),
        (b"  \r\n ", "is empty"),
        (b"HR\n", "holds no numbers"),
        (b"HR\n71\nseventy\n", "line 3: 'seventy' is not a number"),
        (b"71\n72 73\n", "line 2 has 2 numbers where 1 belong"),
        (b"71\ninf\n", "line 2: 'inf' is not a number"),
        (b"71\n1_000\n", "line 2: '1_000' is not a number"),
        (b"71\n1,234.5\n", "line 2 has 2 numbers where 1 belong"),
        (b"71\n\x00\x01\n", "zero bytes"),
        (b"71\n__import__('os')\n", "is not a number"),
    ],
    ids=repr,
)
def test_what_is_no_column_says_so_in_one_line(tmp_path: Path, raw: bytes, message: str) -> None:
    file = tmp_path / "hr.csv"
    file.write_bytes(raw)
    with pytest.raises(RecordingError) as caught:
        read_column(file)
    line = str(caught.value)
    assert line.startswith(f"{file}: ")
    assert message in line
    assert "\n" not in line


def test_a_ragged_table_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2\n3,4\n5\n")
    with pytest.raises(RecordingError, match=r"line 3 has 1 numbers where 2 belong; repair"):
        read_table(tmp_path / "x.csv", 2)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"gone\.csv: does not exist; copy it"):
        read_column(tmp_path / "gone.csv")
    with pytest.raises(RecordingError, match="cannot be read"):
        read_column(tmp_path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.txt").open("wb") as stream:
        stream.truncate(300 * 2**20)  # sparse: it takes no room
    with pytest.raises(RecordingError, match=r"300 MB is more than a label file holds"):
        read_text(tmp_path / "huge.txt")


@given(st.binary(max_size=200))
def test_any_bytes_give_numbers_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(raw)
    for read in (read_column, read_rows, lambda f: read_table(f, 2)):
        message = ""
        values: Sequence[object] = ()
        try:
            values = list(read(file))
        except RecordingError as error:
            message = str(error)
        assert bool(message) != bool(values)
        assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "one", "two"),
    [
        (",HR\n0,72\n1,73\n2,74\n", "0.72", "0 and 72"),  # pandas, with its index
        (",HR\n0,72\n", "0.72", "0 and 72"),
        ("0,90\n1,90\n2,91\n", "0.90", "0 and 90"),  # without a header
        ("HR\n1,53\n2,54\n", "1.53", "1 and 53"),  # R names the columns without the index
        ('"x"\n"1",53\n"2",54\n', None, None),
        ("HR\n7,53\n8,54\n9,55\n", "7.53", "7 and 53"),
        ("Time,HR\n0,72\n33,73\n66,74\n", "0.72", "0 and 72"),
        ("Time HR\n0,72\n33,73\n66,74\n", "0.72", "0 and 72"),
        ("72,98\n73,98\n", "72.98", "72 and 98"),  # saturation beside the heart rate
        ("HR\n0,0\n1,5\n2,5\n", "0.0", "0 and 0"),
        ("0,\n1,\n2,\n", "0", "0 and nothing"),  # an index without labels
        ('"0,53"\n"1,54"\n"2,55"\n', "0.53", "0 and 53"),
        ("HR\n0,72\n2,73\n4,75\n", "0.72", "0 and 72"),  # an index with steps
        ("HR\n3,72\n4,73\n6,75\n7,75\n", "3.72", "3 and 72"),  # and with gaps
        ("HR\n" + "".join(f"{n // 3},7{n % 9}\n" for n in range(40)), "0.70", "0 and 70"),
        (",HR\r0,72\r1,73\r", "0.72", "0 and 72"),
    ],
    ids=repr,
)
def test_one_column_that_could_be_two_is_refused_with_both_readings(
    tmp_path: Path, text: str, one: str | None, two: str | None
) -> None:
    file = tmp_path / "gt HR's.csv"
    for encoding in ("utf-8", "utf-16"):
        file.write_bytes(text.encode(encoding))
        with pytest.raises(RecordingError) as caught:
            read_column(file)
        line = str(caught.value)
        assert line.startswith(f"{file}: ")
        assert "\n" not in line
        if one is not None:
            assert f"as one number, {one}, or as two, {two}; if it is one, write" in line


@pytest.mark.parametrize(
    "numbers",
    ["71,5 71,9 72,3 72,4", "71,1 70,9 75,0 90,2", "0,5 0,6 0,7 0,2", "71,5 73,5"],
    ids=repr,
)
def test_a_column_of_decimal_commas_is_read(tmp_path: Path, numbers: str) -> None:
    (tmp_path / "hr.csv").write_text("\n".join(["HR", *numbers.split()]))
    expected = [float(number.replace(",", ".")) for number in numbers.split()]
    assert read_column(tmp_path / "hr.csv").tolist() == expected


@pytest.mark.parametrize(
    "first",
    [
        "-",
        "--",
        "?",
        "*",
        "inf",
        "-inf",
        "1.#QNAN",
        "-1.#IND",
        "N.A.",
        "72%",
        "72bpm",
        "1_000",
        "0x48",
        "−72",
        "1e400",
        ".",
        "72?",
        "+",
        "missing",
        "1.2.3",
        "12:30:01",
        "2020-01-02",
    ],
)
def test_a_first_line_that_is_no_name_is_no_header(tmp_path: Path, first: str) -> None:
    (tmp_path / "x.csv").write_text(f"{first}\n73\n74\n75\n", encoding="utf-8")
    with pytest.raises(RecordingError, match="line 1"):
        read_column(tmp_path / "x.csv")


@pytest.mark.parametrize("first", ["HR", "Wave", "BVP [a.u.]", "\u8109\u640f", "HR%", "hr_1"])
def test_a_first_line_of_a_name_is_a_header(tmp_path: Path, first: str) -> None:
    (tmp_path / "x.csv").write_text(f"{first}\n73\n74\n75\n", encoding="utf-8")
    assert read_column(tmp_path / "x.csv").tolist() == [73, 74, 75]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("998\n999\n1,000\n1,001\n", 1, "'1,000' can be read as 1.000 or as 1000"),
        ("998\n999\n1.000\n1.001\n", 1, "'1.000' can be read as 1.000 or as 1000"),
        ('Wave\n998\n999\n"1,000"\n"1,001"\n', 1, "can be read as 1.000 or as 1000"),
        ("t;w\n0;998\n1;1,000\n2;1,001\n", 2, "can be read as 1.000 or as 1000"),
        ("t;w\n0;998\n1;1.000\n2;1.001\n", 2, "can be read as 1.000 or as 1000"),
        ("-1,500\n0\n12\n", 1, "can be read as -1.500 or as -1500"),
    ],
    ids=repr,
)
def test_a_mark_that_may_group_thousands_is_refused(
    tmp_path: Path, text: str, columns: int, message: str
) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(RecordingError) as caught:
        read_column(tmp_path / "x.csv") if columns == 1 else read_table(tmp_path / "x.csv", columns)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["0.125\n1\n1.125\n", "1.125\n1.250\n", "1.125\n1.25\n1\n"])
def test_a_decimal_point_is_read_beside_whole_numbers(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    assert read_column(tmp_path / "x.csv").tolist() == [float(v) for v in text.split()]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("HR;Timestamp", "names the time in column 2"),
        ("HR,t", "names the time in column 2"),
        ("bvp,timestamp_s", "names the time in column 2"),
        ("BVP,Zeit", "names the time in column 2"),
        ("BVP,elapsed_s", "names the time in column 2"),
        ("BVP,Elapsed Time (s)", "names the time in column 2"),
        ("index,bvp", "names no time"),
        ("frame,bvp", "names no time"),
        ("time_ms,bvp", "names a time in ms, and column 1 is read as s"),
        ("Time [min],bvp", "names a time in minutes"),
    ],
)
def test_a_header_by_which_the_first_column_is_no_time_is_refused(
    tmp_path: Path, header: str, message: str
) -> None:
    mark = ";" if ";" in header else ","
    (tmp_path / "x.csv").write_text(f"{header}\n0{mark}0.5\n1{mark}0.6\n")
    with pytest.raises(RecordingError, match=message):
        read_table(tmp_path / "x.csv", 2, time_first=True)


@pytest.mark.parametrize(
    "header", ["time_s,bvp", "Time,Wave", "t;w", "Timestamp (s),BVP", "seconds,x", "t [s]\tbvp", ""]
)
def test_a_table_whose_first_column_is_the_time_is_read(tmp_path: Path, header: str) -> None:
    mark = next((mark for mark in ";\t" if mark in header), ",")
    lines = [header] * bool(header) + [f"0{mark}0.5", f"1{mark}0.6"]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    read = read_table(tmp_path / "x.csv", 2, time_first=True)
    assert read.tolist() == [[0, 0.5], [1, 0.6]]


@pytest.mark.parametrize("header", ["Time,HR", ";HR", "HR\tdevice", "HR, bpm"])
def test_a_header_of_several_names_over_one_column_is_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "hr.csv").write_text(f"{header}\n72\n73\n")
    with pytest.raises(RecordingError, match="names 2 columns, the lines hold one number each"):
        read_column(tmp_path / "hr.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",bvp\n0,0.5\n1,0.6\n", "read as data or as an index; name it, or save the table again"),
        ("bvp,time_s\n0.5,0\n0.6,1\n", "names the time in column 2"),
        ("a,b,c\n0,0.5\n1,0.6\n", "names 3 columns, the lines hold 2 numbers each"),
        ("time,bvp\n0,5,0,25\n1,0,0,5\n", "line 2 has 4 numbers where 2 belong"),
        ("1\t\t3\n4\t5\t6\n", "can be read as 1 and 3 or as 1 and nan and 3"),
        ("\t1\t2\n\t3\t4\n", "can be read as 1 and 2 or as nan and 1 and 2"),
        ("0.5;72,5\n", "is not a number"),  # two decimal marks
        ('"71,5","72"\n', "is not a number"),
    ],
    ids=repr,
)
def test_a_table_that_could_be_another_is_refused(tmp_path: Path, text: str, message: str) -> None:
    if "\t\t" in text:
        text = "1\t\t3\n4\t\t6\n"
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(RecordingError) as caught:
        read_table(tmp_path / "x.csv", 2, time_first=True)
    assert message in str(caught.value)


def test_a_cell_of_many_digits_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("71\n" + "1" * 2_000_000 + "x\n")
    began = time.monotonic()
    with pytest.raises(RecordingError, match=r"line 2: '1{24}\.\.\.' is not a number"):
        read_column(tmp_path / "x.csv")
    assert time.monotonic() - began < 2  # a quadratic expression would take hours


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-300, 300)


def written(value: float, decimal: str, quote: str, separator: str) -> str:
    missing = "" if separator.strip() or separator == "\t" else "nan"
    text = missing if math.isnan(value) else repr(value)
    return f"{quote}{text.replace('.', decimal)}{quote}"


@given(
    columns=st.integers(1, 4),
    values=st.lists(NUMBERS | st.just(math.nan), min_size=4, max_size=24),
    separator=st.sampled_from([",", ";", "\t", " ", ", ", "  ", " \t"]),
    decimal=st.sampled_from([".", ","]),
    quote=st.sampled_from(["", '"', "'"]),
    header=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    asked=st.integers(1, 4),
)
@settings(max_examples=150, deadline=None)
def test_what_is_accepted_equals_the_numbers_written(
    tmp_path_factory: pytest.TempPathFactory,
    columns: int,
    values: list[float],
    separator: str,
    decimal: str,
    quote: str,
    header: bool,
    end: str,
    encoding: str,
    asked: int,
) -> None:
    """Whatever the spelling: the numbers as they were written, or one line; never others."""
    rows = [values[i : i + columns] for i in range(0, len(values) - columns + 1, columns)]
    lines = [separator.join(written(v, decimal, quote, separator) for v in row) for row in rows]
    if header:
        lines.insert(0, separator.join("abcd"[:columns]))
    file = tmp_path_factory.getbasetemp() / 'it\'s a "table".csv'
    file.write_bytes(end.join(lines).encode(encoding))
    missing = bool(np.isnan(values).any())
    if decimal == ",":  # a comma separates where the layout asks for more columns than one
        assume(header or asked <= columns)
        assume(separator.strip() != "," or not missing)
    kept = [row for row, line in zip(rows, lines[header:], strict=True) if line.strip()]
    message = ""
    try:
        found = read_table(file, asked) if asked > 1 else read_column(file)[:, None]
    except RecordingError as error:
        message = str(error)
    if message:
        assert "\n" not in message
        plain = decimal == "." and not missing
        assert asked != columns or not plain
        return
    left = np.array(kept)
    while asked < left.shape[1] and np.isnan(left[:, -1]).all():
        left = left[:, :-1]  # a separator at the end of every line makes no column
    np.testing.assert_array_equal(found, left)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("F1, HR, 71, 72.5\n", None),
        ("F1;HR;71;72,5\n", None),
        ("F1.mkv\tHR\t71\t72,5\n", None),
        ("F1 HR 71 72.5\n", None),
        ("F10, HR, 1, 2\nF1, RR, 3, 4\nF1, HR, 71, 72.5\n", None),
        ("F1, HR, 71, x\n", "line 1: 'x' is not a number"),
        ("F1;HR;71,0;72.5\n", "is not a number"),
    ],
)
def test_a_row_is_found_by_its_names(tmp_path: Path, text: str, message: str | None) -> None:
    (tmp_path / "x.txt").write_text(text)
    if message is None:
        values = read_row_named(tmp_path / "x.txt", {"F1", "F1.mkv"}, {"HR"})
        np.testing.assert_array_equal(values, ONE_TWO)
        assert read_row_named(tmp_path / "x.txt", {"F2"}, {"HR"}) is None
        return
    with pytest.raises(RecordingError, match=message):
        read_row_named(tmp_path / "x.txt", {"F1"}, {"HR"})


def test_a_sheet_has_one_separator_and_one_decimal_mark(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text('video;bpm\n"a;b, c.mp4";53,5\n d.mp4 ; 54;\n')
    sheet = read_sheet(file)
    assert [cells[0].strip() for _, cells in sheet.rows] == ["a;b, c.mp4", "d.mp4"]
    np.testing.assert_array_equal(sheet.numbers(1), [53.5, 54])
    for text, said in (
        ("video;bpm,x\na;1,2\n", "can be read as 2 columns by ',' or 2 columns by ';'; use one"),
        ("video,bpm\na,53,5\n", "line 2 has 3 cells, the header has 2"),
        ('video,bpm\n"a,53\n', "unexpected end of data"),
        (",", "line 1 ',' names no column"),
    ):
        file.write_text(text)
        with pytest.raises(RecordingError, match=said):
            read_sheet(file)
    file.write_text("video;bpm\na;53.5\nb;53,5\n")
    with pytest.raises(RecordingError, match="line 3: '53,5' is not a number written as those"):
        read_sheet(file).numbers(1)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        (tmp_path / "device").symlink_to("/dev/zero")
        for kind in ("pipe", "socket", "device"):
            for read in (
                read_text,
                read_column,
                lambda f: read_mat(f, "a"),
                lambda f: read_hdf5(f, "a"),
                mat_shapes,
            ):
                with pytest.raises(RecordingError, match=f"{kind}: is a {kind}, not a file; put"):
                    read(tmp_path / kind)


def test_text_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{'a': 1}")
    with pytest.raises(RecordingError, match=r"x\.json: not JSON"):
        read_json(tmp_path / "x.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(RecordingError, match=r"deep\.json: not JSON"):
        read_json(tmp_path / "deep.json")


def test_json_with_a_key_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": [{"b": 1, "c": 2, "b": 3}]}')
    with pytest.raises(RecordingError, match="the key 'b' stands twice, so it can be read as eith"):
        read_json(tmp_path / "x.json")


def test_xml_that_could_expand_entities_is_refused(tmp_path: Path) -> None:
    laughs = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>'
    outside = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]><l>&a;</l>'
    for name, text in (("laughs.xml", laughs), ("outside.xml", outside)):
        for encoding in ("utf-8", "utf-16"):
            (tmp_path / name).write_bytes(text.encode(encoding))
            with pytest.raises(RecordingError, match="with a document type is not read"):
                read_xml(tmp_path / name)
    (tmp_path / "cut.xml").write_text("<l><a>1</a>")
    with pytest.raises(RecordingError, match="not XML"):
        read_xml(tmp_path / "cut.xml")


def test_mat_files_of_both_kinds_give_matlabs_shapes(tmp_path: Path) -> None:
    import h5py
    from scipy.io import savemat

    video = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    savemat(tmp_path / "v5.mat", {"video": video, "light": "LED-low"})
    with h5py.File(tmp_path / "v73.mat", "w") as content:
        content["video"] = video.T  # HDF5 has the axes in the other order
        content["light"] = np.array([[ord(c)] for c in "LED-low"], dtype=np.uint16)
        content["light"].attrs["MATLAB_class"] = np.bytes_("char")
    for name in ("v5.mat", "v73.mat"):
        assert mat_shapes(tmp_path / name)["video"] == (2, 2, 2, 3)
        found = read_mat(tmp_path / name, "video", "light")
        np.testing.assert_array_equal(found["video"], video)
        assert found["light"].ravel()[0] == "LED-low"
        with pytest.raises(RecordingError, match="has no variable 'motion'"):
            read_mat(tmp_path / name, "motion")


def hdf5_bomb(content: Any) -> None:
    content.create_dataset("pulse", (10**12,), dtype="f8", chunks=(1024,))


def hdf5_claim(content: Any) -> None:
    content.create_dataset("pulse", (4_000_000,), dtype="f8", chunks=(1024,))


def hdf5_large(content: Any) -> None:
    content.create_dataset("pulse", (2**22,), dtype="u1", chunks=(2**20,), compression="gzip")
    for start in range(0, 2**22, 2**20):
        content["pulse"][start : start + 2**20] = 0


def hdf5_chunk(content: Any) -> None:
    content.create_dataset("pulse", (10,), maxshape=(None,), dtype="f8", chunks=(2**28,))


def hdf5_external_link(content: Any) -> None:
    import h5py

    content["pulse"] = h5py.ExternalLink("other.h5", "/pulse")


def hdf5_soft_link(content: Any) -> None:
    import h5py

    content["there"] = h5py.ExternalLink("other.h5", "/pulse")
    content["pulse"] = h5py.SoftLink("/there")


def hdf5_external_storage(content: Any) -> None:
    content.create_dataset("pulse", (5,), dtype="u1", external=[("/etc/passwd", 0, 5)])


def hdf5_virtual(content: Any) -> None:
    import h5py

    layout = h5py.VirtualLayout((5,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "pulse", (5,))
    content.create_virtual_dataset("pulse", layout)


def hdf5_strings(content: Any) -> None:
    import h5py

    content.create_dataset("pulse", (5,), dtype=h5py.vlen_dtype(np.float64))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (hdf5_bomb, r"claims 7\.3 TB, and at most"),
        (hdf5_claim, r"claims 30\.5 MB, and 0 bytes of it are in the file"),
        (hdf5_large, ""),  # well packed, and within the limit of both
        (hdf5_chunk, r"claims 2\.0 GB|read"),
        (hdf5_external_link, "'pulse' is a link to elsewhere, which is not followed"),
        (hdf5_soft_link, "is a link to elsewhere, which is not followed"),
        (hdf5_external_storage, "lies in other files, which are not read"),
        (hdf5_virtual, "lies in other files, which are not read"),
        (hdf5_strings, "has values of no fixed size|has no data set"),
    ],
)
def test_an_hdf5_file_cannot_claim_memory_or_read_other_files(
    tmp_path: Path, make: Callable[[Any], None], message: str
) -> None:
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as content:
        content["pulse"] = np.arange(5.0)
    for name in ("data.hdf5", "p1_0.mat"):
        file = tmp_path / name
        with h5py.File(file, "w") as content:
            make(content)
        read = read_hdf5 if name == "data.hdf5" else read_mat
        if not message:
            read(file, "pulse")
            continue
        if make is hdf5_chunk and read is read_mat:
            continue  # 2 GB are within its limit
        with pytest.raises(RecordingError, match=message) as caught:
            read(file, "pulse")
        assert str(caught.value).startswith(f"{file}: ")
        assert "\n" not in str(caught.value)


def test_cells_that_name_each_other_are_read_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen levels of a hundred references to the level below would be 1e32 arrays."""
    import h5py

    from rppgbench.datasets import mat_variables

    with h5py.File(tmp_path / "cells.mat", "w") as content:
        content["level0"] = np.arange(3.0)
        for level in range(1, 16):
            below = content[f"level{level - 1}"].ref
            content.create_dataset(f"level{level}", data=[below] * 100, dtype=h5py.ref_dtype)
            content[f"level{level}"].attrs["MATLAB_class"] = np.bytes_("cell")
    monkeypatch.setattr(mat_variables, "MOST_MAT_BYTES", 2**16)
    with pytest.raises(RecordingError, match=r"at most 65,536 bytes are read of such a file"):
        read_mat(tmp_path / "cells.mat", "level15")


@pytest.mark.parametrize("raw", [b"", b"no such thing", b"MATLAB 5.0 MAT-file" + b" " * 200])
def test_what_is_no_mat_or_hdf5_file_says_so(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x.mat").write_bytes(raw)
    for read in (lambda f: read_mat(f, "a"), mat_shapes, lambda f: read_hdf5(f, "a")):
        with pytest.raises(RecordingError, match=r"x\.mat: (is empty|not a|has no|damaged)"):
            read(tmp_path / "x.mat")


@pytest.mark.real
def test_genuine_vipl_files_read_alike_with_either_line_end(real: Path) -> None:
    folder = real / "vipl-example"
    for name, count in (("wave.csv", 2084), ("time.txt", 1036), ("gt_HR.csv", 36)):
        values = read_column(folder / name)
        assert len(values) == count
        np.testing.assert_array_equal(values, read_column(folder / f"eol_variant_{name}"))


@pytest.mark.real
def test_the_genuine_ubfc_file_has_three_rows_of_2024(real: Path) -> None:
    rows = read_table(real / "ubfc-trace" / "ground_truth.txt", 2024)
    assert rows.shape == (3, 2024)
    times_s = rows[2]
    assert times_s[-1] - times_s[0] == pytest.approx(67.7, abs=0.1)
    assert 2023 / (times_s[-1] - times_s[0]) == pytest.approx(29.87, abs=0.02)
    assert ((rows[1] > 30) & (rows[1] < 240)).all()
