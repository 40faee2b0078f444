"""What each method reached on each recording, beside what the video permits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.analysis.stored_plan import stored_plan
from rppgbench.analysis.stored_results import StoredResults
from rppgbench.core.features import WHOLE_FRAME
from rppgbench.core.mean_colours import MeanColours
from rppgbench.core.registry import find_toml
from rppgbench.datasets.roots import check_roots
from rppgbench.evaluation.beat_rule import BeatReading
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator
from rppgbench.evaluation.recording_limit import RecordingLimit, recording_limit, without_limit
from rppgbench.execution.plan_records import UNTOUCHED
from rppgbench.execution.recording_task import RecordingTask, extract, find_recording
from rppgbench.execution.run_options import RunOptions
from rppgbench.extraction.colour_segments import mean_colours
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.report.sections.comparison import without_leaked
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

BEATS = "beats_tukey"
"""The evaluator whose beats give the phase where another one reads no beats."""

NO_COLOURS = (
    "no mean colours are stored, as in imports, bundles without references and older results; "
    "bench limit reads the videos of a run"
)


def rate_limits(
    stored: StoredResults,
    windows: pd.DataFrame,
    evaluator: Evaluator,
    *,
    region: str,
    cache: Path,
    moved_roots: Mapping[str, Path],
) -> Iterator[RecordingLimit]:
    """The bound of every recording without a change of its frames, beside the errors of methods.

    Mean colours come from the results where they hold those of the region. Others come from
    features in the cache; what is not there is extracted.

    Args:
        stored: The results.
        windows: Their scored windows under the evaluator.
        evaluator: The rule; its reading of beats gives the phase of the reference.
        region: The face region whose mean colour is read.
        cache: Folder of the cache.
        moved_roots: Roots of data sets that have moved, by name.

    Returns:
        One record for each recording, in the order of the results; each is made as it is taken.

    Raises:
        BenchError: The evaluator reads no heart rates or has a row for each frame, the data of the
            run is needed and gone, every condition of the run changes the frames, or the file of
            `BEATS` reads no beats.
    """
    if evaluator.quantity != "heart rate":
        raise BenchError(
            f"--evaluator: this one reads the {evaluator.quantity}, and the limit is of heart "
            "rates; give another"
        )
    if evaluator.unit == "frame":
        raise BenchError(
            "--evaluator: this one has a row for each frame, and the limit is of windows; give "
            "another"
        )
    check_roots(moved_roots, stored.manifest["data"], str(stored.store.folder))
    untouched = _untouched_rows(stored, windows, region)
    if untouched.empty:
        raise BenchError(
            f"{stored.store.folder}: every estimate is of changed frames, and the limit is of "
            "untouched ones; run a protocol with a condition of kind none"
        )
    colours = stored_colours(stored, region)
    rows = untouched.groupby(["dataset", "recording"], sort=False)
    roots = (
        {}
        if all(key in colours for key, _ in rows)
        else stored_plan(stored.store, cache, moved_roots)[0].roots
    )
    return _each_recording(
        stored, untouched, beat_reading(evaluator), colours, roots, region=region, cache=cache
    )


def page_limits(
    stored: StoredResults, windows: pd.DataFrame, evaluator: Evaluator, region: str
) -> list[RecordingLimit]:
    """The bounds for a page: from what the results hold alone, without the most likely rates.

    Rows whose weights were learned on what is tested are left out.

    Args:
        stored: The results.
        windows: Their scored windows under the evaluator.
        evaluator: The rule.
        region: The face region whose mean colour is read.

    Returns:
        One record for each recording whose frames are untouched; none where the evaluator reads no
        heart rates, or has a row for each frame.
    """
    if evaluator.quantity != "heart rate" or evaluator.unit == "frame":
        return []
    windows, _ = without_leaked(windows)
    untouched = _untouched_rows(stored, windows, region)
    colours = stored_colours(stored, region)
    rule = beat_reading(evaluator) if colours else None
    limits = []
    for key, rows in untouched.groupby(["dataset", "recording"], sort=False):
        if rule is None or key not in colours:
            limits.append(without_limit(str(key[0]), str(key[1]), NO_COLOURS))
            continue
        truth = stored.ground_truths[key]
        segments = colours[key].segments
        limits.append(recording_limit(rows, segments, truth, rule, efficient=False))
    return limits


def _untouched_rows(stored: StoredResults, windows: pd.DataFrame, region: str) -> pd.DataFrame:
    """The rows of untouched frames and of one region, also those of methods without a region.

    Where no method was run on the region, it is the protocol's first: methods stand beside the
    bound of another region then.
    """
    rows = windows[windows["condition"] == untouched_condition(stored)]
    if not (rows["region"] == region).any():
        region = str(stored.manifest["protocol"]["regions"][0])
    return rows[rows["region"].isin([region, ""])]


def untouched_condition(stored: StoredResults) -> str:
    """The name of the condition under which the frames of stored results are as they were."""
    conditions = stored.manifest["protocol"]["conditions"]
    return next((str(c["name"]) for c in conditions if c["kind"] == "none"), UNTOUCHED.name)


def stored_colours(stored: StoredResults, region: str) -> dict[tuple[str, str], MeanColours]:
    """The mean colours of a region that results hold, by data set and recording.

    Args:
        stored: The results.
        region: The face region.
    """
    return {
        (dataset, recording): info.colours
        for (dataset, recording, _), info in stored.observed.items()
        if info.colours is not None and info.colours.region == region
    }


def _each_recording(
    stored: StoredResults,
    windows: pd.DataFrame,
    rule: BeatReading,
    colours: Mapping[tuple[str, str], MeanColours],
    roots: Mapping[str, Path],
    *,
    region: str,
    cache: Path,
) -> Iterator[RecordingLimit]:
    for key, rows in windows.groupby(["dataset", "recording"], sort=False):
        dataset, recording = map(str, key)
        kept = colours.get((dataset, recording))
        if kept is None:
            task = RecordingTask(
                dataset=dataset,
                root=roots[dataset],
                recording=recording,
                conditions=(UNTOUCHED,),
                request=FeatureRequest(whole_frame=region == WHOLE_FRAME),
                jobs=(),
                params=(),
                options=RunOptions(cache=cache),
                models=stored.store.folder / "models",
            )
            (extracted,) = extract(task, find_recording(dataset, task.root, recording))
            features = extracted.features
            if features.value is None:
                reason = features.fault.reason if features.fault is not None else "no features"
                yield without_limit(dataset, recording, reason)
                continue
            kept = mean_colours(features.value, region)
        yield recording_limit(rows, kept.segments, stored.ground_truths[dataset, recording], rule)


def beat_reading(evaluator: Evaluator) -> BeatReading:
    """How the evaluator finds beats; that of `BEATS` where its reference has another form."""
    if isinstance(evaluator.reference, BeatReading):
        return evaluator.reference
    file = find_toml("protocols/evaluators", "evaluator", BEATS, "--evaluator")
    reference = read_evaluator(file).reference
    if not isinstance(reference, BeatReading):
        raise BenchError(
            f"{file}: reads no beats of the reference, which the limit needs; restore the file, or "
            "give an --evaluator whose reference has kind 'beats'"
        )
    return reference
