"""Error against the settings of a sweep, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.compression import Curve, compression_figure
from rppgbench.report.inputs import Scores, Section
from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.summary_rows import records, row_name
from rppgbench.report.tables.table import Cell, Row, Table

if TYPE_CHECKING:
    import pandas as pd

Seeded = tuple[str, str, int]
"""Method, condition and seed."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One condition of a sweep.

    `series` names the settings that differ in one declared number alone, which is `parameter`
    with the value `strength`; untouched frames have none. The bit rate, PSNR and SSIM of the face
    are means over recordings, NaN where they were not measured.
    """

    name: str
    series: str = ""
    parameter: str = ""
    strength: float = math.nan
    bit_rate_kbps: float = math.nan
    psnr_db: float = math.nan
    ssim: float = math.nan
    pixels: str = ""
    encoder: str = ""


def sweep_sections(
    scores: Scores,
    settings: Sequence[Setting],
    *,
    collapsed: Collection[Seeded] = (),
    baselines: Collection[str] = (),
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """A figure, what each setting costs, and where each method's error doubles.

    Where nothing is labelled: how far each setting moves what is read of the untouched frames.
    Nothing where the scores are of one condition. Floors look at no video and are left out.

    Args:
        scores: The scores of one evaluator.
        settings: The settings of the sweep, in their order.
        collapsed: The seeds whose training collapsed.
        baselines: The methods that are baselines; they are not drawn.
        marks: What is simulated or imported.

    Returns:
        One section or none.
    """
    if "condition" not in scores.by:
        return ()
    scored_conditions = set(scores.summary["condition"])
    settings = [setting for setting in settings if setting.name in scored_conditions]
    curves = _curves(scores, settings, collapsed, baselines)
    if len(settings) < 2 or not curves:
        return ()
    drawing = compression_figure(
        curves,
        [setting.name for setting in settings],
        "RMSE (bpm)",
        key="sweep",
        title="Error over the sweep",
        bit_rates=[setting.bit_rate_kbps for setting in settings],
        marks=marks,
    )
    labelled = any(not math.isnan(value) for curve in curves for value in curve.measured)
    tables = [_cost_table(settings, marks)]
    if labelled:
        tables += _doubling_table(curves, settings, marks)
    else:
        tables += shift_table(scores, settings, baselines, marks)
    sentences = [
        "Each setting is a condition of the protocol; nothing else differs between them. PSNR and "
        "SSIM are those of the face's box, against the untouched frames."
    ]
    if labelled and conditions_to_draw(settings):
        sentences.append(
            "The figures of single windows, and the waveforms, are those of "
            f"{settings[0].name} and {settings[-1].name} alone; the tables have all settings."
        )
    return (
        Section(
            key="sweep",
            title="The sweep",
            paragraphs=tuple(sentences),
            tables=tuple(tables),
            drawings=(drawing,) if drawing else (),
        ),
    )


def conditions_to_draw(settings: Sequence[Setting]) -> frozenset[str]:
    """The settings whose windows a page draws one by one: of more than two the first and the last.

    Sixty-six panels of windows, eleven methods under six settings, are nothing to look at, and
    drawing them took most of the page's time.
    """
    return frozenset({settings[0].name, settings[-1].name} if len(settings) > 2 else ())


def find_doubling(errors: Sequence[float], strengths: Sequence[float]) -> tuple[float, str]:
    """Where an error is twice its first value, and in words; `strengths[0]` is the untouched's.

    Between two settings the error is taken to change linearly. NaN where it is not reached.

    Args:
        errors: Error at each setting, the first without any change of the video.
        strengths: Strength of each setting; the first one is not read.

    Returns:
        The strength, NaN where it is not known, and a text for the table.

    >>> find_doubling([1.0, 1.5, 2.5, 9.0], [math.nan, 6, 10, 14])
    (8.0, '8')
    >>> find_doubling([1.0, 3.0], [math.nan, 6])
    (nan, 'before 6')
    >>> find_doubling([1.0, 1.5], [math.nan, 6])
    (nan, 'not by 6')
    """
    twice = 2 * errors[0]
    if math.isnan(twice):
        return math.nan, "–"
    before: tuple[float, float] | None = None
    for error, strength in zip(errors[1:], strengths[1:], strict=True):
        if math.isnan(error):
            continue
        if error >= twice:
            if before is None:
                return math.nan, f"before {strength:g}"
            share = (twice - before[0]) / (error - before[0])
            at = before[1] + share * (strength - before[1])
            return at, f"{at:.3g}"
        before = (error, strength)
    return math.nan, f"not by {strengths[-1]:g}"


def _curves(
    scores: Scores,
    settings: Sequence[Setting],
    collapsed: Collection[Seeded],
    baselines: Collection[str],
) -> list[Curve]:
    """A curve a row of the table without the condition, in the order of the first setting."""
    by = [key for key in scores.by if key != "condition"]
    rows: dict[str, dict[str, Mapping[str, float]]] = {}
    for record in records(scores.summary):
        if record["method"] not in baselines:
            rows.setdefault(row_name(record, by), {})[record["condition"]] = record
    seeds = _by_seed(scores.groups.get("seed"), by, collapsed)
    first = settings[0].name
    names = sorted(rows, key=lambda name: float(rows[name].get(first, {}).get("rmse", math.inf)))
    curves = []
    for name in names:
        triples = [_with_spread(rows[name].get(setting.name)) for setting in settings]
        value, low, high = (tuple(column) for column in zip(*triples, strict=True))
        of_seeds = tuple(tuple(seeds.get((name, s.name), ())) for s in settings)
        curves.append(
            Curve(
                name=name,
                measured=value,
                low=low,
                high=high,
                printed=(math.nan,) * len(settings),
                seeds=of_seeds,
            )
        )
    return curves


def _with_spread(record: Mapping[str, float] | None) -> tuple[float, float, float]:
    """RMSE with its standard deviation over seeds, where there are some, else its interval."""
    if record is None:
        return (math.nan,) * 3
    value = float(record["rmse"])
    if record["n_seeds"] > 1:
        spread = float(record["rmse_seed_std"])
        return value, value - spread, value + spread
    return value, float(record["rmse_low"]), float(record["rmse_high"])


def _by_seed(
    frame: pd.DataFrame | None, by: Sequence[str], collapsed: Collection[Seeded]
) -> dict[tuple[str, str], list[tuple[float, bool]]]:
    """RMSE of each seed and whether its training collapsed, by row and condition."""
    errors: dict[tuple[str, str], list[tuple[float, bool]]] = {}
    for record in [] if frame is None else records(frame):
        key = (str(record["method"]), str(record["condition"]), int(record["seed"]))
        value = (float(record["rmse"]), key in collapsed)
        errors.setdefault((row_name(record, by), str(record["condition"])), []).append(value)
    return {key: values for key, values in errors.items() if len(values) > 1}


def _cost_table(settings: Sequence[Setting], marks: DataMarks) -> Table:
    columns = (
        Column("setting", "Setting", text=True),
        Column("bit_rate", "Bit rate", unit="kbit/s", decimals=1),
        Column("psnr", "PSNR, face", unit="dB", decimals=2, better="high"),
        Column("ssim", "SSIM, face", unit="", decimals=4, better="high"),
        Column("pixels", "Pixels", text=True, about="Pixel formats from the file to the features."),
        Column("encoder", "Encoder", text=True, about="As it names itself in its stream."),
    )
    rows = []
    for setting in settings:
        numbers = (setting.bit_rate_kbps, setting.psnr_db, setting.ssim)
        cells = [
            Cell(column.write(value), None if math.isnan(value) else value)
            for column, value in zip(columns[1:4], numbers, strict=True)
        ]
        texts = [Cell(text or "–", text) for text in (setting.pixels, setting.encoder)]
        rows.append(Row((Cell(setting.name, setting.name), *cells, *texts)))
    note = "A PSNR without a value: no pixel of the face differs, or none was compared."
    return Table(
        key="sweep-settings",
        caption="What each setting costs",
        columns=columns,
        rows=tuple(rows),
        headers=1,
        notes=(note,),
        marks=marks,
    )


def _doubling_table(
    curves: Sequence[Curve], settings: Sequence[Setting], marks: DataMarks
) -> list[Table]:
    """Where each method's error is twice that of the untouched frames, a column a series."""
    untouched = [k for k, s in enumerate(settings) if not s.series]
    series: dict[str, list[int]] = {}
    for k, setting in enumerate(settings):
        if setting.parameter:
            series.setdefault(setting.series, []).append(k)
    series = {name: places for name, places in series.items() if len(places) > 1}
    if not untouched or not series:
        return []
    columns = [Column("method", "Method", text=True), Column("error", "RMSE untouched", unit="bpm")]
    columns += [
        Column(f"doubles-{number}", f"Doubles at {settings[places[0]].parameter} ({name})")
        for number, (name, places) in enumerate(series.items())
    ]
    rows = []
    for curve in curves:
        first = curve.measured[untouched[0]]
        cells = [Cell(curve.name, curve.name), Cell(columns[1].write(first), first)]
        for places in series.values():
            strength, text = find_doubling(
                [first, *(curve.measured[k] for k in places)],
                [math.nan, *(settings[k].strength for k in places)],
            )
            cells.append(Cell(text, None if math.isnan(strength) else strength))
        rows.append(Row(tuple(cells)))
    note = "Linear interpolation between the settings, of the mean over seeds."
    return [
        Table(
            key="sweep-doubling",
            caption="Where the error doubles",
            columns=tuple(columns),
            rows=tuple(rows),
            headers=1,
            notes=(note,),
            marks=marks,
        )
    ]


def shift_table(
    scores: Scores, settings: Sequence[Setting], baselines: Collection[str], marks: DataMarks
) -> list[Table]:
    """How far each setting moves the heart rates from those of the untouched frames, in bpm.

    The mean, over the windows that have both, of the absolute difference. Needs no labels. Nothing
    without untouched frames.

    Args:
        scores: The scores of one evaluator.
        settings: The settings of the sweep, in their order.
        baselines: The methods that are baselines; they are left out.
        marks: What is simulated or imported.

    Returns:
        One table or none.
    """
    untouched = [setting.name for setting in settings if not setting.series]
    if not untouched:
        return []
    window_keys = ["dataset", "recording", "fold", "seed", "region", "window"]
    wide = scores.windows.pivot_table(
        index=["method", *window_keys], columns="condition", values="estimate_bpm", dropna=False
    )
    changed = [setting.name for setting in settings if setting.name != untouched[0]]
    columns = [Column("method", "Method", text=True), Column("read", "Untouched", unit="bpm")]
    columns += [Column(f"moved-{name}", f"Moved by {name}", unit="bpm") for name in changed]
    rows = []
    for key, part in wide.groupby(level="method", sort=False):
        method = str(key)
        if method in baselines:
            continue
        first = part[untouched[0]]
        values = [first.mean()]
        for name in changed:
            values.append((part[name] - first).abs().mean() if name in part else math.nan)
        cells = [
            Cell(column.write(value), None if math.isnan(value) else float(value))
            for column, value in zip(columns[1:], values, strict=True)
        ]
        rows.append(Row((Cell(method, method), *cells)))
    note = "Nothing is labelled, so this is no error: the mean over windows of what moved."
    return [
        Table(
            key="sweep-moved",
            caption="How far each setting moves the heart rates",
            columns=tuple(columns),
            rows=tuple(rows),
            headers=1,
            notes=(note,),
            marks=marks,
        )
    ]
