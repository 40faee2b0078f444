"""The page on why one method has many numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.evaluator import Evaluator
from rppgbench.report.columns import Column, metric
from rppgbench.report.drawing import Drawing
from rppgbench.report.inputs import ReportInputs, Scores, Section
from rppgbench.report.page import page_html, write_page
from rppgbench.report.score_tables import LABELS
from rppgbench.report.share_figure import share_figure
from rppgbench.report.spread import evaluator_overview
from rppgbench.report.tables import (
    Cell,
    Row,
    Table,
    ordered,
    records,
    row_name,
    sample_words,
    scores_frame,
)
from rppgbench.spread import ABOUT, REGION, Side, Split, declared

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Why one method has many numbers"

WHY = (
    "The waveforms on this page were made once and stored; no method was run again. What changes "
    "from number to number is how a heart rate is read from a waveform and what it is compared "
    "with: the rules of the toolboxes and papers that are named here.",
    "A short window lets noise win more often; a long one averages over changes of the heart rate. "
    "A narrow band forbids large errors and a wide one allows them. Coarse spectral bins round "
    "small errors to exactly zero where both sides lie on the same grid. A reference that is read "
    "like the estimate shares its mistakes. Errors averaged per video weigh a short video like a "
    "long one. And the face region decides which pixels there are to average. So two papers can "
    "print different errors of one method on one data set, and both be right.",
)

HOW = (
    "The shares are made by changing one group of declared settings at a time from the first to "
    "the second. What a change does depends on those made before it, so every order of the groups "
    "is taken and a share is the mean over the orders (the Shapley value). The shares add up "
    "exactly to the difference, and a group that makes no difference has a share of 0. How far a "
    "share ranges over the orders says how much the parts hang together: point at it."
)


@dataclass(frozen=True, eq=False)
class SpreadInputs:
    """What the page is made from.

    `page` holds the scores under every evaluator (the two sides first), floors, failures and
    provenance; `by` are the columns that name a row of `splits`; `regions` were run.
    """

    page: ReportInputs
    rules: Mapping[str, Evaluator]
    by: tuple[str, ...]
    first: Side
    second: Side
    groups: tuple[str, ...]
    splits: tuple[Split, ...]
    regions: tuple[str, ...]


def write_spread(inputs: SpreadInputs, out: Path) -> tuple[Path, Path, Path]:
    """Write the page, the errors (`NAME.csv`) and the shares (`NAME_shares.csv`) beside it."""
    page = write_page(spread_html(inputs), out)
    files = [(out.with_suffix(".csv"), errors_frame(inputs))]
    files.append((out.with_name(f"{out.stem}_shares.csv"), shares_frame(inputs)))
    for file, frame in files:
        draft = file.with_name(file.name + ".part")
        frame.to_csv(draft, index=False, lineterminator="\n")
        draft.replace(file)
    return page, files[0][0], files[1][0]


def spread_html(inputs: SpreadInputs) -> str:
    """The page as text, with nothing beside it that it needs."""
    page = inputs.page
    titled = replace(page, title=f"{TITLE}: {page.protocol.title}", sections=sections(inputs))
    overview = evaluator_overview(page.scores, floors=page.floors, simulated=page.simulated)
    return page_html(titled, words=summary(inputs), overview=overview)


def sections(inputs: SpreadInputs) -> tuple[Section, ...]:
    """The parts of the page below its summary."""
    page = inputs.page
    found = [
        Section("why", "Why the number changes", WHY),
        Section(
            "shares",
            f"From {inputs.first.label} to {inputs.second.label}",
            (HOW, *_region_words(inputs)),
            (_share_table(inputs), _change_table(inputs)),
            tuple(_drawings(inputs)),
        ),
        Section(
            "errors",
            "Every method under every evaluator",
            ("Mean absolute error of the same waveforms, in bpm.",),
            (error_table(inputs),),
        ),
    ]
    if len(inputs.regions) > 1:
        tables = tuple(
            _region_table(inputs, one)
            for one in page.scores
            if one.name in {inputs.first.name, inputs.second.name}
        )
        found.append(Section("regions", "Every method on every face region", (), tables))
    found.append(
        Section(
            "rules",
            "The evaluators and their sources",
            (
                "What each rule is, where it comes from, and how finely it tells a heart rate. "
                "Under all of them a missing estimate counts as the edge of the band that is "
                "farther from the reference; no row is left out.",
            ),
            (_rule_table(inputs),),
        )
    )
    return tuple(found)


def summary(inputs: SpreadInputs) -> list[str]:
    """The finding in sentences."""
    page = inputs.page
    spans = _spans(inputs)
    words = [
        f"{len(spans)} {'row' if len(spans) == 1 else 'rows'} of stored waveforms, "
        f"{sample_words(page.scores[0], page.protocol.expected)}, scored under "
        f"{len(page.scores)} evaluators without running anything again."
    ]
    ranked = {name: s for name, s in spans.items() if s[4] not in page.floors}
    if ranked:
        name = max(ranked, key=lambda n: ranked[n][1] - ranked[n][0])
        low, high, low_rule, high_rule, _ = ranked[name]
        words.append(
            f"The rules alone move {name} from {_bpm(low)} bpm ({low_rule}) to {_bpm(high)} bpm "
            f"({high_rule}), the widest span of all."
        )
    winners: dict[str, list[str]] = {}
    for one in page.scores:
        frame = ordered(one.summary[~one.summary["method"].isin(list(page.floors))], one.by)
        if len(frame) > 1 and not math.isnan(float(frame["mae"].iloc[0])):
            winners.setdefault(row_name(records(frame)[0], one.by), []).append(one.name)
    if len(winners) > 1:
        told = "; ".join(f"{name} under {', '.join(rules)}" for name, rules in winners.items())
        words.append(f"Which method is best changes with the rule: {told}.")
    elif winners:
        words.append(f"{next(iter(winners))} is best under every evaluator.")
    largest: dict[str, int] = {}
    counted = [s for s in inputs.splits if s.shares and s.row[0] not in page.floors]
    for one_split in counted:
        most = max(one_split.shares, key=lambda g: abs(one_split.shares[g].value))
        if one_split.shares[most].value:
            largest[most] = largest.get(most, 0) + 1
    if largest:
        most = max(largest, key=lambda g: largest[g])
        words.append(
            f"Between {inputs.first.label} and {inputs.second.label} the largest part is "
            f"the {most} for {largest[most]} of {len(counted)} ({ABOUT[most]})."
        )
    return words


def errors_frame(inputs: SpreadInputs) -> pd.DataFrame:
    """All measures of every row under every evaluator."""
    summaries = {one.name: one.summary for one in inputs.page.scores}
    return scores_frame(summaries, simulated=inputs.page.simulated)


def shares_frame(inputs: SpreadInputs) -> pd.DataFrame:
    """A row a method and group: its share in bpm, lowest and highest over the orders."""
    import pandas as pd

    rows = []
    for one in inputs.splits:
        shown: dict[str, Any] = {
            "simulated": inputs.page.simulated,
            **dict(zip(inputs.by, one.row, strict=True)),
            "first": inputs.first.label,
            "second": inputs.second.label,
            "first_mae": one.first_bpm,
            "second_mae": one.second_bpm,
        }
        for group in inputs.groups:
            share = one.shares.get(group)
            nan = float("nan")
            values = (share.value, share.low, share.high) if share else (nan, nan, nan)
            named = dict(zip(("share_bpm", "share_low", "share_high"), values, strict=True))
            note = "; ".join(one.notes)
            rows.append(
                shown
                | {"group": group}
                | named
                | {"orders": one.orders, "of": one.of, "note": note}
            )
    return pd.DataFrame(rows)


def error_table(inputs: SpreadInputs) -> Table:
    """Rows against evaluators, with the lowest, the highest and the range."""
    page = inputs.page
    default, mae = page.scores[0], metric("mae")
    found = {
        one.name: {tuple(r[k] for k in one.by): r for r in records(one.summary)}
        for one in page.scores
    }
    spans = _spans(inputs)
    rows = []
    for record in records(ordered(default.summary, default.by)):
        key = tuple(record[k] for k in default.by)
        low, high, low_rule, high_rule, _ = spans.get(
            row_name(record, default.by), (math.nan, math.nan, "", "", "")
        )
        cells = [Cell(str(part), str(part)) for part in key]
        cells.append(_number(high - low, f"range {_bpm(high - low)} bpm"))
        cells.append(_number(low, f"lowest, under {low_rule}"))
        cells.append(_number(high, f"highest, under {high_rule}"))
        for one in page.scores:
            cells.append(_error_cell(found[one.name].get(key, {}), one.name))
        rows.append(Row(tuple(cells), "floor" if record["method"] in page.floors else ""))
    headings = [Column(k, LABELS.get(k, k), text=True) for k in default.by]
    headings += [
        Column("range", "Range", "bpm", about="Highest less lowest over all evaluators."),
        Column("lowest", "Lowest", "bpm"),
        Column("highest", "Highest", "bpm"),
    ]
    headings += [
        Column(one.name, one.name, "bpm", mae.decimals, "low", about=inputs.rules[one.name].title)
        for one in page.scores
    ]
    return Table(
        "spread-errors",
        f"Mean absolute error under every evaluator: "
        f"{sample_words(default, page.protocol.expected)}",
        tuple(headings),
        tuple(rows),
        len(default.by),
        ("Below a number, its 95 % interval over subjects.",),
        page.simulated,
    )


def _share_table(inputs: SpreadInputs) -> Table:
    page = inputs.page
    rows = []
    noted: dict[str, list[str]] = {}
    for one in inputs.splits:
        cells = [Cell(part, part) for part in one.row]
        cells += [_number(one.first_bpm), _number(one.second_bpm)]
        cells.append(_number(one.difference_bpm, signed=True))
        for group in inputs.groups:
            share = one.shares.get(group)
            value = share.value if share else math.nan
            detail = ABOUT[group]
            if share:
                detail += f"; {_signed(share.low)} to {_signed(share.high)} bpm over the orders"
            cells.append(_number(value, detail, signed=True))
        rows.append(Row(tuple(cells), "floor" if one.row[0] in page.floors else ""))
        name = " · ".join(one.row)
        if one.shares and one.orders < one.of:
            noted.setdefault(f"over {one.orders} of {one.of} orders", []).append(name)
        for note in one.notes:
            noted.setdefault(note, []).append(name)
    notes = [
        f"{'All rows' if len(names) == len(rows) else ', '.join(names)}: {note}."
        for note, names in noted.items()
    ]
    headings = [Column(k, LABELS.get(k, k), text=True) for k in inputs.by]
    headings += [
        Column("first", inputs.first.label, "bpm", about="Mean absolute error of the first."),
        Column("second", inputs.second.label, "bpm", about="Mean absolute error of the second."),
        Column("difference", "Difference", "bpm", about="Second less first."),
    ]
    headings += [
        Column(group, group.capitalize(), "bpm", about=f"{ABOUT[group].capitalize()}.")
        for group in inputs.groups
    ]
    return Table(
        "spread-shares",
        f"The difference between {inputs.first.label} and {inputs.second.label}, in parts",
        tuple(headings),
        tuple(rows),
        len(inputs.by),
        tuple(notes),
        page.simulated,
    )


def _change_table(inputs: SpreadInputs) -> Table:
    rows = [
        Row(
            tuple(
                Cell(text, text)
                for text in (
                    group.capitalize(),
                    ABOUT[group],
                    declared(inputs.first, group),
                    declared(inputs.second, group),
                )
            )
        )
        for group in inputs.groups
    ]
    names = ("Part", "What it is", inputs.first.label, inputs.second.label)
    columns = tuple(Column(f"change-{n}", name, text=True) for n, name in enumerate(names))
    return Table("spread-changes", "What differs between the two", columns, tuple(rows))


def _region_table(inputs: SpreadInputs, scores: Scores) -> Table:
    page, mae = inputs.page, metric("mae")
    found: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for record in records(ordered(scores.summary, scores.by)):
        row = tuple(str(record[k]) for k in inputs.by)
        found.setdefault(row, {})[str(record.get(REGION, ""))] = record
    own = "" if any("" in parts for parts in found.values()) else None
    columns = [*inputs.regions, *([own] if own is not None else [])]
    rows = []
    for row, parts in found.items():
        cells = [Cell(part, part) for part in row]
        cells += [_error_cell(parts.get(region, {}), region) for region in columns]
        rows.append(Row(tuple(cells), "floor" if row[0] in page.floors else ""))
    headings = [Column(k, LABELS.get(k, k), text=True) for k in inputs.by]
    headings += [
        Column(f"region-{name}", name or "its own", mae.unit, mae.decimals, "low")
        for name in columns
    ]
    return Table(
        f"spread-regions-{scores.name}",
        f"Mean absolute error on every stored face region under {scores.name}",
        tuple(headings),
        tuple(rows),
        len(inputs.by),
        ("A dash: the method was not run on that region, or has regions of its own.",),
        page.simulated,
    )


def _rule_table(inputs: SpreadInputs) -> Table:
    about = {one.name: one.about for one in inputs.page.scores}
    rows = []
    for one in inputs.page.scores:
        rule = inputs.rules[one.name]
        said = about[one.name].removeprefix(f"{rule.title}.").partition(" A missing ")[0].strip()
        rows.append(
            Row(
                (
                    Cell(one.name, one.name),
                    Cell(rule.title, rule.title),
                    Cell(said, said),
                    _number(rule.resolution_bpm or math.nan),
                    Cell(rule.source, rule.source),
                    Cell(rule.digest, rule.digest),
                )
            )
        )
    columns = (
        Column("evaluator", "Evaluator", text=True),
        Column("title", "Title", text=True),
        Column("rule", "Rule", text=True),
        Column("resolution", "Resolution", "bpm", about="How finely a heart rate is told."),
        Column("source", "Source", text=True),
        Column("digest", "Digest", text=True, about="Of everything but the words."),
    )
    notes = tuple(
        f"{one.name}: {' '.join(inputs.rules[one.name].notes.split())}"
        for one in inputs.page.scores
    )
    return Table("spread-rules", "The evaluators", columns, tuple(rows), notes=notes)


def _drawings(inputs: SpreadInputs) -> list[Drawing]:
    drawn = share_figure(
        inputs.splits,
        inputs.groups,
        (inputs.first.label, inputs.second.label),
        shares_frame(inputs),
        simulated=inputs.page.simulated,
    )
    return [] if drawn is None else [drawn]


def _region_words(inputs: SpreadInputs) -> tuple[str, ...]:
    if inputs.first.region != inputs.second.region:
        return ()
    if len(inputs.regions) > 1:
        return (f"Both sides are scored on the region {inputs.first.region}.",)
    return (
        "The waveforms of one face region are stored, so the region is no part of this difference. "
        "A protocol that lists several regions stores the waveforms of each.",
    )


def _spans(inputs: SpreadInputs) -> dict[str, tuple[float, float, str, str, str]]:
    """Row -> lowest and highest error, the evaluators that give them, and the method."""
    found: dict[str, dict[str, float]] = {}
    method = {}
    for one in inputs.page.scores:
        for record in records(one.summary):
            if not math.isnan(float(record["mae"])):
                name = row_name(record, one.by)
                found.setdefault(name, {})[one.name] = float(record["mae"])
                method[name] = str(record["method"])
    spans = {}
    for name, values in found.items():
        low, high = min(values, key=lambda k: values[k]), max(values, key=lambda k: values[k])
        spans[name] = (values[low], values[high], low, high, method[name])
    return spans


def _error_cell(record: Mapping[str, Any], where: str) -> Cell:
    mae = metric("mae")
    value = float(record.get("mae", math.nan))
    if math.isnan(value):
        return Cell("–", None, detail=f"nothing scored under {where}" if where else "")
    low, high = (float(record.get(f"mae_{end}", math.nan)) for end in ("low", "high"))
    interval = "" if math.isnan(low) else f"{mae.write(low)} to {mae.write(high)}"
    covered = float(record["window_coverage"])
    detail = f"{where}: {mae.write(value)} bpm over {int(record['n_windows'])} rows"
    detail += f"; 95 % interval {interval} bpm" if interval else ""
    detail += f"; {covered:.1%} of the rows have an estimate" if covered < 1 else ""
    return Cell(mae.write(value), value, interval, detail=detail)


def _number(value: float, detail: str = "", *, signed: bool = False) -> Cell:
    if math.isnan(value):
        return Cell("–", None, detail=detail)
    return Cell(_signed(value) if signed else _bpm(value), value, detail=detail)


def _bpm(value: float) -> str:
    return metric("mae").write(value)


def _signed(value: float) -> str:
    """With its sign, but for what is printed as zero."""
    text = _bpm(value)
    return text if text.startswith("−") or float(text) == 0 else f"+{text}"
