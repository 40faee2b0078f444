"""A paper's table: what it printed, and how we measure it."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from rppgbench.core.protocol import Declaration, read_declaration
from rppgbench.datasets.layout import require_inside
from rppgbench.system.errors import BenchError, unknown_name

VerdictWord = Literal["reproduced", "better", "worse", "not comparable"]

HOURS_OF_A_PASS = 1.0
"""Hours of one core for an hour of video: decoding, face, and every method that does not learn."""

HOURS_OF_A_FIT = 0.5
"""Hours of a GPU for an hour of video that is learned from, in each fold and seed."""

HOURS_RULE = (
    "Hours are a rule of thumb, not a measurement: one hour of one core for an hour of video "
    "(decoded once for all methods), and for a method that learns half an hour of a GPU for an "
    "hour of video in each fold and seed."
)

MARGINS: Mapping[str, float] = {"mae": 0.5, "rmse": 0.75, "std": 0.75, "r": 0.02}
"""Below which difference a value counts as the printed one, by measure; see `MARGIN_RULE`."""

MARGIN_RULE = (
    "The margins are the same for all tables. MAE: 0.5 bpm, to which contact sensors that show "
    "whole beats are rounded. RMSE and Std: half as much again, as the papers' own RMSE is 1.5 "
    "times their MAE (median of the 54 rows that print both). r: 0.02, two steps of its last "
    "printed digit."
)

VERDICT_RULE = (
    "Verdicts: reproduced, if the 95 % interval of what we measured covers the printed value, or "
    "the two differ by less than the declared margin ({margins}); else better or worse, by the "
    "measure's direction; not comparable where n, split, training or evaluator are other than the "
    "printed value's; not run where nothing is stored."
)


class Setting(Declaration):
    """One experiment of a table: data, split and evaluator of a group of printed values.

    `printed` is the setting as the printed values name it, empty where none is printed for it.
    `protocol` may be one that is not shipped yet, and is empty where there is nothing to run;
    `about` then says why. `recordings` is the n behind the printed values, 0 where the paper does
    not say. `pretrain` is as in a protocol, whose own takes the place of an empty one. `params` are
    the methods' in this setting. `data` names the data sets that are needed,
    `video_hours` their length; `folds` how often is learned. `differs` says what is known to be
    another split, n or evaluator than the paper's, and is empty where nothing is.
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


class PaperMethod(Declaration):
    """A row name of the paper and the method behind it, empty where we do not run it.

    `params` are the method's, where they are not its defaults; `evaluator` takes the place of the
    setting's where the printed row was scored by another rule; `differs` as in `Setting`.
    """

    printed: str
    method: str
    params: dict[str, bool | int | float | str]
    evaluator: str
    differs: str
    note: str


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


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What we have of one row: each measure with its interval, and what stands against it.

    `values` map a measure's name to value, low and high (NaN where there is none). `obstacles` are
    the reasons for which the value cannot be set against the printed one. `origin` names the
    results folder, `made_by` says in what its parts were made differently.
    """

    values: Mapping[str, tuple[float, float, float]]
    recordings: int
    subjects: int
    expected: int
    evaluator: str
    origin: str
    simulated: bool
    obstacles: tuple[str, ...] = ()
    made_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotRun:
    """Nothing is stored: why, and what would fill the cells."""

    why: str
    hours: float = math.nan


@dataclass(frozen=True)
class Line:
    """One row of the table: a setting and a method, with the printed values by metric."""

    setting: Setting
    method: PaperMethod
    printed: Mapping[str, Printed]


@dataclass(frozen=True)
class Verdict:
    """A word, and the reason for it."""

    word: VerdictWord
    why: str


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
    try:
        with file.open(encoding="utf-8", newline="") as source:
            reader = csv.DictReader(source)
            rows, columns = list(reader), list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{file}: printed values not readable: {error}") from error
    names = list(Printed.__dataclass_fields__)
    if columns != names:
        raise BenchError(f"{file}: its columns must be {', '.join(names)}")
    values = []
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise BenchError(f"{file}: line {number} has not {len(names)} cells")
        try:
            fine = math.isfinite(float(row["value"]))
        except ValueError:
            fine = False
        if not fine:
            raise BenchError(f"{file}: line {number}: value {row['value']!r} is not a number")
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
            printed = printed_by_row.get((setting.printed, method.printed), {})
            if printed or table.kind != "table" or method.printed not in printed_methods:
                yield Line(setting, method, printed)


def judge(
    printed: float,
    measured: tuple[float, float, float],
    *,
    margin: float,
    lower_is_better: bool,
    obstacles: Sequence[str] = (),
) -> Verdict:
    """What a measured value with its interval says of a printed one, by the stated rule.

    Args:
        printed: The printed value.
        measured: The measured value with the ends of its interval; NaN where there is none.
        margin: Difference below which both values count as equal.
        lower_is_better: Direction of the measure.
        obstacles: Reasons why the two values are not comparable.

    Returns:
        The verdict with its reason.

    >>> judge(5.19, (5.8, 5.1, 6.6), margin=0.5, lower_is_better=True)
    Verdict(word='reproduced', why='the interval covers 5.19')
    >>> judge(5.19, (5.6, 5.5, 5.7), margin=0.5, lower_is_better=True).why
    'differs by 0.41, less than 0.5'
    >>> judge(5.19, (9.0, 8.0, 10.0), margin=0.5, lower_is_better=True).word
    'worse'
    >>> judge(5.19, (5.2, 5.1, 5.3), margin=0.5, lower_is_better=True, obstacles=["another n"])
    Verdict(word='not comparable', why='another n')
    """
    value, low, high = measured
    if obstacles:
        return Verdict("not comparable", "; ".join(obstacles))
    if math.isnan(value):
        return Verdict("not comparable", "the measure is not defined here")
    if low <= printed <= high:
        return Verdict("reproduced", f"the interval covers {printed:g}")
    difference = abs(value - printed)
    if difference < margin:
        return Verdict("reproduced", f"differs by {difference:.2g}, less than {margin:g}")
    lower = value < printed
    side = f"{difference:.3g} {'below' if lower else 'above'} the printed value, which is outside"
    reach = "the interval" if not math.isnan(low) else f"the margin of {margin:g} (no interval)"
    return Verdict("better" if lower == lower_is_better else "worse", f"{side} {reach}")


def estimate_hours(setting: Setting, *, learns: bool, seeds: int = 1) -> float:
    """Roughly how many hours one row of a setting takes, by the rule of `HOURS_RULE`.

    Args:
        setting: The setting.
        learns: Whether the method is trained.
        seeds: Number of seeds.

    Returns:
        Hours.

    >>> s = Setting(printed="", label="", about="", protocol="", pretrain=[], evaluator="",
    ...             condition="none", params={}, recordings=0, data=[], video_hours=20.0, folds=5,
    ...             differs="")
    >>> estimate_hours(s, learns=False), estimate_hours(s, learns=True)
    (20.0, 70.0)
    """
    fits = setting.folds * seeds if learns else 0
    return setting.video_hours * (HOURS_OF_A_PASS + HOURS_OF_A_FIT * fits)
