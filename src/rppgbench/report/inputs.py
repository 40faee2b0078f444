"""What a report is made from; whoever calls assembles it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rppgbench.core.estimate import Estimate, EstimateKey
from rppgbench.core.recording import GroundTruth
from rppgbench.evaluation.evaluator import RATE_UNITS
from rppgbench.report.costs import Costs
from rppgbench.report.data_marks import UNMARKED, DataMarks

if TYPE_CHECKING:
    import pandas as pd

    from rppgbench.report.figures.drawing import Drawing
    from rppgbench.report.tables.table import Table


@dataclass(frozen=True, kw_only=True)
class ProtocolInfo:
    """Which protocol was run; `expected` is its number of recordings, None where it is not known.

    `source` says where the protocol comes from (a paper's DOI and section, or a decision).
    """

    name: str
    digest: str
    title: str
    about: str
    source: str
    expected: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """What one evaluator made of the stored waveforms.

    `windows` and `summary` are the frames of `scores.score_windows` and `scores.summarise`; `by`
    are the columns that the summary was grouped by: together they name a row of the table and a
    series of the figures. `groups` holds further summaries under the name of the column that was
    added to `by`, such as {"fold": ..., "scenario": ...}. `controls` is the summary of rows that
    cannot know the pulse, None without any; the summary then has the skill above them. `about` says
    the rule in words: window, filter, spectrum, resolution, and what a missing estimate costs.
    """

    name: str
    windows: pd.DataFrame
    summary: pd.DataFrame
    about: str = ""
    by: tuple[str, ...] = ("method",)
    groups: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    controls: pd.DataFrame | None = None

    @property
    def quantity(self) -> str:
        """What the rows are of: heart rates, or rates of respiration."""
        return quantity_of(self.windows)

    @property
    def unit(self) -> str:
        """The unit of the rates: "bpm" or "breaths/min"."""
        return unit_of(self.windows)


def quantity_of(windows: pd.DataFrame) -> str:
    """What windows are of: "heart rate" or "respiration rate"."""
    return str(windows.attrs.get("quantity", "heart rate"))


def unit_of(windows: pd.DataFrame) -> str:
    """The unit of the rates of windows: "bpm" or "breaths/min"."""
    return RATE_UNITS[quantity_of(windows)]


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A recording that failed at a stage (video, face, labels, a method) and why.

    `method` is empty where the failure took the recording from every method.
    """

    recording: str
    stage: str
    reason: str
    dataset: str = ""
    method: str = ""


@dataclass(frozen=True)
class Timings:
    """Seconds of computing, summed over the run, and the `video_s` seconds of video behind them.

    `stages` are shared by all methods, in the order in which they ran ({"decode": ..., "face":
    ...}); `methods` are each method's own.
    """

    video_s: float
    stages: Mapping[str, float] = field(default_factory=dict)
    methods: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A further part of the page, made by whoever calls: prose, tables, figures, in this order."""

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    drawings: tuple[Drawing, ...] = ()


def table_section(title: str, paragraph: str, table: Table) -> tuple[Section, ...]:
    """A section that holds one table, under the key of the table.

    Args:
        title: Title of the section.
        paragraph: The text above the table.
        table: The table.

    Returns:
        One section; none where the table has no rows.
    """
    if not table.rows:
        return ()
    return (Section(key=table.key, title=title, paragraphs=(paragraph,), tables=(table,)),)


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportInputs:
    """Everything that the page says; it computes no score and reads no store.

    The summary in words and the figures follow the first of `scores`: the protocol's default
    evaluator, or the one that was asked for `in_place_of` it.

    Attributes:
        title: Title of the page.
        command: The command that makes the page again.
        protocol: The protocol that was run.
        scores: The scores under each evaluator.
        estimate: Fetches one stored estimate, or None.
        ground_truths: Ground truth by data set and recording.
        baselines: The methods that learn nothing from the video and that every other method must
            beat. Their rows are marked and never ranked.
        drawn_conditions: The conditions whose windows and waveforms are drawn; empty for all.
        skipped: The recordings that failed, with reasons.
        warnings: Warnings, a line each.
        timings: Computing times.
        costs: Further costs of methods.
        provenance: A heading with a value, or with a further mapping (package -> version).
        marks: What is simulated or imported.
        sections: Further sections, in their order.
        in_place_of: The protocol's default evaluator where another one was asked for, or empty.
        titles: What the page calls each method; a name without a title stays. `sections` are made
            with titles already.
    """

    title: str
    command: str
    protocol: ProtocolInfo
    scores: tuple[Scores, ...]
    estimate: Callable[[EstimateKey], Estimate | None] = field(
        default=lambda case: None, repr=False
    )
    ground_truths: Mapping[tuple[str, str], GroundTruth] = field(default_factory=dict, repr=False)
    baselines: frozenset[str] = frozenset()
    drawn_conditions: frozenset[str] = frozenset()
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()
    timings: Timings | None = None
    costs: Costs = field(default_factory=Costs)
    provenance: Mapping[str, object] = field(default_factory=dict)
    marks: DataMarks = UNMARKED
    sections: tuple[Section, ...] = ()
    in_place_of: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def comparable_scores(self) -> tuple[Scores, ...]:
        """The scores that are of the same quantity as the first."""
        return tuple(s for s in self.scores if s.quantity == self.scores[0].quantity)

    @property
    def role(self) -> str:
        """What the first of `scores` is to the protocol."""
        if self.in_place_of:
            return f"asked for in place of the default {self.in_place_of}"
        return "the default evaluator"
