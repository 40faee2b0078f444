"""Which recording a name in a source is."""

from pathlib import Path

import pytest

from rppgbench.importing.name_matching import match_names, read_name_map
from rppgbench.system.errors import BenchError


def test_equal_names_come_first_and_leftovers_of_both_sides_are_named() -> None:
    found = match_names(["a", "c", "x"], ["a", "b", "c"], {}, "f")
    assert found.pairs == {"a": "a", "c": "c"}
    assert (found.rule, found.only_source, found.only_expected) == ("exactly", ("x",), ("b",))


@pytest.mark.parametrize(
    ("source", "expected", "rule"),
    [
        (["S_1", "S-2"], ["s1", "s2"], "by letters and digits alone, without case"),
        (["d/s1.avi", "d/s2.avi"], ["s1", "s2"], "by the last part of the path"),
        (["1", "02"], ["subject1", "subject2"], "by the numbers in the names"),
        (["01-01"], ["1/1"], "by the numbers in the names"),
    ],
)
def test_a_rule_is_told(source: list[str], expected: list[str], rule: str) -> None:
    found = match_names(source, expected, {}, "f")
    assert found.pairs == dict(zip(source, expected, strict=True))
    assert found.rule.startswith(rule)


def test_some_equal_numbers_match_nothing() -> None:
    found = match_names(["cam 1", "cam 7"], ["subject1", "subject2", "subject3"], {}, "f")
    assert not found.pairs


@pytest.mark.parametrize(
    ("source", "expected", "told"),
    [
        (["s-1", "s_1"], ["s1", "s2"], "'s-1' and 's_1' both fit the recording 's1'"),
        (["s1"], ["s-1", "s_1"], "'s1' fits both recordings 's-1' and 's_1'"),
        (["1"], ["subject1", "scene 1"], "'1' fits both recordings 'subject1' and 'scene 1'"),
    ],
)
def test_two_partners_are_refused_with_both(
    source: list[str], expected: list[str], told: str
) -> None:
    with pytest.raises(BenchError, match="--names") as fault:
        match_names(source, expected, {}, "f")
    assert told in str(fault.value)


def test_a_map_decides_and_names_outside_it_match_exactly_alone() -> None:
    found = match_names(["1", "b", "S_3"], ["a", "b", "s3"], {"1": "a"}, "f")
    assert found.pairs == {"1": "a", "b": "b"}
    assert found.only_source == ("S_3",)


@pytest.mark.parametrize(
    ("named", "told"),
    [({"9": "a"}, "'9' is not in the source"), ({"1": "z"}, "'z' is no recording")],
)
def test_a_map_that_names_what_is_not_there_is_refused(named: dict[str, str], told: str) -> None:
    with pytest.raises(BenchError, match=told):
        match_names(["1"], ["a"], named, "f")


@pytest.mark.parametrize(
    "text",
    ["", "a,b\n1,2\n", "source,recording\n1\n", "source,recording\n1,a\n1,b\n",
     "source,recording\n1,a\n2,a\n"],
)  # fmt: skip
def test_other_maps_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "map.csv"
    file.write_text(text)
    with pytest.raises(BenchError, match="--names"):
        read_name_map(file)


def test_a_map_is_read(tmp_path: Path) -> None:
    file = tmp_path / "map.csv"
    file.write_text("source,recording\n1,subject 1\n", encoding="utf-8-sig")
    assert read_name_map(file) == {"1": "subject 1"}
