"""What the training and the test side of a fold have in common."""

from collections.abc import Mapping, Sequence
from typing import Any

from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Section
from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.system.plural import pluralise

COLUMNS = (
    Column("fold", "Fold", text=True),
    Column("learned", "Learned from", text=True),
    Column("tested", "Tested on", text=True),
    Column("evidence", "Both hold", text=True),
)


def contamination_sections(
    comparisons: Sequence[Mapping[str, Any]], *, marks: DataMarks = UNMARKED
) -> tuple[Section, ...]:
    """The recordings and people on both sides of a fold, as the plans of the runs found them.

    Args:
        comparisons: What the manifests of the results say of the comparison; {} where no method
            learns, or where an older version made the plan.
        marks: What is simulated or imported.

    Returns:
        One section; none where nothing was compared.
    """
    made = [comparison for comparison in comparisons if comparison]
    if not made:
        return ()
    sides = {
        str(side["fold"]): (int(side["learned"]), int(side["tested"]))
        for comparison in made
        for side in comparison["folds"]
    }
    pairs = list({tuple(p.items()): p for each in made for p in each["pairs"]}.values())
    # Several folders may name the same pairs, so counts are not added.
    count = max(len(pairs), *(int(comparison["count"]) for comparison in made))
    people = list(dict.fromkeys(line for comparison in made for line in comparison["people"]))
    return (
        Section(
            key="contamination",
            title="Is the test data in the training data?",
            paragraphs=(
                _compared(sides, count),
                *(f"{line[:1].upper()}{line[1:]}." for line in people),
                "Labels are compared by the pulse or by the device's series of rates, video files "
                "byte for byte. Frames are not: a copy without a label that was encoded anew is "
                "named when a run begins and by bench data check, not here.",
            ),
            tables=(_table(pairs, count, marks),) if pairs else (),
        ),
    )


def _compared(sides: Mapping[str, tuple[int, int]], count: int) -> str:
    """What was compared with what, and how many pairs hold the same."""
    result = f"{count} pairs hold the same" if count > 1 else "one pair holds the same"
    if not count:
        result = "no pair holds the same"
    if len(sides) == 1:
        ((learned, tested),) = sides.values()
        return (
            f"{pluralise(learned, 'recording')} that methods learn from "
            f"{'was' if learned == 1 else 'were'} compared with {tested} tested: {result}."
        )
    most_learned, most_tested = (max(number) for number in zip(*sides.values(), strict=True))
    return (
        f"In each of {len(sides)} folds the recordings that methods learn from (at most "
        f"{most_learned}) were compared with those that are tested (at most {most_tested}): "
        f"{result}."
    )


def _table(pairs: Sequence[Mapping[str, Any]], count: int, marks: DataMarks) -> Table:
    rows = []
    for pair in pairs:
        learned, tested = (
            f"{pair[side]} (person {pair[f'{side}_person']})" for side in ("learned", "tested")
        )
        texts = (str(pair["fold"]), learned, tested, str(pair["evidence"]))
        rows.append(Row(tuple(Cell(text, text) for text in texts)))
    notes = (f"The first {len(pairs)} of {count} pairs.",) if count > len(pairs) else ()
    return Table(
        key="contamination-table",
        caption="Recordings that are learned from and tested in one fold",
        columns=COLUMNS,
        rows=tuple(rows),
        notes=notes,
        marks=marks,
    )
