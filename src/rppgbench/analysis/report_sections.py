"""The sections of a page below its figures, from stored results and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rppgbench.analysis.diagnostics import baseline_methods
from rppgbench.analysis.stored_results import StoredResults
from rppgbench.analysis.sweeps import collapsed_seeds
from rppgbench.analysis.trainings import load_loss_curves
from rppgbench.evaluation.recording_limit import RecordingLimit
from rppgbench.execution.plan_manifest import CONTAMINATION
from rppgbench.report.inputs import Scores, Section
from rppgbench.report.method_titles import titled_marks, titled_scores
from rppgbench.report.sections.comparison import comparison_sections, without_leaked
from rppgbench.report.sections.contamination import contamination_sections
from rppgbench.report.sections.controls import control_sections
from rppgbench.report.sections.group_gaps import group_gap_sections
from rppgbench.report.sections.imports import import_sections
from rppgbench.report.sections.limits import limit_sections
from rppgbench.report.sections.origin import origin_sections
from rppgbench.report.sections.parameters import parameter_sections
from rppgbench.report.sections.power import power_sections
from rppgbench.report.sections.selective import selective_sections
from rppgbench.report.sections.sweep import Setting, sweep_sections
from rppgbench.report.sections.training import training_sections


def further_sections(
    stored: StoredResults,
    scores: Scores,
    settings: Sequence[Setting],
    models: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    limits: Sequence[RecordingLimit],
) -> tuple[Section, ...]:
    """The sections below the figures, from sweeps to imports; methods by title.

    Args:
        stored: The results folder.
        scores: The scores under the page's first evaluator.
        settings: The conditions of a sweep with their settings.
        models: The facts of each trained model.
        titles: What the page calls each method.
        limits: What the noise of each video permits, with the errors of methods by name.

    Returns:
        The sections in the order of the page; each has something to report.
    """
    protocol, marks = stored.manifest["protocol"], titled_marks(stored.marks, titles)
    baseline_names = baseline_methods(stored.manifest["methods"])
    by_parameter = parameter_sections(scores, baselines=baseline_names, marks=marks)
    baselines = frozenset(titles.get(name, name) for name in baseline_names)
    scores = titled_scores(scores, titles)
    condition = next((str(c["name"]) for c in protocol["conditions"]), "")
    first = scores.windows
    if settings:
        first = first[first["condition"].isin([settings[0].name, ""])]
    models = [{**model, "method": titles.get(model["method"], model["method"])} for model in models]
    origins = {titles.get(name, name): origin for name, origin in _own_origins(stored).items()}
    curves = [
        replace(curve, method=titles.get(curve.method, curve.method))
        for each in stored.stores
        for curve in load_loss_curves(each.folder / "models", all_fits(each.manifest))
    ]
    return (
        *sweep_sections(
            scores,
            settings,
            collapsed=collapsed_seeds(models, protocol["conditions"], protocol["train_on"]),
            baselines=baselines,
            marks=marks,
        ),
        *by_parameter,
        *comparison_sections(scores, condition=condition, baselines=baselines, marks=marks),
        *power_sections(scores, condition=condition, baselines=baselines, marks=marks),
        *group_gap_sections(
            first,
            scores.name,
            margin_bpm=float(scores.windows.attrs["group_margin_bpm"]),
            baselines=baselines,
            marks=marks,
        ),
        *selective_sections(first, scores.name, baselines=baselines, marks=marks),
        *limit_sections(
            limits,
            scores.name,
            region=protocol["regions"][0],
            titles=titles,
            baselines=baseline_names,
            left_out=without_leaked(scores.windows)[1],
            marks=marks,
        ),
        *control_sections(scores, marks=marks),
        *training_sections(models, curves, marks=marks),
        *contamination_sections(
            [store.manifest.get(CONTAMINATION, {}) for store in stored.stores], marks=marks
        ),
        *origin_sections(origins, marks=marks),
        *import_sections(stored.imports, marks=marks),
    )


def _own_origins(stored: StoredResults) -> dict[str, Any]:
    """What stands behind the methods of others that were run here."""
    origins = stored.manifest.get("origins", {})
    return {name: origin for name, origin in origins.items() if name not in stored.imported}


def all_fits(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All trainings of a run, those before others first."""
    return [*manifest.get("pretrainings", ()), *manifest["fits"]]
