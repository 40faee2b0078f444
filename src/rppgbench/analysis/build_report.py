"""From a store to scores, table and page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.analysis.control_scores import control_rows, missing_control_lines
from rppgbench.analysis.diagnostics import (
    baseline_methods,
    method_titles,
    plan_warnings,
    protocol_info,
    provenance_rows,
    recording_warnings,
    skipped_recordings,
    stage_timings,
)
from rppgbench.analysis.joined_results import join_results
from rppgbench.analysis.measured_costs import MeasuredCosts, add_measured_costs
from rppgbench.analysis.method_costs import stored_costs
from rppgbench.analysis.rate_limits import page_limits
from rppgbench.analysis.registered_run import registration_of, stored_deviations
from rppgbench.analysis.report_scores import report_evaluators, report_scores, report_windows
from rppgbench.analysis.report_sections import all_fits, further_sections
from rppgbench.analysis.score_files import limit_rows, recording_rows
from rppgbench.analysis.stored_results import StoredResults, load_stored
from rppgbench.analysis.sweeps import sweep_settings
from rppgbench.analysis.trainings import (
    load_trained_models,
    training_warnings,
)
from rppgbench.core.estimate import Estimate, EstimateKey
from rppgbench.core.protocol import WITHOUT_PROTOCOL
from rppgbench.core.registration import Registration
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.hypotheses import judge
from rppgbench.evaluation.recording_limit import RecordingLimit
from rppgbench.report.costs import Costs
from rppgbench.report.inputs import ReportInputs, Scores, Section
from rppgbench.report.page import write_report
from rppgbench.report.sections.cost import cost_sections
from rppgbench.report.sections.registration import registration_lines, registration_sections
from rppgbench.report.sections.sweep import conditions_to_draw
from rppgbench.report.summary_text import sample_line
from rppgbench.report.tables.summary_rows import scores_frame, write_csv
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

HEART_RATES_NOTE = (
    "has a rate wherever a window has one, with a pulse in the video or without; bench predict "
    "says whether there is one"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """The scores of a page, and what a terminal tells of them.

    Attributes:
        page: The file of the page; table.csv and the heart rates lie beside it.
        inputs: What the page was made from.
        table: The rows of table.csv.
        windows: The scored windows under each evaluator.
        notes: Lines on the number of scored recordings and on the file of heart rates.
        warnings: The warnings of recordings, trainings and controls.
        without_rate: The recordings of which the first evaluator reads no heart rate although there
            is a pulse, each with the reason.
        limits: What the noise of each video permits, beside the errors of methods.
    """

    page: Path
    inputs: ReportInputs
    table: pd.DataFrame
    windows: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    without_rate: Mapping[str, str]
    limits: tuple[RecordingLimit, ...]


def build_report(
    store: Store,
    page: Path,
    *,
    further: Sequence[Store] = (),
    evaluators: Sequence[str] = (),
    partial: bool = False,
    command: str = "",
    registration: Registration | None = None,
    measured_costs: MeasuredCosts | None = None,
) -> Report:
    """Score all stored estimates under the protocol's evaluators; write the page and table.csv.

    table.csv and heart_rates.csv lie beside the page. Nothing is decoded or trained, and nothing is
    written into the store.

    Args:
        store: The results folder.
        page: File of the page.
        further: As in `score_results`.
        evaluators: As in `score_results`.
        partial: As in `score_results`.
        command: As in `score_results`.
        registration: As in `score_results`.
        measured_costs: As in `score_results`.

    Returns:
        The page, and what there is to tell of it.

    Raises:
        BenchError: As `score_results`, or a file cannot be written.
    """
    report = score_results(
        store,
        page,
        further=further,
        evaluators=evaluators,
        partial=partial,
        command=command,
        registration=registration,
        measured_costs=measured_costs,
    )
    _write(report)
    return report


def score_results(
    store: Store,
    page: Path,
    *,
    further: Sequence[Store] = (),
    evaluators: Sequence[str] = (),
    partial: bool = False,
    command: str = "",
    registration: Registration | None = None,
    measured_costs: MeasuredCosts | None = None,
) -> Report:
    """Score all stored estimates under the protocol's evaluators; nothing is written.

    Args:
        store: The results folder.
        page: File that a page would have.
        further: Further results folders of the same protocol and references, for the same page.
        evaluators: The evaluators that come first on the page; by default the protocol's.
        partial: Whether a store that lacks planned estimates is reported, marked as partial.
        command: The command that the page names as its origin; by default the command of the run.
        registration: What was registered; by default the registration of the run, if any.
        measured_costs: What `bench speed` measured of methods, for the section on costs.

    Returns:
        The scores, and what there is to tell of them.

    Raises:
        BenchError: The store is no results folder or incomplete, further folders do not fit to it,
            there is no such evaluator, or no method of the results was measured.
    """
    stored = join_results([load_stored(each, partial=partial) for each in (store, *further)])
    rules = report_evaluators(stored.manifest["protocol"], evaluators)
    models = [
        model
        for each in stored.stores
        for model in load_trained_models(each.folder / "models", all_fits(each.manifest))
    ]
    windows = {name: report_windows(stored, rule, models) for name, rule in rules.items()}
    scores = tuple(report_scores(name, rule, windows[name], stored) for name, rule in rules.items())
    warnings = (
        *training_warnings(models),
        *recording_warnings(stored.observed.values()),
        *missing_control_lines(scores[0], stored),
    )
    first, rule = scores[0], next(iter(rules.values()))
    limits = page_limits(stored, first.windows, rule, stored.manifest["protocol"]["regions"][0])
    registered, registered_lines = _registered(stored, registration, rules, windows)
    costs = _costs(stored, models, measured_costs)
    inputs = _report_inputs(
        stored, rules, scores, models, limits, costs, warnings=warnings, command=command
    )
    inputs = replace(inputs, sections=(*registered, *inputs.sections))
    default_windows = windows[scores[0].name]
    notes = [sample_line(inputs), *registered_lines]
    if default_windows["reference_bpm"].isna().any():
        notes.append(f"{heart_rates_file(inputs)} {HEART_RATES_NOTE}")
    summaries = {each.name: each.groups.get("region", each.summary) for each in scores}
    return Report(
        page=page,
        inputs=inputs,
        table=scores_frame(summaries, marks=inputs.marks),
        windows=windows,
        notes=tuple(notes),
        warnings=warnings,
        without_rate=dict(_without_rate(default_windows, stored.estimates)),
        limits=tuple(limits),
    )


def _registered(
    stored: StoredResults,
    stated: Registration | None,
    rules: Mapping[str, Evaluator],
    windows: Mapping[str, pd.DataFrame],
) -> tuple[tuple[Section, ...], list[str]]:
    """The section on a registration and its lines for a terminal; none without a registration."""
    registration = registration_of([store.folder for store in stored.stores], stated)
    if registration is None:
        return (), []
    deviations = stored_deviations(registration, stored, rules)
    deciding = registration.evaluator
    outcomes = (
        judge(registration.hypotheses, windows[deciding], region=registration.protocol.regions[0])
        if deciding in windows
        else []
    )
    first, on_hypotheses, *_ = registration_lines(registration, outcomes, deviations)
    lines = [first]
    if registration.hypotheses and not outcomes:
        lines.append(on_hypotheses)
    lines += [f"registered: {each.hypothesis}: {each.verdict}" for each in outcomes]
    lines += map(str, deviations)
    return registration_sections(registration, outcomes, deviations, marks=stored.marks), lines


def _page_title(manifest: Mapping[str, Any]) -> str:
    """The name of the protocol; the methods of predictions that were imported without one."""
    name = str(manifest["protocol"]["name"])
    return ", ".join(manifest["methods"]) if name == WITHOUT_PROTOCOL else name


def _report_inputs(
    stored: StoredResults,
    rules: Mapping[str, Evaluator],
    scores: tuple[Scores, ...],
    models: Sequence[Mapping[str, Any]],
    limits: Sequence[RecordingLimit],
    costs: Costs,
    *,
    warnings: Sequence[str],
    command: str,
) -> ReportInputs:
    manifest, observed = stored.manifest, stored.observed.values()
    protocol = manifest["protocol"]
    default = protocol["evaluators"][0]
    settings = sweep_settings(protocol["conditions"], observed)
    titles = method_titles(_methods(scores, manifest), stored.imported)
    timings = stage_timings(stored.estimates, observed)
    return ReportInputs(
        title=_page_title(manifest),
        command=command or manifest["command"],
        in_place_of=default if scores[0].name != default else "",
        protocol=protocol_info(protocol),
        scores=scores,
        estimate=_estimate_finder(stored.estimates),
        ground_truths=stored.ground_truths,
        baselines=baseline_methods(manifest["methods"]),
        drawn_conditions=conditions_to_draw(settings),
        skipped=skipped_recordings(stored.estimates, observed, manifest),
        warnings=(*plan_warnings(manifest, stored.stores, stored.parts), *warnings),
        timings=timings,
        costs=costs,
        provenance={
            **({"command of the run": manifest["command"]} if command else {}),
            **provenance_rows(manifest, rules, stored.parts),
        },
        marks=stored.marks,
        sections=(
            *cost_sections(scores[0], timings, costs, titles, marks=stored.marks),
            *further_sections(stored, scores[0], settings, models, titles, limits),
        ),
        titles=titles,
    )


def _costs(
    stored: StoredResults,
    models: Sequence[Mapping[str, Any]],
    measured_costs: MeasuredCosts | None,
) -> Costs:
    """What is known of the costs of the methods."""
    methods = stored.manifest["methods"]
    folders = [each.folder for each in stored.stores]
    costs = stored_costs(folders, methods, models, stored.estimates)
    if measured_costs is None:
        return costs
    return add_measured_costs(costs, methods, measured_costs)


def _methods(scores: Sequence[Scores], manifest: Mapping[str, Any]) -> set[str]:
    """All methods that a page names."""
    scored = {str(name) for each in scores for name in each.summary["method"]}
    return scored | {str(name) for name in manifest["methods"]}


def _write(report: Report) -> None:
    """Write the page, table.csv and the heart rates under the page's first evaluator."""
    inputs, page = report.inputs, report.page
    name = inputs.scores[0].name
    rates = recording_rows(report.windows[name], name, marks=inputs.marks)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_csv(report.table, page.with_name("table.csv"))
        write_csv(rates, page.with_name(heart_rates_file(inputs)))
        controls = control_rows(inputs.scores)
        if controls is not None:
            write_csv(controls, page.with_name("controls.csv"))
        if any(not limit.reason for limit in report.limits):
            limits = limit_rows(report.limits, name, marks=inputs.marks)
            write_csv(limits, page.with_name(_file_of_evaluator("limits", inputs)))
        write_report(inputs, page)
    except OSError as error:
        raise BenchError(f"{page}: cannot be written: {error.strerror}") from error


def heart_rates_file(inputs: ReportInputs) -> str:
    """The file of heart rates: the name of an evaluator that is not the default is part of it.

    So the numbers of one evaluator never take the place of another's.
    """
    return _file_of_evaluator("heart_rates", inputs)


def _file_of_evaluator(kind: str, inputs: ReportInputs) -> str:
    return f"{kind}-{inputs.scores[0].name}.csv" if inputs.in_place_of else f"{kind}.csv"


def _without_rate(
    windows: pd.DataFrame, estimates: Sequence[Estimate]
) -> Iterator[tuple[str, str]]:
    """Recordings with a pulse of which no window has a heart rate, each with the reason."""
    pulses = {(e.dataset, e.recording) for e in estimates if e.waveform or e.heart_rate}
    for key, rows in windows.groupby(["dataset", "recording"], sort=False):
        if key in pulses and rows["estimate_bpm"].isna().all():
            yield "/".join(map(str, key)), "; ".join(dict.fromkeys(filter(None, rows["reason"])))


def _estimate_finder(
    estimates: Sequence[Estimate],
) -> Callable[[EstimateKey], Estimate | None]:
    return {estimate.key: estimate for estimate in estimates}.get
