"""From a store to scores, table and page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.analysis.diagnostics import (
    plan_warnings,
    provenance_rows,
    recording_warnings,
    skipped_recordings,
    stage_timings,
)
from rppgbench.analysis.part_provenance import part_provenances
from rppgbench.analysis.sweeps import collapsed_seeds, sweep_settings
from rppgbench.analysis.trainings import (
    flag_trainings,
    load_trained_models,
    training_notes,
    training_warnings,
)
from rppgbench.core.canonical_order import ordered_rows
from rppgbench.core.estimate import Estimate
from rppgbench.core.registry import find_toml, load_methods
from rppgbench.evaluation.decomposition import scores_of_region
from rppgbench.evaluation.ensembles import ensemble_rates
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator
from rppgbench.evaluation.leakage import mark_leaks
from rppgbench.evaluation.rule_notes import mark_rule_notes
from rppgbench.evaluation.scores import score_windows
from rppgbench.evaluation.summary import summarise
from rppgbench.execution.epoch_models import BEST, CHOICE, EPOCHS, best_epochs, by_epoch
from rppgbench.report.inputs import (
    EstimateKey,
    ProtocolInfo,
    ReportInputs,
    Scores,
)
from rppgbench.report.page import write_report
from rppgbench.report.sections.comparison import comparison_sections
from rppgbench.report.sections.origin import origin_sections
from rppgbench.report.sections.sweep import conditions_to_draw, sweep_sections
from rppgbench.report.sections.training import training_sections
from rppgbench.report.summary_text import sample_line
from rppgbench.report.tables.summary_rows import write_table_csv
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store
from rppgbench.system.atomic_files import write_file
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

GROUP_COLUMNS = ("fold", "scenario", "skin_tone", "light", "subject", "seed")
MAX_GROUP_COLUMNS = 12  # a table by subject has a column for each: more cannot be read
ROW_COLUMNS = ("method", "dataset", "condition")
RESAMPLES = 2000
HEART_RATES_NOTE = (
    "heart_rates.csv has a rate wherever a window has one, with a pulse in the video or without; "
    "bench predict says whether there is one"
)


def build_report(
    store: Store,
    page: Path,
    *,
    evaluator: str | None = None,
    partial: bool = False,
    command: str = "",
    tell: Callable[[str], None] = lambda line: None,
    warn: Callable[[str], None] = lambda line: None,
) -> Path:
    """Score all stored estimates under the protocol's evaluators; write the page and table.csv.

    `evaluator`, where given, comes first: the page's words and figures follow it. The table lies
    beside the page. Nothing is decoded, learned or written into the store. A store that lacks part
    of its plan is refused, or with `partial` made into a page that says so. The page names
    `command` as the one that makes it; without one, the command of the run. `tell` gets a line on
    how many recordings were scored beside the number of the protocol, and `warn` each line that
    recordings and trainings warn of.
    """
    manifest = store.manifest
    protocol = manifest["protocol"]
    default = protocol["evaluators"][0]
    names = list(dict.fromkeys([evaluator or default, *protocol["evaluators"]]))
    rules = {
        name: read_evaluator(find_toml("protocols/evaluators", "evaluator", name, "--evaluator"))
        for name in names
    }
    estimates, observed = store.read(partial=partial)
    parts = part_provenances(store)
    truths = {(d, name): one.ground_truth for (d, name, _), one in observed.items()}
    expected = int(manifest["expected"])
    windows = {
        name: score_estimates(rule, estimates, truths, manifest["methods"])
        for name, rule in rules.items()
    }
    windows = {
        name: _with_best_epochs(windows[name], rule, store, truths) for name, rule in rules.items()
    }
    models = load_trained_models(store.folder / "models", manifest["fits"])
    for one in windows.values():
        mark_leaks(one, manifest.get("origins", {}))
        one.loc[one["method"].str.endswith(BEST), "leaked"] = CHOICE
        flag_trainings(one, training_notes(models, manifest["methods"]))
    scores = tuple(
        _scores(name, rule, windows[name], observed.values(), expected, protocol)
        for name, rule in rules.items()
    )
    baselines = frozenset(n for n, m in load_methods().found.items() if m.baseline)
    warnings = (*training_warnings(models), *recording_warnings(observed.values()))
    simulated = any(one.simulated for one in observed.values())
    settings = sweep_settings(protocol["conditions"], observed.values())
    inputs = ReportInputs(
        title=protocol["name"],
        command=command or manifest["command"],
        in_place_of=default if names[0] != default else "",
        protocol=ProtocolInfo(
            protocol["name"],
            protocol["digest"],
            protocol["title"],
            protocol["about"],
            protocol["source"],
            int(protocol["recordings"]) or None,  # 0: the protocol fixes no number
        ),
        scores=scores,
        estimate=_finder(estimates),
        ground_truths=truths,
        baselines=baselines,
        drawn_conditions=conditions_to_draw(settings),
        skipped=skipped_recordings(estimates, observed.values(), manifest),
        warnings=(*plan_warnings(manifest, store, parts), *warnings),
        timings=stage_timings(estimates, observed.values()),
        provenance={
            **({"command of the run": manifest["command"]} if command else {}),
            **provenance_rows(manifest, rules, parts),
        },
        simulated=simulated,
        sections=(
            *sweep_sections(
                scores[0],
                settings,
                collapsed=collapsed_seeds(models, protocol["conditions"], protocol["train_on"]),
                baselines=baselines,
                simulated=simulated,
            ),
            *comparison_sections(
                scores[0],
                condition=next((str(c["name"]) for c in protocol["conditions"]), ""),
                baselines=baselines,
                simulated=simulated,
            ),
            *training_sections(models, simulated=simulated),
            *origin_sections(manifest.get("origins", {}), simulated=simulated),
        ),
    )
    tell(sample_line(inputs))
    if windows[names[0]]["reference_bpm"].isna().any():
        tell(HEART_RATES_NOTE)
    for line in warnings:
        warn(line)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        summaries = {s.name: s.groups.get("region", s.summary) for s in scores}
        write_table_csv(summaries, page.with_name("table.csv"), simulated=simulated)
        write_heart_rates(windows[names[0]], page.with_name("heart_rates.csv"), simulated=simulated)
        return write_report(inputs, page)
    except OSError as error:
        raise BenchError(f"{page}: cannot be written: {error.strerror}") from error


def write_heart_rates(windows: pd.DataFrame, file: Path, *, simulated: bool) -> None:
    """One line a recording and method: its mean heart rate, and the truth's where there is one.

    This is what a challenge without public labels asks for: take one method's rows.
    """
    keys = ["dataset", "recording", "method", "region", "condition", "fold", "seed"]
    rates = ordered_rows(windows).groupby(keys)[["estimate_bpm", "reference_bpm"]].mean()
    named = rates.rename(
        columns={"estimate_bpm": "heart_rate_bpm", "reference_bpm": "reference_heart_rate_bpm"}
    )
    named["simulated"] = simulated
    write_file(file, named.reset_index().to_csv(index=False, lineterminator="\n"))


def score_estimates(
    rule: Evaluator,
    estimates: Sequence[Estimate],
    truths: Mapping[tuple[str, str], Any],
    methods: Iterable[str],
) -> pd.DataFrame:
    """The windows of all estimates, and of the methods that are formed from others' heart rates."""
    windows = score_windows(rule, estimates, truths)
    for name in methods:
        members = load_methods().found[name].members if name in load_methods().found else ()
        if members:
            windows = ensemble_rates(windows, name, members, rule)
    mark_rule_notes(windows, rule, cumulative_methods())
    return windows


def _scores(
    name: str,
    rule: Evaluator,
    windows: pd.DataFrame,
    observed: Iterable[RecordingInfo],
    expected: int,
    protocol: Mapping[str, Any],
) -> Scores:
    """Methods are compared on one face region, the protocol's first; all are one further group."""
    known = {(one.dataset, one.recording): one for one in observed}
    pairs = list(zip(windows["dataset"], windows["recording"], strict=True))
    for fact in ("skin_tone", "light"):
        windows[fact] = [getattr(known[pair], fact) if pair in known else "" for pair in pairs]
    several = has_several_regions(windows)
    own = scores_of_region(windows, protocol["regions"][0]) if several else windows
    by = ["method", *(key for key in ROW_COLUMNS[1:] if own[key].nunique() > 1)]
    per_row = expected if "dataset" not in by else None
    summary = summarise(own, by=by, expected=per_row, resamples=RESAMPLES)
    groups = {
        key: summarise(own, by=[*by, key], expected=None, resamples=0)
        for key in GROUP_COLUMNS
        if 1 < own[key].nunique() <= (MAX_GROUP_COLUMNS if key == "subject" else len(own))
    }
    if several:
        wide = [*by, "region"]
        groups = {
            "region": summarise(windows, by=wide, expected=per_row, resamples=RESAMPLES),
            **groups,
        }
    if per_row is not None:
        number = int(protocol["recordings"])
        summary = _beside(summary, number)
        groups |= {k: _beside(g, number) for k, g in groups.items() if k == "region"}
    return Scores(name, own, summary, describe_evaluator(rule), tuple(by), groups)


def _beside(summary: pd.DataFrame, number: int) -> pd.DataFrame:
    """The summary with the protocol's `number` of test recordings (0: open) as `n_expected`.

    `n_present` is how many of them are here; the coverage is of these.
    """
    summary = summary.copy()
    place = list(summary.columns).index("n_expected") + 1
    summary.insert(place, "n_present", summary["n_expected"])
    if number:
        summary["n_expected"] = number
    return summary


def _with_best_epochs(
    windows: pd.DataFrame, rule: Evaluator, store: Store, truths: Mapping[tuple[str, str], Any]
) -> pd.DataFrame:
    """The windows, and below them those of trainings' best epochs, where epochs were tested."""
    import pandas as pd

    apart = Store(store.folder / EPOCHS)
    if not apart.folder.is_dir():
        return windows
    tested = by_epoch(apart.read(partial=True)[0], apart.manifest[EPOCHS])
    best = best_epochs({k: score_windows(rule, each, truths) for k, each in tested.items()})
    together = ordered_rows(pd.concat([windows, best], ignore_index=True)).reset_index(drop=True)
    together.attrs = windows.attrs
    mark_rule_notes(together, rule, cumulative_methods())
    return together


def cumulative_methods() -> frozenset[str]:
    """The methods whose pulse is a running sum that still drifts, and their best epochs."""
    names = {name for name, one in load_methods().found.items() if one.cumulated}
    return frozenset(names | {name + BEST for name in names})


def has_several_regions(windows: pd.DataFrame) -> bool:
    """Whether any method was run on more than one region; those that have none say ''."""
    return bool((windows.groupby("method")["region"].nunique() > 1).any())


def describe_evaluator(rule: Evaluator) -> str:
    """The rule of an evaluator in a sentence or two."""
    window = f"{rule.window_s:g} s windows" if rule.window_s else "whole recordings"
    chain = rule.estimate
    resolution = f"{rule.resolution_bpm:g} bpm" if rule.resolution_bpm else "no grid"
    return (
        f"{rule.title}. {window.capitalize()}, filter {_filter(chain.filter)}, "
        f"band {60 * chain.band.low_hz:.0f} to {60 * chain.band.high_hz:.0f} bpm, "
        f"{chain.spectrum.kind} read to {resolution}; truth: {' or '.join(rule.truth)}. "
        "A missing estimate counts as the band's edge that is farther from the truth."
    ).replace("_", " ")


def _filter(steps: Any) -> str:
    if steps.kind == "none":
        return "none"
    return f"{steps.kind} {steps.low_hz:g} to {steps.high_hz:g} Hz"


def _finder(estimates: Sequence[Estimate]) -> Any:
    held = {
        EstimateKey(e.dataset, e.recording, e.method, e.fold, e.seed, e.condition, e.region): e
        for e in estimates
    }
    return held.get
