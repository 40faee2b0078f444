"""A paper's table: what it printed, and how we measure it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from rppgbench.core.protocol import Declaration, read_declaration
from rppgbench.datasets.layout import require_inside
from rppgbench.papers.csv_rows import read_rows
from rppgbench.system.errors import BenchError, unknown_name

MARGINS: Mapping[str, float] = {"mae": 0.5, "rmse": 0.75, "std": 0.75, "r": 0.02}
"""Below which difference a value counts as the printed one, by measure; see `MARGIN_RULE`."""

MARGIN_RULE = (
    "The margins are the same for all tables. MAE: 0.5 bpm, to which contact sensors that show "
    "whole beats are rounded. RMSE and Std: half as much again, as the papers' own RMSE is 1.5 "
    "times their MAE (median of the 54 rows that print both). r: 0.02, two steps of its last "
    "printed digit."
)


class Setting(Declaration):
    """One experiment of a table: data, split and evaluator of a group of printed values.

    `printed` is the setting as the printed values name it, empty where none is printed for it.
    `protocol` may be one that is not shipped yet, and is empty where there is nothing to run;
    `about` then says why. `recordings` is the n behind the printed values, 0 where the paper does
    not say. `pretrain` lists the data sets of the pre-training; the protocol's own takes the place
    of an empty list. `params` are the methods' in this setting. `data` names the data sets that are
    needed, `video_hours` their length; `folds` how often is learned. `differs` says what is known
    to be another split, n or evaluator than the paper's, and is empty where nothing is.
    `readings` name further evaluators, whose values stand beside, without a verdict.
    `panel` is the panel of a figure that the setting belongs to.
    """

    printed: str
    label: str
    about: str
    protocol: str
    pretrain: list[str]
    evaluator: str
    condition: str
    params: dict[str, bool | int | float | str]
    recordings: int
    data: list[str]
    video_hours: float
    folds: int
    differs: str
    readings: list[str] = Field(default_factory=list)
    panel: str = ""


class RowInSetting(Declaration):
    """What of a row is otherwise in one setting: each key that is there replaces the row's."""

    evaluator: str | None = None
    differs: str | None = None
    note: str | None = None
    params: dict[str, bool | int | float | str] | None = None


class PaperMethod(Declaration):
    """A row name of the paper and the method behind it, empty where we do not run it.

    `params` are the method's, where they are not its defaults; `evaluator` takes the place of the
    setting's where the printed row was scored by another rule; `differs` as in `Setting`.
    `in_setting` holds what is otherwise in a setting, by its label. `epoch` is the epoch whose
    model is tested: the last, or the best on the test data. `values_of` names the printed row that
    this row is set beside, where its own name is not printed.
    """

    printed: str
    method: str
    params: dict[str, bool | int | float | str]
    evaluator: str
    differs: str
    note: str
    in_setting: dict[str, RowInSetting] = Field(default_factory=dict)
    epoch: Literal["last", "best"] = "last"
    values_of: str = ""

    def within(self, setting: str) -> Self:
        """The row as it is in a setting, by the setting's label."""
        other = self.in_setting.get(setting)
        return (
            self if other is None else self.model_copy(update=other.model_dump(exclude_none=True))
        )


class PaperTable(Declaration):
    """A table or figure of a paper.

    `paper` and `table` choose the printed values of the CSV file `values`, which lies beside the
    declaration. `measures` map the paper's names to those of summaries, each one of
    `MARGINS`.
    """

    title: str
    about: str
    source: str
    paper: str
    table: str
    kind: Literal["table", "waveforms", "compression", "labels"]
    values: str
    measures: dict[str, str]
    settings: list[Setting]
    methods: list[PaperMethod]
    notes: list[str]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for key, names in (
            ("settings", [s.label for s in self.settings]),
            ("methods", [m.printed for m in self.methods]),
        ):
            if not names or len(set(names)) != len(names):
                raise ValueError(f"{key} must name at least one, each once")
        labels = {s.label for s in self.settings}
        printed = {m.printed for m in self.methods}
        for method in self.methods:
            if strange := sorted(method.in_setting.keys() - labels):
                raise ValueError(f"in_setting of {method.printed!r}: no setting {strange[0]!r}")
            if method.values_of and method.values_of not in printed:
                raise ValueError(f"values_of of {method.printed!r}: no row {method.values_of!r}")
        for measure in self.measures.values():
            if measure not in MARGINS:
                raise ValueError(
                    f"measures: {measure!r} has no margin; known: {', '.join(MARGINS)}"
                )
        return self


@dataclass(frozen=True, kw_only=True)
class Printed:
    """One printed value, as it stands in the paper, with what there is to say about it."""

    paper: str
    table: str
    setting: str
    method: str
    annotations: str
    metric: str
    value: str
    note: str

    @property
    def number(self) -> float:
        """The value as a number."""
        return float(self.value)


Interval = tuple[float, float, float]
"""A value with the ends of its 95 % interval, NaN where there is none."""

COVERED = "covered only"
"""Name of the reading that leaves missing estimates out."""


@dataclass(frozen=True, kw_only=True)
class OtherReading:
    """Another reading of the same estimates: under another evaluator, or of covered windows only.

    Attributes:
        name: the evaluator, or `COVERED`.
        values: each measure with its interval.
        recordings: recordings that are read.
        subjects: subjects of these.
        coverage: share of the scored windows that have an estimate.
    """

    name: str
    values: Mapping[str, Interval]
    recordings: int
    subjects: int
    coverage: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What we have of one row: each measure with its interval, and what stands against it.

    Attributes:
        values: each measure with its interval; a missing estimate costs what the evaluator says.
        recordings: recordings that are scored.
        subjects: subjects of these.
        expected: recordings that the run expected.
        evaluator: name of the evaluator.
        origin: the results folder.
        simulated: whether the recordings are simulated.
        obstacles: reasons for which the value cannot be set against the printed one.
        made_by: in what the parts of the results were made differently.
        coverage: share of the scored windows that have an estimate.
        n_printed: whether the paper says the n of the printed value.
        imported: where imported predictions come from; "" for estimates of this suite.
        readings: other readings of the same estimates.
        seeds: the values of each measure by seed, and whether a training of the seed collapsed.
    """

    values: Mapping[str, Interval]
    recordings: int
    subjects: int
    expected: int
    evaluator: str
    origin: str
    simulated: bool
    obstacles: tuple[str, ...] = ()
    made_by: tuple[str, ...] = ()
    coverage: float = 1.0
    n_printed: bool = True
    imported: str = ""
    readings: tuple[OtherReading, ...] = ()
    seeds: Mapping[str, tuple[tuple[float, bool], ...]] = field(default_factory=dict)

    def reading(self, name: str) -> OtherReading | None:
        """The other reading of that name, where there is one."""
        return next((reading for reading in self.readings if reading.name == name), None)


@dataclass(frozen=True)
class Hours:
    """What a row takes: hours of one core for the videos, and of one GPU for the trainings.

    `gpu` is 0 where nothing is trained, and NaN where no rate is declared for a method.
    """

    core: float
    gpu: float = 0.0


@dataclass(frozen=True)
class NotRun:
    """A row without values: why, what would fill the cells, and whether a run of it failed."""

    why: str
    hours: Hours | None = None
    failed: bool = False


@dataclass(frozen=True)
class Line:
    """One row of the table: a setting and a method, with the printed values by metric."""

    setting: Setting
    method: PaperMethod
    printed: Mapping[str, Printed]


def read_table(file: Path) -> tuple[PaperTable, list[Line]]:
    """The declaration with its lines; a printed value without a place in it is a `BenchError`."""
    table = read_declaration(file, PaperTable)
    values = [
        v
        for v in read_printed(require_inside(file.parent, table.values, file))
        if (v.paper, v.table) == (table.paper, table.table)
    ]
    return table, list(_lines(table, values, file))


def read_printed(file: Path) -> list[Printed]:
    """Every printed value of a CSV file, in its order.

    The columns are those of `Printed`; each value must be a number. BenchError names the line.
    """
    values = []
    for place, row in read_rows(file, [column.name for column in fields(Printed)]):
        try:
            is_number = math.isfinite(float(row["value"]))
        except ValueError:
            is_number = False
        if not is_number:
            raise BenchError(f"{place}: value {row['value']!r} is not a number")
        values.append(Printed(**row))
    return values


def _lines(table: PaperTable, values: Sequence[Printed], file: Path) -> Iterator[Line]:
    """In the order of the settings, and in each in that of the methods.

    A method that the paper prints in no setting of the table is this project's own row: it has a
    line in every setting, and no printed value.
    """
    settings = {s.printed for s in table.settings if s.printed}
    methods = {m.printed for m in table.methods}
    printed_by_row: dict[tuple[str, str], dict[str, Printed]] = {}
    for value in values:
        if value.setting not in settings:
            raise unknown_name("setting", value.setting, settings, str(file))
        if value.method not in methods:
            raise unknown_name("row", value.method, methods, str(file))
        if value.metric not in table.measures:
            raise unknown_name("measure", value.metric, table.measures, str(file))
        line = printed_by_row.setdefault((value.setting, value.method), {})
        if value.metric in line:
            raise BenchError(
                f"{file}: {value.metric} of {value.method!r} is printed twice in {value.setting!r}"
            )
        line[value.metric] = value
    printed_methods = {method for _, method in printed_by_row}
    for setting in table.settings:
        for method in table.methods:
            name = method.values_of or method.printed
            printed = printed_by_row.get((setting.printed, name), {})
            if printed or table.kind != "table" or name not in printed_methods:
                yield Line(setting, method.within(setting.label), printed)
