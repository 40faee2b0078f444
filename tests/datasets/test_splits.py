"""Splits: nobody on two sides, nobody lost, the same from any order of files."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rppgbench.core.recording import Recording
from rppgbench.datasets.splits import (
    Fold,
    assign_by_folds,
    assign_by_lists,
    assign_by_parts,
    check_disjoint,
    checksum,
    read_split,
)
from rppgbench.system.errors import BenchError

from ..factories.records import make_recording


def names(recordings: tuple[Recording, ...]) -> set[str]:
    return {r.name for r in recordings}


@given(
    st.integers(2, 5),
    st.lists(st.integers(0, 30), min_size=6, max_size=30, unique=True),
    st.randoms(use_true_random=False),
)
def test_own_folds_cover_each_subject_once(
    count: int, people: list[int], order: random.Random
) -> None:
    subjects = [f"s{p}" for p in people]
    folds = {str(k): tuple(subjects[k::count]) for k in range(count)}
    recordings = [make_recording(f"{s}/{k}", subject=s) for s in subjects for k in range(2)]
    shuffled = list(recordings)
    order.shuffle(shuffled)
    sides = assign_by_folds(recordings, folds, "x")
    for side, other in zip(sides, assign_by_folds(shuffled, folds, "x"), strict=True):
        assert not {r.subject for r in side.train} & {r.subject for r in side.test}
        assert names(side.train) | names(side.test) == names(tuple(recordings))
        assert names(side.test) == names(other.test)
    tested = [r.name for side in sides for r in side.test]
    assert sorted(tested) == sorted(r.name for r in recordings)


def test_a_subject_in_two_own_folds_is_named() -> None:
    with pytest.raises(BenchError, match="subject a is in fold 1 and in fold 2"):
        assign_by_folds([make_recording("a", subject="a")], {"1": ("a",), "2": ("a",)}, "fold")


def test_a_subject_in_no_own_fold_is_named() -> None:
    with pytest.raises(BenchError, match="no fold has subject b"):
        assign_by_folds([make_recording("b", subject="b")], {"1": ("a",)}, "fold")


def test_a_development_recording_is_not_trained_on() -> None:
    recordings = [
        make_recording("06/01", subject="06"),
        make_recording("06/02", subject="06"),
        make_recording("10/01", subject="10"),
    ]
    (side,) = assign_by_lists(
        recordings, [Fold(name="1", train=("06",), validation=("06/01",), test=("10",))]
    )
    assert (names(side.train), names(side.validation), names(side.test)) == (
        {"06/02"},
        {"06/01"},
        {"10/01"},
    )


def test_recordings_are_split_by_the_parts_that_the_data_set_names() -> None:
    (side,) = assign_by_parts(
        [
            make_recording("a", subject="a", part="train"),
            make_recording("b", subject="b", part="test"),
        ]
    )
    assert (names(side.train), names(side.test)) == ({"a"}, {"b"})


def test_a_subject_on_two_sides_is_refused() -> None:
    with pytest.raises(BenchError, match="subject 'a' on two sides"):
        check_disjoint(Fold(name="1", train=("a",), validation=(), test=("a",)), "x")


def split_file(folder: Path, *, checked: str | None = None, extra: str = "") -> Path:
    lists = [{"name": "1", "train": ["a"], "validation": [], "test": ["b"]}]
    file = folder / "s.toml"
    file.write_text(
        f'title = "t"\nsource = "s"\ndataset = "d"\nchecksum = "{checked or checksum(lists)}"\n'
        f'{extra}[[fold]]\nname = "1"\ntrain = ["a"]\nvalidation = []\ntest = ["b"]\n'
    )
    return file


def test_a_split_is_read(tmp_path: Path) -> None:
    split = read_split(split_file(tmp_path))
    assert split.folds == (Fold(name="1", train=("a",), validation=(), test=("b",)),)


def test_a_changed_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="do not fit their checksum"):
        read_split(split_file(tmp_path, checked="0"))


def test_an_unknown_key_of_a_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="extra"):
        read_split(split_file(tmp_path, extra="extra = 1\n"))
