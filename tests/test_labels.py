"""Numbers come out of label files whatever wrote them, or one line says why not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rppgbench.datasets.label_formats import mat_shapes, read_hdf5, read_json, read_mat, read_xml
from rppgbench.datasets.labels import read_column, read_rows, read_table, read_text
from rppgbench.errors import RecordingError

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
        b"  71  \n\t72.5\t\n",
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
    ("raw", "said"),
    [
        (b"", "is empty"),
        (b"  \r\n ", "is empty"),
        (b"HR\n", "holds no numbers"),
        (b"HR\n71\nseventy\n", "line 3: 'seventy' is not a number"),
        (b"71\n72 73\n", "line 2 has 2 numbers where 1 belong"),
        (b"71\ninf\n", "line 2: 'inf' is not a number"),
        (b"71\n1_000\n", "line 2: '1_000' is not a number"),
        (b"71\n1,234.5\n", "line 2: '1,234.5' is not a number"),
        (b"71\n\x00\x01\n", "zero bytes"),
        (b"71\n__import__('os')\n", "is not a number"),
    ],
    ids=repr,
)
def test_what_is_no_column_says_so_in_one_line(tmp_path: Path, raw: bytes, said: str) -> None:
    file = tmp_path / "hr.csv"
    file.write_bytes(raw)
    with pytest.raises(RecordingError) as caught:
        read_column(file)
    line = str(caught.value)
    assert line.startswith(f"{file}: ")
    assert said in line
    assert "\n" not in line


def test_a_ragged_table_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2\n3,4\n5\n")
    with pytest.raises(RecordingError, match=r"line 3 has 1 numbers where 2 belong; repair"):
        read_table(tmp_path / "x.csv", 2)


def test_a_missing_file_and_a_folder_are_said_to_be_so(tmp_path: Path) -> None:
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
        said = ""
        values: Sequence[object] = ()
        try:
            values = list(read(file))
        except RecordingError as error:
            said = str(error)
        assert bool(said) != bool(values)
        assert "\n" not in said


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=30),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.booleans(),
)
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    end: str,
    header: bool,
    comma: bool,
) -> None:
    file = tmp_path_factory.getbasetemp() / "back.csv"
    lines = [repr(value).replace(".", ",") if comma else repr(value) for value in values]
    file.write_bytes(end.join([*["Wave"] * header, *lines]).encode())
    np.testing.assert_array_equal(read_column(file), values)


def test_json_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{'a': 1}")
    with pytest.raises(RecordingError, match=r"x\.json: not JSON"):
        read_json(tmp_path / "x.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(RecordingError, match=r"deep\.json: not JSON"):
        read_json(tmp_path / "deep.json")


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
