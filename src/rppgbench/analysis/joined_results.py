"""Several results folders of one experiment, as one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rppgbench.analysis.stored_results import StoredResults
from rppgbench.core.canonical_order import ordered_items, ordered_records
from rppgbench.core.estimate import Estimate, EstimateKey
from rppgbench.core.recording import SIGNALS, GroundTruth
from rppgbench.core.waveform import Signal
from rppgbench.store.schema import RecordingInfo
from rppgbench.system.errors import BenchError

EXPERIMENT = ("pretrain", "train", "test", "split", "without_known_bad", "conditions", "train_on")
"""Keys of a protocol in which results of one page agree: data, split and conditions."""

MERGED = ("methods", "imports", "origins", "data", "left_out")
"""Tables of a manifest of which a page has all rows."""

Key = tuple[str, str, str]


def join_results(results: Sequence[StoredResults]) -> StoredResults:
    """Results of several folders, so that one page scores all.

    Args:
        results: the folders; the page has the name and the evaluators of the first one's protocol.

    Returns:
        The methods of all. A single folder comes back as it is.

    Raises:
        BenchError: the folders hold other experiments, other references of a recording, or the
            same method on the same recording; one line says which.
    """
    first = results[0]
    for second in results[1:]:
        _check_experiment(first, second)
    if len(results) == 1:
        return first
    observed: dict[Key, RecordingInfo] = {}
    folders: dict[Key, StoredResults] = {}
    for stored in results:
        for key, info in stored.observed.items():
            if key in observed:
                _check_reference(folders[key], observed[key], stored, info)
                if observed[key].colours is None:  # an import has none
                    observed[key] = replace(observed[key], colours=info.colours)
            else:
                observed[key], folders[key] = info, stored
    return replace(
        first,
        further=tuple(stored.store for stored in results[1:]),
        manifest=_joined_manifest([stored.manifest for stored in results], observed),
        estimates=_joined_estimates(results),
        observed=ordered_items(observed),
        parts=[part for stored in results for part in stored.parts],
        control_estimates=[e for stored in results for e in stored.control_estimates],
    )


def _check_experiment(first: StoredResults, second: StoredResults) -> None:
    """BenchError where two folders differ in what was tested on what."""
    a, b = first.manifest["protocol"], second.manifest["protocol"]
    for key in EXPERIMENT:
        values = a.get(key), b.get(key)
        if values[0] != values[1]:
            raise BenchError(
                f"{first.store.folder} and {second.store.folder}: {key} is {_text(values[0])} in "
                f"the first, {_text(values[1])} in the second; a page holds results of one protocol"
            )


def _check_reference(
    first: StoredResults, first_info: RecordingInfo, second: StoredResults, info: RecordingInfo
) -> None:
    """BenchError where a recording has another reference in another folder."""
    nothing = np.empty(0)
    first_beats, beats = (i.ground_truth.beats_s for i in (first_info, info))
    if not np.array_equal(
        nothing if first_beats is None else first_beats, nothing if beats is None else beats
    ):
        raise BenchError(
            f"{first.store.folder} and {second.store.folder}: {info.dataset}/{info.recording} has "
            "other beats in its references; import with the same --data or --reference"
        )
    for name in SIGNALS:
        signals = [_signal(truth, name) for truth in (first_info.ground_truth, info.ground_truth)]
        if not _equal(*signals):
            raise BenchError(
                f"{first.store.folder} and {second.store.folder}: "
                f"{info.dataset}/{info.recording} has other references ({name.replace('_', ' ')}: "
                f"{_size(signals[0])}, {_size(signals[1])}); import with the same --data or "
                "--reference"
            )


def _joined_manifest(
    manifests: Sequence[Mapping[str, Any]], observed: Mapping[Key, RecordingInfo]
) -> dict[str, Any]:
    """The first manifest with the methods, data and notes of all."""
    joined = dict(manifests[0])
    for key in MERGED:
        joined[key] = {n: row for manifest in manifests for n, row in manifest.get(key, {}).items()}
    for key in ("notes", "fits", "pretrainings"):
        joined[key] = [row for manifest in manifests for row in manifest.get(key, ())]
    joined["notes"] = list(dict.fromkeys(joined["notes"]))
    joined["expected"] = max(
        *(int(manifest["expected"]) for manifest in manifests),
        len({(dataset, recording) for dataset, recording, _ in observed}),
    )
    protocols = [manifest["protocol"] for manifest in manifests]
    controls = {name: None for protocol in protocols for name in protocol.get("controls", ())}
    joined["protocol"] = {**protocols[0], "controls": list(controls)}
    joined["command"] = "; ".join(dict.fromkeys(manifest["command"] for manifest in manifests))
    return joined


def _joined_estimates(results: Sequence[StoredResults]) -> list[Estimate]:
    folders: dict[EstimateKey, StoredResults] = {}
    estimates = []
    for stored in results:
        for estimate in stored.estimates:
            key = estimate.key
            if key in folders:
                raise BenchError(
                    f"{folders[key].store.folder} and {stored.store.folder}: both hold method "
                    f"{estimate.method!r} on {estimate.dataset}/{estimate.recording}; give each "
                    "method once"
                )
            folders[key] = stored
            estimates.append(estimate)
    return ordered_records(estimates)


def _signal(truth: GroundTruth, name: str) -> Signal | None:
    signal: Signal | None = getattr(truth, name)
    return signal if signal is not None and len(signal.times_s) else None


def _equal(first: Signal | None, second: Signal | None) -> bool:
    if first is None or second is None:
        return first is second
    same_times = np.array_equal(first.times_s, second.times_s)
    return same_times and np.array_equal(first.values, second.values, equal_nan=True)


def _size(signal: Signal | None) -> str:
    if signal is None:
        return "none"
    return f"{len(signal.times_s)} values over {signal.duration_s:.1f} s"


def _text(value: object) -> str:
    return (" + ".join(map(str, value)) if isinstance(value, list) else str(value)) or "nothing"
