"""The check of a data set: whether it is complete and usable, and for which protocols.

Every label file is read, and of every video the first, middle and last frame, so that thousands of
videos take minutes. Nothing is repaired; each fault is a `Finding`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rppgbench.core.guarded_calls import list_recordings
from rppgbench.core.recording import Dataset, Recording
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.datasets.official_folds import OWN_FILES, official_folds
from rppgbench.datasets.protocol_fit import Need, Share
from rppgbench.datasets.recording_check import Finding, Severity, check_recording
from rppgbench.datasets.splits import assign_by_folds
from rppgbench.system.errors import BenchError

NO_NEEDS: Mapping[str, Need] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class DataCheck:
    """The result of a check.

    `counts` holds the number that is there and the number of the whole set, for subjects and for
    recordings. `protocols` holds why each protocol cannot run, or "". `shares` holds which part of
    its test set each protocol would use.
    """

    dataset: str
    root: str
    fingerprint: str
    simulated: bool
    counts: Mapping[str, tuple[int, int | None]]
    usable: int
    findings: tuple[Finding, ...]
    protocols: Mapping[str, str]
    shares: Mapping[str, str] = field(default_factory=dict)

    @property
    def fit(self) -> bool:
        """Whether every recording that is there can be used."""
        return not any(finding.severity == "error" for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The last line of the answer: whether the set is fit, and for which protocols."""
        present = self.counts["recordings"][0]
        line = f"{self.dataset}: {'fit' if self.fit else 'not fit'}: {self.usable} of {present}"
        expected = self.counts["recordings"][1]
        line += " recordings usable"
        if expected is not None and expected != present:
            line += f" (the whole set has {expected})"
        fit = [name for name, why in self.protocols.items() if not why]
        able = [name for name in fit if not self.shares.get(name)]
        unable = [f"{name} ({why})" for name, why in self.protocols.items() if why]
        if able:
            line += f"; fit for {', '.join(able)}"
        for name in fit:
            line += f"; fit for {name}: {share}" if (share := self.shares.get(name)) else ""
        if unable:
            line += f"; not fit for {', '.join(unable)}"
        return line + (" [SIMULATED]" if self.simulated else "")

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values for JSON."""
        return {
            "dataset": self.dataset,
            "root": self.root,
            "fingerprint": self.fingerprint,
            "simulated": self.simulated,
            "fit": self.fit,
            "verdict": self.verdict,
            "usable": self.usable,
            "counts": {
                kind: {"found": present, "expected": expected}
                for kind, (present, expected) in self.counts.items()
            },
            "findings": [asdict(finding) for finding in self.findings],
            "protocols": dict(self.protocols),
            "shares": dict(self.shares),
        }


def check_data(
    dataset: Dataset,
    root: Path,
    *,
    protocols: Mapping[str, Need] = NO_NEEDS,
    shares: Mapping[str, Share] = MappingProxyType({}),
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda count, total: None,
    cache: Path | None = None,
    compare: Callable[[Sequence[Recording]], Iterable[Finding]] = lambda recordings: (),
) -> DataCheck:
    """Check all files of a data set under `root`.

    Args:
        dataset: the declaration.
        root: the folder of the set.
        protocols: the need of each protocol (see `protocol_need`).
        shares: the share of each protocol's test set that is there (see `describe_share`).
        jobs: the number of recordings that are checked at once.
        progress: called in this thread with the number of recordings done, and of all.
        cache: the folder for digests of files.
        compare: finds recordings that repeat each other.

    Raises:
        BenchError: the root cannot be listed, or holds no recording of the set.
    """
    recordings = list_recordings(dataset, root)
    findings: list[Finding] = list(_check_set(dataset, root, recordings))
    bad: set[str] = set()
    total = len(recordings)
    progress(0, total)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        for count, faults in enumerate(pool.map(check_recording, recordings), start=1):
            findings += faults
            bad |= {finding.recording for finding in faults if finding.severity == "error"}
            progress(count, total)
    usable = [recording for recording in recordings if recording.name not in bad]
    findings += compare(usable)
    return DataCheck(
        dataset=dataset.name,
        root=str(root),
        fingerprint=fingerprint(recordings, cache),
        simulated=any(recording.simulated for recording in recordings),
        counts=_counts(dataset, recordings),
        usable=len(usable),
        findings=tuple(findings),
        protocols={name: need(usable) for name, need in protocols.items()},
        shares={name: share(usable) for name, share in shares.items()},
    )


def _check_set(dataset: Dataset, root: Path, recordings: Sequence[Recording]) -> Iterator[Finding]:
    """Check names, counts and folds of the whole set."""
    names: set[str] = set()
    for recording in recordings:
        if recording.name in names:
            yield Finding(
                severity="error",
                recording=recording.name,
                file="",
                text="two recordings have this name",
            )
        names.add(recording.name)
        if recording.known_bad:
            yield Finding(
                severity="note",
                recording=recording.name,
                file="",
                text=f"known to be bad: {recording.known_bad}",
            )
    simulated = any(recording.simulated for recording in recordings)
    for kind, (present, expected) in _counts(dataset, recordings).items():
        if expected is not None and present != expected:
            severity: Severity = "note" if simulated else "warning"
            yield Finding(
                severity=severity,
                recording="",
                file="",
                text=f"{present} {kind}, where the whole set has {expected}",
            )
    for line in dataset.leftovers(root) if dataset.leftovers is not None else ():
        yield Finding(severity="warning", recording="", file="", text=line)
    if dataset.folds is not None:
        try:
            official = official_folds(dataset, root, str(root))
            assign_by_folds(recordings, official.subjects, str(root))
        except BenchError as error:
            yield Finding(
                severity="warning", recording="", file="", text=f"the set's own folds: {error}"
            )
        else:
            agrees = official.source == OWN_FILES
            for line in official.notes:
                severity = "note" if agrees else "warning"
                yield Finding(severity=severity, recording="", file="", text=line)


def _counts(dataset: Dataset, recordings: Sequence[Recording]) -> dict[str, tuple[int, int | None]]:
    counts = {"subjects": len({r.subject for r in recordings}), "recordings": len(recordings)}
    return {kind: (number, dataset.expected.get(kind)) for kind, number in counts.items()}
