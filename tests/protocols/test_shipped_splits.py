"""The splits that ship: no subject on two sides, unions whole, lists as published."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.datasets.splits import read_split

FOLDER = Path(__file__).parents[2] / "protocols" / "splits"
SPLITS = {file.stem: read_split(file) for file in sorted(FOLDER.glob("*.toml"))}
WHOLE = {
    "pure-mod5": 10,
    "vipl-rs4": 107,
    "vipl-5fold-rhythmmamba": 107,
    "mmse-3fold": 40,
    "obf-10fold": 100,
    "obf-rs4": 100,
}
"""Splits that test everyone once, and how many that are."""


def person(entry: str) -> str:
    """The person behind a subject's or a recording's name."""
    name = entry.split("/", maxsplit=1)[0]
    return name.split("-")[0] if name[:1].isdigit() else name


@pytest.mark.parametrize("name", SPLITS)
def test_no_subject_is_in_training_and_test(name: str) -> None:
    for fold in SPLITS[name].folds:
        learned = {person(entry) for entry in (*fold.train, *fold.validation)}
        tested = {person(entry) for entry in fold.test}
        assert learned
        assert tested or fold.validation
        assert not learned & tested


@pytest.mark.parametrize("name", WHOLE)
def test_cross_validation_tests_each_subject_once(name: str) -> None:
    tested = [subject for fold in SPLITS[name].folds for subject in fold.test]
    assert len(tested) == len(set(tested)) == WHOLE[name]
    for fold in SPLITS[name].folds:
        assert {*fold.train, *fold.validation, *fold.test} == set(tested)


@pytest.mark.parametrize("name", SPLITS)
def test_a_split_states_its_source(name: str) -> None:
    assert len(SPLITS[name].source) > 40
    assert "\n" not in SPLITS[name].source


def test_ubfc_has_30_and_12_of_the_42_subjects() -> None:
    (fold,) = SPLITS["ubfc-38-49"].folds
    numbers = {int(s.removeprefix("subject")) for s in fold.train}
    assert len(fold.train) == 30
    assert [int(s.removeprefix("subject")) for s in fold.test] == list(range(38, 50))
    absent = {2, 6, 7, 19, 21, 28, 29}  # numbers that the set does not have
    assert numbers == set(range(1, 38)) - absent
    (clean,) = SPLITS["ubfc-clean38"].folds
    assert set(fold.train) - set(clean.train) == {f"subject{n}" for n in (11, 18, 20, 24)}
    assert clean.test == fold.test


def test_the_pure_splits_differ() -> None:
    test = {name: SPLITS[name].folds[0].test for name in ("pure-6810", "pure-hrcnn", "pure-frac")}
    assert test == {
        "pure-6810": ("06", "08", "09", "10"),
        "pure-hrcnn": ("02", "03", "10"),
        "pure-frac": ("09", "10"),
    }
    assert SPLITS["pure-hrcnn"].folds[0].validation == (
        *("06-01", "08-02", "05-03", "01-04", "04-05", "09-06", "07-01"),
    )
    first = SPLITS["pure-mod5"].folds[0]
    assert (first.validation, first.test) == (("03", "08"), ("04", "09"))


def test_vipl_rs4_is_the_list_that_was_published() -> None:
    """Fold 1 and 5 as computed from RS-rPPG's own fold files."""
    folds = SPLITS["vipl-rs4"].folds
    published = "3 6 11 14 17 20 21 25 27 30 36 48 54 61 66 68 77 83 87 102 103 104"
    assert folds[0].test == tuple(f"p{n}" for n in published.split())
    published = "1 2 4 10 37 39 45 47 51 53 56 58 59 70 73 88 95 96 97 101 106"
    assert folds[4].test == tuple(f"p{n}" for n in published.split())


def test_the_folds_of_vipl_hr_are_the_list_that_was_published() -> None:
    """Folds 1 and 5 as they stand in RhythmMamba's loader, in its order."""
    split = SPLITS["vipl-5fold-rhythmmamba"]
    assert split.stands_for == "official"
    assert {s.stands_for for name, s in SPLITS.items() if name != split.name} == {""}
    published = "74 100 21 10 65 90 57 58 101 59 64 7 49 43 62 25 50 105 35 81 12"
    assert set(split.folds[0].test) == {f"p{n}" for n in published.split()}
    published = "71 26 53 41 104 85 66 44 102 75 72 47 28 94 83 98 68 37 95 73 45 77"
    assert set(split.folds[4].test) == {f"p{n}" for n in published.split()}
    assert [len(fold.test) for fold in split.folds] == [21, 21, 21, 22, 22]


def test_mmse_contrast_phys_plus_keeps_its_off_by_one() -> None:
    """Re-done from the recipe: 39 subjects, seven a fold from the second place on."""
    people = [f"F{n:03d}" for n in range(5, 28) if n != 20] + [f"M{n:03d}" for n in range(1, 18)]
    order = list(np.random.default_rng(12345).permutation(people))
    folds = SPLITS["mmse-contrast-phys-plus"].folds
    assert [set(f.test) for f in folds] == [set(order[7 * i + 1 : 7 * i + 8]) for i in range(5)]
    tested = {subject for fold in folds for subject in fold.test}
    assert set(people) - tested == {"M017", "M009", "F018", "M008"}


def test_mmse_3fold_and_obf_rs4_are_shuffled_by_seed_4() -> None:
    people = [f"F{n:03d}" for n in range(5, 28)] + [f"M{n:03d}" for n in range(1, 18)]
    np.random.RandomState(4).shuffle(people)
    tests = [set(fold.test) for fold in SPLITS["mmse-3fold"].folds]
    assert tests == [set(people[:14]), set(people[14:27]), set(people[27:])]
    people = [f"{n:03d}" for n in range(1, 101)]
    np.random.RandomState(4).shuffle(people)
    tests = [set(fold.test) for fold in SPLITS["obf-rs4"].folds]
    assert tests == [set(people[10 * i : 10 * i + 10]) for i in range(10)]


def test_the_validation_part_of_vipl_v2_is_every_fifth_subject_and_none_is_tested() -> None:
    (fold,) = SPLITS["vipl-v2-80-20-validation-rppgbench"].folds
    (intra,) = SPLITS["vipl-v2-80-20-rppgbench"].folds
    assert fold.test == ()
    assert fold.validation == tuple(str(number) for number in range(5, 501, 5)) == intra.test
    assert fold.train == intra.train
