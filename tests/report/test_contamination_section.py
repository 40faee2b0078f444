"""The section on recordings and people that are on both sides of a fold."""

from typing import Any

from rppgbench.report.sections.contamination import contamination_sections

PAIR = {
    "fold": "1",
    "learned": "pure/01-01",
    "learned_person": "01",
    "tested": "ubfc_rppg/subject5",
    "tested_person": "5",
    "evidence": "the same pulse for 38 s (correlation 0.999)",
}


def comparison(**changes: Any) -> dict[str, Any]:
    made = {"folds": [{"fold": "1", "learned": 30, "tested": 12}], "count": 0, "pairs": []}
    return {**made, "people": [], **changes}


def test_nothing_compared_is_no_section() -> None:
    assert contamination_sections([{}, {}]) == ()
    assert contamination_sections([]) == ()


def test_no_pair_is_one_line_that_says_what_was_compared() -> None:
    (section,) = contamination_sections([{}, comparison()])
    assert section.tables == ()
    assert section.paragraphs[0] == (
        "30 recordings that methods learn from were compared with 12 tested: no pair holds the "
        "same."
    )


def test_pairs_stand_in_a_table_with_persons_and_evidence() -> None:
    (section,) = contamination_sections([comparison(count=1, pairs=[PAIR])])
    assert section.paragraphs[0].endswith("one pair holds the same.")
    (row,) = section.tables[0].rows
    assert [cell.text for cell in row.cells] == [
        "1",
        "pure/01-01 (person 01)",
        "ubfc_rppg/subject5 (person 5)",
        "the same pulse for 38 s (correlation 0.999)",
    ]
    assert section.tables[0].notes == ()


def test_several_folds_and_folders_count_each_pair_once() -> None:
    folds = [{"fold": str(k), "learned": 30 + k, "tested": 12} for k in range(5)]
    second = {**PAIR, "fold": "2"}
    both = [
        comparison(folds=folds, count=2, pairs=[PAIR, second]),
        comparison(folds=folds, count=1, pairs=[PAIR]),
    ]
    (section,) = contamination_sections(both)
    assert section.paragraphs[0] == (
        "In each of 5 folds the recordings that methods learn from (at most 34) were compared with "
        "those that are tested (at most 12): 2 pairs hold the same."
    )
    assert len(section.tables[0].rows) == 2


def test_pairs_that_are_not_named_are_counted() -> None:
    (section,) = contamination_sections([comparison(count=250, pairs=[PAIR])])
    assert "250 pairs hold the same" in section.paragraphs[0]
    assert section.tables[0].notes == ("The first 1 of 250 pairs.",)


def test_people_of_both_sides_are_a_sentence() -> None:
    (section,) = contamination_sections([comparison(people=["a and b hold the same people"])])
    assert "A and b hold the same people." in section.paragraphs
