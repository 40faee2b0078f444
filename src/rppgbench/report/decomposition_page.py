"""The page on why one method has many numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rppgbench.report.decomposition_inputs import (
    DecompositionInputs,
    errors_frame,
    scores_on_one_region,
    shares_frame,
)
from rppgbench.report.decomposition_text import (
    HOW,
    WHY,
    decomposition_answers,
    describe_endpoint_region,
)
from rppgbench.report.figures.drawing import Drawing
from rppgbench.report.figures.evaluators import NAME, plot_evaluators
from rppgbench.report.figures.evaluators import TITLE as OVERVIEW_TITLE
from rppgbench.report.figures.frame import draw_framed
from rppgbench.report.figures.waterfall import waterfall_figure
from rppgbench.report.inputs import Section
from rppgbench.report.method_titles import titled_inputs
from rppgbench.report.page import page_html, write_page
from rppgbench.report.tables.decomposition import (
    change_table,
    evaluator_table,
    region_table,
    share_table,
)
from rppgbench.report.tables.evaluator_errors import error_tables, span_table
from rppgbench.system.atomic_files import write_file

TITLE = "Why one method has many numbers"


def write_decomposition(inputs: DecompositionInputs, out: Path) -> tuple[Path, Path, Path]:
    """Write the page, the errors (`NAME.csv`) and the shares (`NAME_shares.csv`) beside it.

    Args:
        inputs: The inputs of the page.
        out: The HTML file.

    Returns:
        The page, the file of errors and the file of shares.
    """
    page = write_page(decomposition_html(inputs), out)
    files = [(out.with_suffix(".csv"), errors_frame(inputs))]
    files.append((out.with_name(f"{out.stem}_shares.csv"), shares_frame(inputs)))
    for file, frame in files:
        write_file(file, frame.to_csv(index=False, lineterminator="\n"))
    return page, files[0][0], files[1][0]


def decomposition_html(inputs: DecompositionInputs) -> str:
    """The page as text, with nothing beside it that it needs."""
    inputs = _titled(inputs)
    page = inputs.page
    titled = replace(page, title=TITLE, sections=decomposition_sections(inputs))
    scores = scores_on_one_region(inputs)
    overview = draw_framed(
        NAME,
        OVERVIEW_TITLE,
        lambda: plot_evaluators(scores, baselines=page.baselines),
        marks=page.marks,
    )
    return page_html(
        titled,
        answers=decomposition_answers(inputs),
        overview=[] if overview is None else [overview],
    )


def _titled(inputs: DecompositionInputs) -> DecompositionInputs:
    """The inputs with every method by its title."""
    titles, place = inputs.page.titles, inputs.by.index("method")
    splits = tuple(
        replace(
            split,
            row=(
                *split.row[:place],
                titles.get(split.row[place], split.row[place]),
                *split.row[place + 1 :],
            ),
        )
        for split in inputs.splits
    )
    return replace(inputs, page=titled_inputs(inputs.page), splits=splits)


def decomposition_sections(inputs: DecompositionInputs) -> tuple[Section, ...]:
    """The parts of the page below its summary."""
    page = inputs.page
    sections = [
        Section(key="why", title="Why the number changes", paragraphs=WHY),
        Section(
            key="shares",
            title=f"From {inputs.first.label} to {inputs.second.label}",
            paragraphs=(HOW, *describe_endpoint_region(inputs)),
            tables=(share_table(inputs), change_table(inputs)),
            drawings=tuple(_drawings(inputs)),
        ),
        Section(
            key="errors",
            title="Every method under every evaluator",
            paragraphs=(_errors_words(inputs),),
            tables=(span_table(inputs), *error_tables(inputs)),
        ),
    ]
    if len(inputs.regions) > 1:
        tables = tuple(
            region_table(inputs, scores)
            for scores in page.scores
            if scores.name in {inputs.first.name, inputs.second.name}
        )
        sections.append(
            Section(
                key="regions",
                title="Every method on every face region",
                paragraphs=(),
                tables=tables,
            )
        )
    sections.append(
        Section(
            key="rules",
            title="The evaluators and their sources",
            paragraphs=(
                "What each rule is, where it comes from, and how finely it tells a heart rate. "
                "Under all of them a missing estimate counts as the edge of the band that is "
                "farther from the reference; no row is left out.",
            ),
            tables=(evaluator_table(inputs),),
        )
    )
    return tuple(sections)


def _errors_words(inputs: DecompositionInputs) -> str:
    text = "Mean absolute error of the same waveforms, in bpm"
    if len(inputs.regions) == 1:
        return f"{text}."
    return (
        f"{text}, on the face region {inputs.second.region}. The CSV file beside the page has all."
    )


def _drawings(inputs: DecompositionInputs) -> list[Drawing]:
    waterfall = waterfall_figure(
        inputs.splits,
        inputs.groups,
        (inputs.first.label, inputs.second.label),
        shares_frame(inputs),
        marks=inputs.page.marks,
    )
    return [] if waterfall is None else [waterfall]
