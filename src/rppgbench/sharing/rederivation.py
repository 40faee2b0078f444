"""Whether a bundle's results follow from what they are made of: references, videos, code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from rppgbench.analysis.rerun_check import Finding, Verification, rerun_sample
from rppgbench.analysis.stored_results import load_stored, score_estimates
from rppgbench.core.content_roots import checkout_root
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import toml_files
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.evaluation.leakage import mark_leaks
from rppgbench.execution.provenance import provenance
from rppgbench.sharing.checking import Bundle, opened_bundle
from rppgbench.sharing.recording_scores import differing_rows, from_csv, recording_scores
from rppgbench.store.references import reference_digest
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

KIND = "rppgbench re-derivation"
Truths = Mapping[tuple[str, str], GroundTruth]


@dataclass(frozen=True, kw_only=True)
class ScoreCheck:
    """Scores of a bundle beside those that its estimates and references give.

    Attributes:
        rows: How many rows were computed again.
        of: How many rows the bundle states.
        differing: What differs, a line each.
    """

    rows: int
    of: int
    differing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rederivation:
    """A record that somebody made a sample of a bundle again, from the videos.

    Attributes:
        kind: What the record is.
        bundle: The id of the bundle.
        by: Who made the sample again.
        made_at: When, in UTC.
        rppgbench: The version that made it.
        commit: The commit of the checkout, or "".
        seed: The seed of the sample.
        estimates: How many waveforms were made again.
        stored: How many the bundle has.
        differing: Waveforms, references and scores that differ, a line each.
        references: How many recordings' references were read from the data again.
        scores: How many rows of scores were computed again.
        notes: What the re-run said of data and packages.
    """

    kind: str = KIND
    bundle: str
    by: str
    made_at: str
    rppgbench: str
    commit: str
    seed: int
    estimates: int
    stored: int
    differing: tuple[str, ...]
    references: int
    scores: int
    notes: tuple[str, ...]

    @property
    def fit(self) -> bool:
        """Whether something was made again and all of it is the same."""
        return bool(self.estimates) and not self.differing


def stated_scores(bundle: Bundle) -> dict[str, pd.DataFrame]:
    """The scores that a bundle states, by evaluator.

    Raises:
        BenchError: A table is missing or no table of scores.
    """
    return {
        name: from_csv(bundle.read(f"scores/{name}.csv"), f"{bundle.file}: scores/{name}.csv")
        for name in bundle.summary.evaluators
    }


def check_scores(bundle: Bundle) -> ScoreCheck:
    """Compute the scores of a bundle again from the estimates and references that it holds.

    Recordings whose references are withheld, and evaluators that are not known here with the same
    digest, are left out.

    Raises:
        BenchError: The bundle's results cannot be read, or a reference is not that of its digest.
    """
    with opened_bundle(bundle) as folder:
        stored = load_stored(Store(Path(folder)))
        truths = {k: t for k, t in stored.ground_truths.items() if reference_digest(t)}
        digests = reference_digests(bundle)
        for key, truth in truths.items():
            if digests.get(key) != reference_digest(truth):
                raise BenchError(f"{bundle.file}: the reference of {'/'.join(key)} was exchanged")
        return _compare_scores(bundle, stored.estimates, truths, stored.manifest)


def _compare_scores(
    bundle: Bundle, estimates: list[Estimate] | Any, truths: Truths, manifest: Mapping[str, Any]
) -> ScoreCheck:
    stated = stated_scores(bundle)
    scored = [
        estimate for estimate in estimates if (estimate.dataset, estimate.recording) in truths
    ]
    rows, lines = 0, []
    for name, rule in _same_evaluators(bundle).items():
        if scored:
            windows = score_estimates(
                rule, scored, truths, manifest["methods"], manifest.get("imports", {})
            )
            mark_leaks(windows, manifest.get("origins", {}))
            again = recording_scores(windows)
            rows += len(again)
            lines += [f"{name}: {line}" for line in differing_rows(stated[name], again)]
    total = sum(len(table) for table in stated.values())
    return ScoreCheck(rows=rows, of=total, differing=tuple(lines))


def _same_evaluators(bundle: Bundle) -> dict[str, Evaluator]:
    """The evaluators of a bundle that are known here with the same digest."""
    known = toml_files("protocols/evaluators")
    rules = {
        name: find_evaluator(name, "bundle") for name in bundle.summary.evaluators if name in known
    }
    return {n: rule for n, rule in rules.items() if rule.digest == bundle.summary.evaluators[n]}


def reference_digests(bundle: Bundle) -> dict[tuple[str, str], str]:
    """The digest of each recording's references, by data set and recording.

    Raises:
        BenchError: The list is not one of a bundle.
    """
    try:
        records = json.loads(bundle.read("references.json"))
        return {(r["dataset"], r["recording"]): str(r["sha256"]) for r in records}
    except (ValueError, TypeError, KeyError) as error:
        raise BenchError(f"{bundle.file}: references.json: {error!r}") from error


def rederive(
    bundle: Bundle, *, sample: int, seed: int, cache: Path, roots: Mapping[str, Path], by: str = ""
) -> Iterator[Finding | Rederivation]:
    """Make a sample of a bundle's waveforms again from the videos, and check its scores.

    The references of the sampled recordings are read from the data, compared with their digests,
    and used to compute the scores of these recordings again.

    Args:
        bundle: A checked bundle.
        sample: Number of waveforms.
        seed: Seed of the draw.
        cache: Folder of simulated data sets.
        roots: Roots of data sets by name.
        by: Who makes it again, for the record.

    Yields:
        Each finding as soon as it is there; last, the record.

    Raises:
        BenchError: The results were imported, or the data is not at hand.
    """
    if bundle.summary.imported:
        names = ", ".join(bundle.summary.imported)
        raise BenchError(f"{bundle.file}: {names} was imported: there is nothing to run again")
    with opened_bundle(bundle) as folder:
        store = Store(Path(folder))
        verification = Verification(findings=(), stored=0)
        for result in rerun_sample(store, sample=sample, seed=seed, cache=cache, moved_roots=roots):
            if isinstance(result, Verification):
                verification = result
            else:
                yield result
        yield _record(bundle, store, verification, seed, by)


def _record(
    bundle: Bundle, store: Store, verification: Verification, seed: int, by: str
) -> Rederivation:
    digests, truths = reference_digests(bundle), verification.ground_truths
    lines = [
        f"{f.dataset}/{f.recording}, {f.method}: {f.detail or f.verdict}"
        for f in verification.findings
        if f.verdict == "differs"
    ]
    lines += [
        f"{'/'.join(key)}: the reference is another one"
        for key, truth in truths.items()
        if digests.get(key, "") != reference_digest(truth)
    ]
    scores = _compare_scores(bundle, store.read()[0], truths, store.manifest)
    versions = provenance(checkout_root())
    return Rederivation(
        bundle=bundle.id,
        by=by,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        rppgbench=str(versions["rppgbench"]),
        commit=str(versions["commit"]),
        seed=seed,
        estimates=len(verification.findings),
        stored=verification.stored,
        differing=(*lines, *scores.differing),
        references=len(truths),
        scores=scores.rows,
        notes=verification.notes,
    )


RECORD = TypeAdapter(Rederivation)


def record_json(record: Rederivation) -> str:
    """A record as JSON text."""
    return json.dumps({"fit": record.fit, **asdict(record)}, indent=1)


def read_record(file: Path) -> Rederivation:
    """Read a record that `bench rerun-check BUNDLE --json` wrote.

    Raises:
        BenchError: The file is no such record.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.pop("kind", None) != KIND:
            raise ValueError("no record of `bench rerun-check BUNDLE --json`")
        content.pop("fit", None)
        return RECORD.validate_python(content)
    except (OSError, ValueError, ValidationError, RecursionError) as error:
        message = str(error).splitlines()[0]
        raise BenchError(f"{file}: {message}") from error
