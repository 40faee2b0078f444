"""Published values of methods on data sets, from every source, and how far they are apart."""

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from rppgbench.core.content_roots import content_roots
from rppgbench.core.registry import load_methods, toml_files
from rppgbench.papers.csv_rows import read_rows
from rppgbench.papers.declaration import Setting, read_table
from rppgbench.papers.method_members import learning_members
from rppgbench.system.errors import BenchError

FILE = "published_values.csv"
"""In the folder `reports` of the checkout and of every plugin: one line for each value."""

Kind = Literal["paper", "repository", "recomputed", "challenge"]
METRICS = ("mae", "rmse")


@dataclass(frozen=True, order=True, kw_only=True)
class PublishedValue:
    """One published value; the names of the fields are the columns of the file.

    Attributes:
        method: The method, in the spelling that all lines share.
        tested_on: The data set that was tested.
        trained_on: The data sets that were learned from, with + between them; "none" for methods
            that learn nothing, "unknown" where the source at hand does not say.
        metric: "mae" or "rmse", in bpm.
        value: The value in bpm.
        source: Where it was published.
        kind: "paper", "repository" (a README, an issue), "recomputed" from published outputs, or
            "challenge".
        rule: The evaluator, where it is known; else "unknown".
        note: What else a reader should know.
    """

    method: str
    tested_on: str
    trained_on: str
    metric: str
    value: float
    source: str
    kind: Kind
    rule: str
    note: str


@dataclass(frozen=True, kw_only=True)
class ValueGroup:
    """The values of one method, tested and trained on the same data sets, in one metric.

    Attributes:
        method: The method.
        tested_on: The data set that was tested.
        trained_on: As in `PublishedValue`.
        metric: "mae" or "rmse".
        values: The values, the smallest first.
    """

    method: str
    tested_on: str
    trained_on: str
    metric: str
    values: tuple[PublishedValue, ...]

    @property
    def sources(self) -> int:
        """How many sources give a value."""
        return len({value.source for value in self.values})

    @property
    def least(self) -> float:
        """The smallest value in bpm."""
        return self.values[0].value

    @property
    def most(self) -> float:
        """The largest value in bpm."""
        return self.values[-1].value

    @property
    def median(self) -> float:
        """The median of the values in bpm."""
        return statistics.median(value.value for value in self.values)

    @property
    def ratio(self) -> float:
        """The largest value over the smallest; infinite where the smallest is 0."""
        return self.most / self.least if self.least > 0 else math.inf


def read_published_values() -> list[PublishedValue]:
    """All published values: those of the files, and those of the declared tables of papers.

    Raises:
        BenchError: A file cannot be read, or a line is at fault.
    """
    values = [
        value
        for root in content_roots()
        if (file := root / "reports" / FILE).is_file()
        for value in read_file(file)
    ]
    return sorted({*values, *printed_values()})


def read_file(file: Path) -> list[PublishedValue]:
    """The values of one file.

    Args:
        file: CSV with the columns of `PublishedValue`.

    Raises:
        BenchError: The file cannot be read, its columns are others, or a line is at fault.
    """
    columns = [field.name for field in fields(PublishedValue)]
    return [_value(row, place) for place, row in read_rows(file, columns)]


def _value(row: Mapping[str, str], place: str) -> PublishedValue:
    empty = [name for name in row if name != "note" and not row[name].strip()]
    if empty:
        raise BenchError(f"{place}: no {empty[0]}; fill it in")
    if row["metric"] not in METRICS or row["kind"] not in get_args(Kind):
        known = METRICS if row["metric"] not in METRICS else get_args(Kind)
        name = "metric" if known is METRICS else "kind"
        raise BenchError(f"{place}: {name} {row[name]!r} is not one of {', '.join(known)}")
    try:
        bpm = float(row["value"])
    except ValueError:
        bpm = math.nan
    if not (math.isfinite(bpm) and bpm >= 0):
        raise BenchError(f"{place}: value {row['value']!r} is no error in bpm")
    return PublishedValue(**{**row, "value": bpm})  # type: ignore[arg-type]  # all are checked


def printed_values() -> Iterator[PublishedValue]:
    """The MAE and RMSE that the declared tables of papers print.

    The last data set of a setting is the tested one; the others are what was learned from, or the
    tested one itself where there is no other. A method that is not here counts as one that learns.
    """
    available = load_methods().available
    for name, file in sorted(toml_files("reports").items()):
        table, lines = read_table(file)
        for line in lines:
            data = line.setting.data
            if table.kind != "table" or line.method.values_of or not data:
                continue
            method = line.method.method
            learns = method not in available or bool(learning_members(method))
            for column, printed in line.printed.items():
                if table.measures[column] in METRICS:
                    yield PublishedValue(
                        method=line.method.printed,
                        tested_on=data[-1],
                        trained_on="+".join(data[:-1] or data) if learns else "none",
                        metric=table.measures[column],
                        value=printed.number,
                        source=f"{table.paper}, table {table.table} ({name})",
                        kind="paper",
                        rule=line.method.evaluator or line.setting.evaluator,
                        note="; ".join(
                            part for part in (_describe_setting(line.setting), printed.note) if part
                        ),
                    )


def _describe_setting(setting: Setting) -> str:
    count = f", n = {setting.recordings}" if setting.recordings else ""
    return f"{setting.label}{count}"


def group_values(values: Iterable[PublishedValue]) -> list[ValueGroup]:
    """Values by method, tested and trained data sets and metric, those most apart first.

    Groups with several sources come before those with one, and are ordered by the ratio of the
    largest to the smallest value.

    Args:
        values: The values.
    """
    by_key: dict[tuple[str, str, str, str], list[PublishedValue]] = {}
    for value in sorted(values):
        key = (value.method, value.tested_on, value.trained_on, value.metric)
        by_key.setdefault(key, []).append(value)
    groups = [
        ValueGroup(
            method=method,
            tested_on=tested_on,
            trained_on=trained_on,
            metric=metric,
            values=tuple(sorted(members, key=lambda member: (member.value, member))),
        )
        for (method, tested_on, trained_on, metric), members in by_key.items()
    ]
    return sorted(
        groups,
        key=lambda group: (
            -min(group.sources, 2),
            -group.ratio,
            (group.method, group.tested_on, group.trained_on, group.metric),
        ),
    )
