"""Clips whose labels a training corrects, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.analysis.stored_results import StoredResults, score_estimates
from rppgbench.core.estimate import Estimate
from rppgbench.core.method import Model
from rppgbench.core.model_files import is_model, read_model
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.evaluation.summary import summarise
from rppgbench.report.inputs import Scores
from rppgbench.store.schema import RecordingInfo

if TYPE_CHECKING:
    import pandas as pd

LABEL, PEER = "pseudo label", "other network"
"""What a clip was to be learned from, and what takes its place."""

SHOWN = 4


@dataclass(frozen=True, eq=False)
class CorrectedLabels:
    """The clips that a method's trainings correct at their end, each under LABEL and PEER.

    A clip is an estimate of a recording of its own, named by its recording and when it begins.
    """

    estimates: tuple[Estimate, ...]
    ground_truths: dict[tuple[str, str], GroundTruth]

    def scores(self, evaluator: str) -> Scores:
        """Both, read by an evaluator like any other pulse."""
        rule = find_evaluator(evaluator, "figure")
        windows = score_estimates(rule, self.estimates, self.ground_truths, ())
        return Scores(
            name=evaluator, windows=windows, summary=summarise(windows, by=["method"], resamples=0)
        )

    def spread_clips(self, windows: pd.DataFrame) -> list[tuple[Estimate, Estimate, GroundTruth]]:
        """Up to `SHOWN` clips, from the least to the greatest error of the label, evenly.

        Each is its label, what takes the label's place, and the truth. `windows` are of `scores`.
        """
        of_label = windows[windows["method"] == LABEL]
        error = (of_label["estimate_bpm"] - of_label["reference_bpm"]).abs()
        names = of_label.assign(error=error).dropna(subset=["error"])
        names = names.sort_values(["error", "fold", "recording"], kind="stable")
        places = list(zip(names["fold"], names["recording"], strict=True))
        count = min(SHOWN, len(places))
        spread_places = [
            places[round(k * (len(places) - 1) / max(1, count - 1))] for k in range(count)
        ]
        estimate_by_key = {(e.fold, e.recording, e.method): e for e in self.estimates}
        pairs = [
            (estimate_by_key[*place, LABEL], estimate_by_key[*place, PEER])
            for place in spread_places
        ]
        return [
            (label, peer, self.ground_truths[label.dataset, label.recording])
            for label, peer in pairs
        ]


def load_corrections(results: StoredResults, method: str) -> CorrectedLabels | None:
    """What the models of a results folder keep of the labels that they corrected; None without.

    That is a fact `corrected`, a row a clip with `recording` (`DATASET/NAME`) and `start_s`, the
    rate `corrected_fs` and the arrays `corrected.pseudo` and `corrected.peer` (clips, samples).
    Clips of recordings that nothing is stored of have no truth to stand beside and are left out.

    Args:
        results: The results folder.
        method: Name of the method.

    Returns:
        The corrected clips; None where no model has any.

    Raises:
        MachineError: A model is damaged.
    """
    estimates: list[Estimate] = []
    truths: dict[tuple[str, str], GroundTruth] = {}
    recordings = {
        f"{dataset}/{name}": info for (dataset, name, _), info in results.observed.items()
    }
    for fit in results.manifest.get("fits", ()):
        folder = results.store.folder / "models" / str(fit["digest"])
        if fit["method"] != method or not is_model(folder):
            continue
        model = read_model(folder)
        clips = _clips(model, recordings, str(fit["fold"]), int(fit["seed"]), str(fit["digest"]))
        for estimate, truth in clips:
            estimates.append(estimate)
            truths[estimate.dataset, estimate.recording] = truth
    return CorrectedLabels(tuple(estimates), truths) if estimates else None


def _clips(
    model: Model, recordings: dict[str, RecordingInfo], fold: str, seed: int, job: str
) -> Iterator[tuple[Estimate, GroundTruth]]:
    """Label and peer of each clip, as estimates, with the truth of their recording."""
    for number, row in enumerate(model.metadata.get("corrected", ())):
        if row["recording"] not in recordings:
            continue
        observed = recordings[row["recording"]]
        for name, array in ((LABEL, "corrected.pseudo"), (PEER, "corrected.peer")):
            clip = Estimate(
                job=f"{job}-{number}-{array}",
                dataset=observed.dataset,
                recording=f"{observed.recording} at {row['start_s']:g} s",
                subject=observed.subject,
                scenario=observed.scenario,
                method=name,
                fold=fold,
                seed=seed,
                condition="none",
                region="",
                waveform=Waveform(
                    model.arrays[array][number].astype(float),
                    float(model.metadata["corrected_fs"]),
                    float(row["start_s"]),
                ),
                coverage=1.0,
            )
            yield clip, observed.ground_truth
