"""Registrations: what a run is to be, written down before any data is touched."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from rppgbench.core.protocol import Declaration, Protocol
from rppgbench.system.atomic_files import write_file
from rppgbench.system.errors import BenchError
from rppgbench.system.io_errors import writing

FORMAT = 1
_METHOD = r"\w[\w.+-]*(?: \w+=[^\s<@]+)*"  # with the values of a variant
HYPOTHESIS = re.compile(
    rf"\s*(?P<first>{_METHOD})\s*<\s*(?P<second>{_METHOD})"
    r"(?:\s+-\s+(?P<margin>\d+(?:\.\d+)?))?(?:\s*@\s*(?P<condition>\w[\w.+-]*))?\s*"
)
"""METHOD < METHOD, with the margin in bpm behind a minus sign and the condition behind an @."""

MAX_BYTES = 64 * 2**20
"""Of a file that is read: a registration of all methods takes less than 1 MB."""


class Hypothesis(Declaration):
    """One comparison of two methods: the mean absolute error of `first` is lower by the margin."""

    first: str = Field(description="the method with the lower error")
    second: str = Field(description="the other method")
    margin_bpm: float = Field(default=0.0, ge=0, description="by how much the error is lower")
    condition: str = Field(default="", description="the condition; empty where there is one")

    def __str__(self) -> str:
        margin = f" - {self.margin_bpm:g}" if self.margin_bpm else ""
        return (
            f"{self.first} < {self.second}{margin}{f' @ {self.condition}' * bool(self.condition)}"
        )


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One thing that is not as it was registered, in words.

    Attributes:
        subject: What it is: a key of the protocol, a method, a piece of code, the time.
        registered: What the registration says.
        here: What the results say.
    """

    subject: str
    registered: str
    here: str

    def __str__(self) -> str:
        return (
            f"deviates from the registration: {self.subject}: {self.registered}; here {self.here}"
        )


def read_hypothesis(text: str) -> Hypothesis:
    """Read a hypothesis.

    Args:
        text: METHOD < METHOD, METHOD < METHOD - BPM, each with @ CONDITION at will.

    Raises:
        ValueError: The text is none, or both methods are the same.

    >>> str(read_hypothesis("pos<chrom - 0.5 @ crf23"))
    'pos < chrom - 0.5 @ crf23'
    """
    parts = HYPOTHESIS.fullmatch(text)
    if parts is None:
        raise ValueError(
            f"{text!r} is not METHOD < METHOD, METHOD < METHOD - BPM or ... @ CONDITION"
        )
    if parts["first"] == parts["second"]:
        raise ValueError(f"{text!r} compares {parts['first']} with itself")
    return Hypothesis(
        first=parts["first"],
        second=parts["second"],
        margin_bpm=float(parts["margin"] or 0),
        condition=parts["condition"] or "",
    )


class Registration(Declaration):
    """What a run is to be, down to the digests of the code, and what it is to show.

    The file holds these fields and their SHA-256, the id: a file that was changed after it was
    written does not fit its id. A publication of the id (a registry, a dated commit, a preprint)
    shows that the registration is older than the results. Its own time shows nothing: everybody can
    set a clock.
    """

    format: int = Field(default=FORMAT, description="of the file")
    registered: str = Field(description="time of the registration in UTC, ISO 8601")
    command: str = Field(description="the command that wrote it")
    name: str = Field(description="name of the protocol")
    protocol: Protocol = Field(description="the protocol with all options of the command")
    methods: dict[str, dict[str, bool | int | float | str]] = Field(
        description="every method with all its parameters"
    )
    folds: list[str] = Field(default=[], description="the folds that are run; empty for all")
    simulated: bool = Field(description="whether all data is to be simulated")
    evaluator: str = Field(description="the evaluator that decides the hypotheses")
    evaluators: dict[str, dict[str, Any]] = Field(description="the rules of every evaluator")
    hypotheses: list[Hypothesis] = Field(description="what the results are to show")
    code: dict[str, dict[str, str]] = Field(
        description="digest or version of every file and package, by the work that it does"
    )
    rppgbench: str = Field(description="version of this package")
    commit: str = Field(default="", description="commit of the checkout; empty without one")

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        if self.evaluator not in self.evaluators:
            raise ValueError(f"evaluator: {self.evaluator!r} has no rule among the evaluators")
        if datetime.fromisoformat(self.registered).tzinfo is None:
            raise ValueError(f"registered: {self.registered!r} has no time zone")
        return self

    @property
    def id(self) -> str:
        """64 hex digits: the SHA-256 of all fields."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def write(self, file: Path) -> None:
        """Write the registration as JSON; a file that exists is replaced.

        Args:
            file: The file.

        Raises:
            BenchError: The file cannot be written.
        """
        with writing(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            content = {"id": self.id, **self.model_dump(mode="json")}
            write_file(file, json.dumps(content, indent=1) + "\n")

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a registration.

        Args:
            file: The file.

        Raises:
            BenchError: The file is not there, is none, or was changed after it was written.
        """
        content = _read_object(file)
        stated = content.pop("id", "")
        if content.get("format") != FORMAT:
            raise BenchError(f"{file}: is no registration of format {FORMAT}; see bench register")
        try:
            registration = cls.model_validate_json(json.dumps(content))
        except ValidationError as error:
            fault = error.errors()[0]
            place = "".join(f"{part}: " for part in [".".join(map(str, fault["loc"]))] if part)
            raise BenchError(f"{file}: is no registration: {place}{fault['msg']}") from error
        if registration.id != stated:
            raise BenchError(
                f"{file}: was changed after it was written: its fields have the id "
                f"{registration.id[:16]}..., not {str(stated)[:16]}...; take the file that was "
                "written, or register again"
            )
        return registration


def _read_object(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BenchError(
                f"{file}: is too large for a registration; give a file of bench register"
            )
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{file}: is no JSON: {error}; give a file of bench register") from error
    if not isinstance(content, Mapping):
        raise BenchError(f"{file}: holds no JSON object; give a file of bench register")
    return dict(content)
