"""The scores that a report shows: evaluators, windows, tables of methods and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rppgbench.analysis.control_scores import with_controls
from rppgbench.analysis.stored_results import StoredResults, cumulative_methods
from rppgbench.analysis.trainings import (
    flag_trainings,
    training_notes,
)
from rppgbench.core.canonical_order import ordered_rows
from rppgbench.evaluation.decomposition import scores_of_region
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.evaluation.leakage import mark_leaks
from rppgbench.evaluation.rule_notes import mark_rule_notes
from rppgbench.evaluation.scores import score_windows
from rppgbench.evaluation.selective import add_confidence
from rppgbench.evaluation.summary import summarise
from rppgbench.execution.epoch_models import BEST, CHOICE, EPOCHS, best_epochs, group_by_epoch
from rppgbench.report.inputs import Scores
from rppgbench.store.store import Store

if TYPE_CHECKING:
    import pandas as pd


GROUP_COLUMNS = ("fold", "scenario", "skin_tone", "light", "subject", "seed")


MAX_GROUP_COLUMNS = 12  # a table by subject has a column for each: more cannot be read


ROW_COLUMNS = ("method", "dataset", "condition")


RESAMPLES = 2000


def report_evaluators(
    protocol: Mapping[str, Any], evaluators: Sequence[str] = ()
) -> dict[str, Evaluator]:
    """The evaluators of the protocol by name.

    Args:
        protocol: The protocol of the manifest.
        evaluators: The evaluators that come first, in this order; then those of the protocol.

    Returns:
        The evaluators in the order of the page.

    Raises:
        BenchError: There is no such evaluator.
    """
    names = list(dict.fromkeys([*evaluators, *protocol["evaluators"]]))
    return {name: find_evaluator(name, "--evaluator") for name in names}


def report_windows(
    stored: StoredResults, rule: Evaluator, models: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """All scored windows, with notes on leaks and trainings.

    Args:
        stored: The results folder.
        rule: The evaluator.
        models: The facts of each trained model.

    Returns:
        One row for each estimate and window.
    """
    windows = _with_best_epochs(stored.score(rule), rule, stored)
    flag_trainings(windows, training_notes(models, stored.manifest["methods"]))
    return windows


def report_scores(
    name: str, rule: Evaluator, windows: pd.DataFrame, stored: StoredResults
) -> Scores:
    """The scores under one evaluator.

    Methods are compared on one face region, the protocol's first. The other regions are a group.

    Args:
        name: Name of the evaluator.
        rule: The evaluator.
        windows: The rows of `report_windows`.
        stored: The results folder.

    Returns:
        The scores of the methods and of each group.
    """
    protocol = stored.manifest["protocol"]
    recordings = {(info.dataset, info.recording): info for info in stored.observed.values()}
    pairs = list(zip(windows["dataset"], windows["recording"], strict=True))
    for fact in ("skin_tone", "light"):
        windows[fact] = [
            getattr(recordings[pair], fact) if pair in recordings else "" for pair in pairs
        ]
    add_confidence(windows)
    several = has_several_regions(windows)
    compared = scores_of_region(windows, protocol["regions"][0]) if several else windows
    by = ["method", *(key for key in ROW_COLUMNS[1:] if compared[key].nunique() > 1)]
    per_row = int(stored.manifest["expected"]) if "dataset" not in by else None
    summary = summarise(compared, by=by, expected=per_row, resamples=RESAMPLES)
    groups = {
        key: summarise(compared, by=[*by, key], expected=None, resamples=0)
        for key in GROUP_COLUMNS
        if 1 < compared[key].nunique() <= (MAX_GROUP_COLUMNS if key == "subject" else len(compared))
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
    scores = Scores(
        name=name,
        windows=compared,
        summary=summary,
        about=describe_evaluator(rule),
        by=tuple(by),
        groups=groups,
    )
    return with_controls(scores, rule, stored)


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
    windows: pd.DataFrame, rule: Evaluator, stored: StoredResults
) -> pd.DataFrame:
    """The windows, and below them those of trainings' best epochs, where epochs were tested.

    The best epoch is chosen on test data, so its rows are marked as leaked.
    """
    import pandas as pd

    best = best_epoch_windows(stored, rule)
    if best is None:
        return windows
    joined = ordered_rows(pd.concat([windows, best], ignore_index=True)).reset_index(drop=True)
    joined.attrs = windows.attrs
    imports = stored.manifest.get("imports", {})
    mark_rule_notes(joined, rule, cumulative_methods(joined["method"].unique(), imports))
    mark_leaks(joined, stored.manifest.get("origins", {}))
    joined.loc[joined["method"].str.endswith(BEST), "leaked"] = CHOICE
    return joined


def best_epoch_windows(stored: StoredResults, rule: Evaluator) -> pd.DataFrame | None:
    """The windows of each training's best epoch, chosen by its error on the test data.

    Args:
        stored: The results folder.
        rule: The evaluator.

    Returns:
        The rows of `best_epochs`; None where no epochs were tested.
    """
    import pandas as pd

    best = []
    for epoch_store in (Store(store.folder / EPOCHS) for store in stored.stores):
        if epoch_store.folder.is_dir():
            tested = group_by_epoch(epoch_store.read(partial=True)[0], epoch_store.manifest[EPOCHS])
            by_epoch = {
                epoch: score_windows(rule, estimates, stored.ground_truths)
                for epoch, estimates in tested.items()
            }
            best.append(best_epochs(by_epoch))
    return pd.concat(best, ignore_index=True) if best else None


def has_several_regions(windows: pd.DataFrame) -> bool:
    """Whether any method was run on more than one region; those that have none say ''."""
    return bool((windows.groupby("method")["region"].nunique() > 1).any())


def describe_evaluator(rule: Evaluator) -> str:
    """The rule of an evaluator in a sentence or two."""
    window = f"{rule.window_s:g} s windows" if rule.window_s else "whole recordings"
    chain = rule.estimate
    resolution = f"{rule.resolution_bpm:g} {rule.rate_unit}" if rule.resolution_bpm else "no grid"
    return (
        f"{rule.meaning} {rule.title}. {window.capitalize()}, filter {_filter(chain.filter)}, "
        f"band {60 * chain.band.low_hz:.0f} to {60 * chain.band.high_hz:.0f} {rule.rate_unit}, "
        f"{chain.spectrum.kind} read to {resolution}; reference: {' or '.join(rule.truth)}. "
        "A missing estimate counts as the edge of the band that is farther from the reference."
    ).replace("_", " ")


def _filter(steps: Any) -> str:
    if steps.kind == "none":
        return "none"
    return f"{steps.kind} {steps.low_hz:g} to {steps.high_hz:g} Hz"
