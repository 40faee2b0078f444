"""What a bundle says of itself: its first file, whose digest is the bundle's id."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rppgbench.system.canonical_json import canonical_json, read_canonical_json

FILE = "bundle.json"
FORMAT = 1
KIND = "rppgbench bundle"
ID_DIGITS = 32


@dataclass(frozen=True, kw_only=True)
class MemberFacts:
    """A file of a bundle: its length in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """What a bundle says of a data set.

    Attributes:
        fingerprint: Of the files that the run read.
        title: The title of the set.
        licence: Its licence or terms.
        url: Where it can be obtained.
        recordings: How many of its recordings have results.
        references: Of how many of these the bundle holds the references.
    """

    fingerprint: str
    title: str
    licence: str
    url: str
    recordings: int
    references: int


@dataclass(frozen=True, kw_only=True)
class BundleFacts:
    """What a bundle says of itself, beside the list of its files.

    Attributes:
        by: Who made the results, as they say; "" names nobody.
        licence: The licence of the bundle; "" states none.
        made_with: The version of rppgbench that made the bundle.
        protocol: Name, digest and title of the protocol.
        evaluators: The digest of each evaluator of the scores.
        methods: The names of the methods.
        datasets: What it says of each data set.
        runs: What each run that made a part said of itself.
        estimates: How many estimates there are.
        expected: How many recordings the protocol tests.
        simulated: Whether any recording is simulated.
        imported: Where the predictions of a method come from, by method; empty for methods that
            were run.
        models: Whether the models that learned methods used are in the bundle.
    """

    by: str
    licence: str
    made_with: str
    protocol: Mapping[str, str]
    evaluators: Mapping[str, str]
    methods: tuple[str, ...]
    datasets: Mapping[str, DatasetFacts]
    runs: tuple[Mapping[str, Any], ...]
    estimates: int
    expected: int
    simulated: bool
    imported: Mapping[str, str]
    models: bool

    @property
    def title(self) -> str:
        """The title of the bundle, with the mark of simulated data."""
        mark = "SIMULATED DATA: " if self.simulated else ""
        return f"{mark}{self.protocol['title']} ({self.protocol['name']})"

    @property
    def description(self) -> str:
        """What the bundle holds, in a sentence or two."""
        text = (
            f"{self.estimates} estimates of the pulse by {', '.join(self.methods)} under protocol "
            f"{self.protocol['name']} ({self.protocol['digest']}), with scores under "
            f"{', '.join(self.evaluators)}."
        )
        for method, source in self.imported.items():
            text += f" {method} was imported, not run here: {source}."
        return text

    @property
    def terms(self) -> str:
        """The terms of the bundle and of each data set."""
        licence = self.licence or "The licence of this bundle is not stated"
        each = [
            f"{name}: {dataset.licence}"
            for name, dataset in self.datasets.items()
            if dataset.licence
        ]
        return "; ".join([licence, *each])

    @property
    def date(self) -> str:
        """The day of the last run; "" where no run says."""
        return max((str(run.get("began", ""))[:10] for run in self.runs), default="")


FACTS = TypeAdapter(BundleFacts)
MEMBERS = TypeAdapter(dict[str, MemberFacts])


def bundle_json(summary: BundleFacts, members: Mapping[str, MemberFacts]) -> bytes:
    """The bytes of `bundle.json`.

    Args:
        summary: What the bundle says of itself.
        members: Every other file of the bundle.
    """
    files = {name: asdict(member) for name, member in sorted(members.items())}
    return canonical_json({"kind": KIND, "format": FORMAT, **asdict(summary), "files": files})


def bundle_id(data: bytes) -> str:
    """The id of a bundle: 32 hex digits of the SHA-256 of its `bundle.json`."""
    return hashlib.sha256(data).hexdigest()[:ID_DIGITS]


def read_bundle_json(data: bytes) -> tuple[BundleFacts, dict[str, MemberFacts]]:
    """What `bundle_json` was made of.

    Args:
        data: The bytes.

    Returns:
        What the bundle says of itself, and its files.

    Raises:
        ValueError: The bytes say something else, or in another form.
    """
    content = read_canonical_json(data)
    if not isinstance(content, dict) or content.pop("kind", None) != KIND:
        raise ValueError(f"no {KIND}")
    version = content.pop("format", None)
    if version != FORMAT:
        raise ValueError(f"format {version}, and this version reads {FORMAT}; update rppgbench")
    try:
        files = MEMBERS.validate_python(content.pop("files", None))
        summary = FACTS.validate_python(content)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise ValueError(f"{place}: {error.errors()[0]['msg']}") from error
    return summary, files
