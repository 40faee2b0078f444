"""The rows of a leaderboard: what bundles say, and whether somebody else made it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rppgbench.evaluation.bootstrap import bootstrap
from rppgbench.sharing.checking import Bundle
from rppgbench.sharing.rederivation import (
    Rederivation,
    check_scores,
    reference_digests,
    stated_scores,
)
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 2000
ROW = ["method", "condition", "region"]
Status = Literal["re-derived", "self-reported", "imported"]


@dataclass(frozen=True, kw_only=True)
class Version:
    """What a table is of: results of two versions never stand in one table.

    Attributes:
        protocol: Name of the protocol.
        protocol_digest: Its digest.
        evaluator: Name of the evaluator.
        evaluator_digest: Its digest.
        simulated: The fingerprint of the data, where it is simulated; else "".
    """

    protocol: str
    protocol_digest: str
    evaluator: str
    evaluator_digest: str
    simulated: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """A method of a bundle under one evaluator.

    Attributes:
        version: The table that it belongs to.
        title: The title of the protocol.
        bundle: The id of the bundle.
        by: Who made the results, as they say.
        signer: Whose signature was verified; "" where none was.
        status: Whether the results were made again, reported alone, or imported.
        rederived_by: Who made them again and how much, in words; "" where nobody did.
        disputed_by: Who made them again and got something else; "" where nobody did.
        method: The method.
        condition: The condition of the videos.
        region: The face region.
        datasets: The data sets.
        n_subjects: Scored subjects.
        n_recordings: Scored recordings.
        expected: Recordings that the protocol tests.
        coverage: Share of the expected recordings with an estimate.
        window_coverage: Share of the scored windows with an estimate.
        mae: Mean absolute error, in bpm.
        low: Lower limit of its 95 % interval over subjects; NaN where there is none.
        high: Upper limit.
        rmse: Root of the mean squared error, in bpm.
        leaked: Data sets that the method's weights were trained on.
        rppgbench: The versions that made the results.
        date: The day of the last run, or "".
        settings: What may differ from another entry of the table: name -> value.
        pooling: "rows" or "recordings", as the evaluator declares.
        recordings: For each recording, with the digest of its references: the mean over seeds of
            the sums `SUMS` (5,).
        other_evaluators: Mean absolute error under the other evaluators of the bundle.
    """

    version: Version
    title: str
    bundle: str
    by: str
    signer: str
    status: Status
    rederived_by: str
    disputed_by: str
    method: str
    condition: str
    region: str
    datasets: tuple[str, ...]
    n_subjects: int
    n_recordings: int
    expected: int
    coverage: float
    window_coverage: float
    mae: float
    low: float
    high: float
    rmse: float
    leaked: str
    rppgbench: str
    date: str
    settings: Mapping[str, str]
    pooling: str
    recordings: Mapping[tuple[str, str, str], np.ndarray[Any, np.dtype[np.float64]]]
    other_evaluators: Mapping[str, float]


def bundle_entries(
    bundle: Bundle, records: Sequence[Rederivation], signer: str = ""
) -> list[Entry]:
    """Every method of a bundle under every evaluator of it.

    Args:
        bundle: A checked bundle.
        records: Records of its re-derivation.
        signer: Whose signature was verified.

    Returns:
        One entry for each evaluator, method, condition and region.

    Raises:
        BenchError: The scores do not follow from the estimates and references in the bundle.
    """
    check = check_scores(bundle)
    if check.differing:
        raise BenchError(
            f"{bundle.file}: scores do not follow from its estimates: {check.differing[0]}"
        )
    rules = _evaluator_settings(bundle)
    digests = reference_digests(bundle)
    manifest = json.loads(bundle.read("results/manifest.json"))
    entries: list[Entry] = []
    for name, scores in stated_scores(bundle).items():
        for key, rows in scores.groupby(ROW, sort=True):
            entries.append(
                _entry(
                    bundle,
                    name,
                    dict(zip(ROW, map(str, key), strict=True)),
                    rows,
                    pooling=str(rules.get(name, {}).get("pooling", "rows")),
                    records=records,
                    signer=signer,
                    digests=digests,
                    params=manifest["methods"].get(key[0], {}),
                )
            )
    return _with_others(entries)


def _entry(
    bundle: Bundle,
    evaluator: str,
    key: Mapping[str, str],
    rows: pd.DataFrame,
    *,
    pooling: str,
    records: Sequence[Rederivation],
    signer: str,
    digests: Mapping[tuple[str, str], str],
    params: Mapping[str, Any],
) -> Entry:
    summary = bundle.summary
    fingerprints = {name: dataset.fingerprint for name, dataset in summary.datasets.items()}
    independent = [record for record in records if is_independent(record, summary.by)]
    disputed = ", ".join(record.by for record in independent if not record.fit)
    status: Status = "re-derived" if independent and not disputed else "self-reported"
    if key["method"] in summary.imported:
        status = "imported"
    scored = rows[rows["n_windows"] > 0]
    mae, low, high = _mean_error(scored, pooling)
    windows = int(scored["n_windows"].sum())
    seeds = max(rows["seed"].nunique(), 1)
    with_estimate = (rows["n_windows"] > rows["n_missing"]).sum()
    versions = sorted({str(run.get("rppgbench", "")) for run in summary.runs} - {""})
    return Entry(
        version=Version(
            protocol=summary.protocol["name"],
            protocol_digest=summary.protocol["digest"],
            evaluator=evaluator,
            evaluator_digest=summary.evaluators[evaluator],
            simulated=" ".join(sorted(fingerprints.values())) if summary.simulated else "",
        ),
        title=summary.protocol["title"],
        bundle=bundle.id,
        by=summary.by,
        signer=signer,
        status=status,
        rederived_by=_made_again(independent) if status == "re-derived" else "",
        disputed_by=disputed,
        **key,
        datasets=tuple(sorted(rows["dataset"].unique())),
        n_subjects=len(scored[["dataset", "subject"]].drop_duplicates()),
        n_recordings=len(scored[["dataset", "recording"]].drop_duplicates()),
        expected=summary.expected,
        coverage=float(with_estimate / (summary.expected * seeds)) if summary.expected else 0.0,
        window_coverage=1 - float(scored["n_missing"].sum()) / windows if windows else 0.0,
        mae=mae,
        low=low,
        high=high,
        rmse=float(np.sqrt(scored["squared_error_bpm2"].sum() / windows)) if windows else np.nan,
        leaked=", ".join(sorted(set(rows["leaked"]) - {""})),
        rppgbench=", ".join(versions),
        date=summary.date,
        settings=_settings(bundle, params, fingerprints),
        pooling=pooling,
        recordings=_by_recording(scored, digests),
        other_evaluators={},
    )


def _settings(
    bundle: Bundle, params: Mapping[str, Any], fingerprints: Mapping[str, str]
) -> dict[str, str]:
    """Parameters of the method, data and versions: what two entries of one table may differ in."""
    settings = {f"parameter {name}": str(value) for name, value in sorted(params.items())}
    settings |= {f"data {name}": value for name, value in fingerprints.items()}
    for run in bundle.summary.runs:
        settings["commit"] = str(run.get("commit", ""))
        settings["device"] = str(run.get("device", ""))
        for name, value in dict(run.get("packages", {})).items():
            settings[f"package {name}"] = str(value)
    return settings


def is_independent(record: Rederivation, maker: str) -> bool:
    """Whether somebody with a name, who is not the maker, made a bundle again.

    Args:
        record: The record.
        maker: Who made the bundle, as it says.
    """
    return bool(record.by.strip()) and record.by.strip().casefold() != maker.strip().casefold()


def _made_again(records: Sequence[Rederivation]) -> str:
    parts = [
        f"{record.by}: {record.estimates} of {record.stored} waveforms, "
        f"{record.scores} scores, {record.made_at[:10]}"
        for record in records
    ]
    return "; ".join(parts)


def _mean_error(scored: pd.DataFrame, pooling: str) -> tuple[float, float, float]:
    """Mean absolute error over seeds, with its interval over subjects."""
    if not len(scored):
        return (np.nan,) * 3
    values = scored["absolute_error_bpm"].to_numpy(np.float64)
    counts = scored["n_windows"].to_numpy(np.float64)
    terms = np.stack([values, counts], axis=1)
    if pooling == "recordings":
        terms = np.stack([values / counts, np.ones(len(values))], axis=1)
    subjects = scored.groupby(["dataset", "subject"]).ngroup().to_numpy()
    seeds = scored["seed"].factorize()[0]
    sums = np.zeros((subjects.max() + 1, seeds.max() + 1, 2))
    np.add.at(sums, (subjects, seeds), terms)

    def ratio(total: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
        out = np.full((*total.shape[:-1], 1), np.nan)
        np.divide(total[..., :1], total[..., 1:], out=out, where=total[..., 1:] > 0)
        return out

    low, high = bootstrap(sums, ratio, resamples=RESAMPLES, seed=0)
    return float(np.nanmean(ratio(sums.sum(axis=0)))), float(low[0]), float(high[0])


def _by_recording(
    scored: pd.DataFrame, digests: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str, str], Any]:
    """Sums of each recording, averaged over seeds, under its name and reference."""
    from rppgbench.sharing.recording_scores import SUMS

    means = scored.groupby(["dataset", "recording"])[list(SUMS)].mean()
    return {
        (str(dataset), str(recording), digests.get((dataset, recording), "")): row
        for (dataset, recording), row in zip(
            means.index.to_list(), means.to_numpy(np.float64), strict=True
        )
    }


def _with_others(entries: Sequence[Entry]) -> list[Entry]:
    from dataclasses import replace

    errors: dict[tuple[str, str, str], dict[str, float]] = {}
    for entry in entries:
        key = (entry.method, entry.condition, entry.region)
        errors.setdefault(key, {})[entry.version.evaluator] = entry.mae
    return [
        replace(
            entry,
            other_evaluators={
                name: mae
                for name, mae in errors[entry.method, entry.condition, entry.region].items()
                if name != entry.version.evaluator
            },
        )
        for entry in entries
    ]


def _evaluator_settings(bundle: Bundle) -> Mapping[str, Any]:
    try:
        settings = json.loads(bundle.read("evaluators.json"))
        if not all(isinstance(rule, dict) for rule in settings.values()):
            raise ValueError("not a table of evaluators")
        return dict(settings)
    except (ValueError, AttributeError) as error:
        raise BenchError(f"{bundle.file}: evaluators.json: {error}") from error


def records_in(places: Sequence[Path]) -> list[Path]:
    """The files of records: those that are named, and the JSON files of folders.

    Raises:
        BenchError: A place is not there.
    """
    files = []
    for place in places:
        if not place.exists():
            raise BenchError(f"--rederived: {place}: no such file or folder")
        files += sorted(place.glob("*.json")) if place.is_dir() else [place]
    return files
