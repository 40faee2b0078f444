"""What every table, figure and file says of data that are simulated or imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SIMULATED = "SIMULATED DATA"
IMPORTED = "IMPORTED, NOT RUN HERE"
FILE_PREFIXES = {SIMULATED: "SIMULATED_", IMPORTED: "IMPORTED_"}


@dataclass(frozen=True, kw_only=True)
class DataMarks:
    """Which numbers do not come from methods run here on recordings of people.

    Attributes:
        simulated: Whether any recording is simulated.
        imported: Methods whose predictions were imported: method -> source, digest of the source,
            format and assumptions, in a sentence.
        twins: The twins, with their versions, that simulated recordings were drawn from.
    """

    simulated: bool = False
    imported: Mapping[str, str] = field(default_factory=dict)
    twins: tuple[str, ...] = ()

    @property
    def present(self) -> bool:
        """Whether anything is marked."""
        return self.simulated or bool(self.imported)

    @property
    def short(self) -> str:
        """The marks for a figure or a heading; "" where nothing is marked.

        >>> DataMarks(simulated=True, imported={"net": "net.csv"}).short
        'SIMULATED DATA; IMPORTED, NOT RUN HERE: net'
        """
        parts = [simulated_text(self.twins)] if self.simulated else []
        if self.imported:
            parts.append(f"{IMPORTED}: {', '.join(self.imported)}")
        return "; ".join(parts)

    @property
    def full(self) -> str:
        """The marks for a caption, with the source of each imported method; "" without a mark.

        >>> DataMarks(imported={"net": "net.csv, sha256 12ab"}).full
        'IMPORTED, NOT RUN HERE: net from net.csv, sha256 12ab.'
        """
        parts = [f"{simulated_text(self.twins)}."] if self.simulated else []
        if self.imported:
            parts.append(f"{IMPORTED}: {self.sources}.")
        return " ".join(parts)

    @property
    def sources(self) -> str:
        """Where each imported method comes from.

        >>> DataMarks(imported={"net": "net.csv, sha256 12ab"}).sources
        'net from net.csv, sha256 12ab'
        """
        return "; ".join(f"{name} from {source}" for name, source in self.imported.items())

    @property
    def file_prefix(self) -> str:
        """What the names of files begin with.

        >>> DataMarks(simulated=True).file_prefix, DataMarks().file_prefix
        ('SIMULATED_', '')
        """
        present = {SIMULATED: self.simulated, IMPORTED: bool(self.imported)}
        return "".join(FILE_PREFIXES[mark] for mark, shown in present.items() if shown)

    def caption(self, text: str) -> str:
        """A caption with the marks before it.

        >>> DataMarks(simulated=True).caption("Errors")
        'SIMULATED DATA. Errors'
        """
        return f"{self.full} {text}".strip()

    def of_method(self, method: str) -> str:
        """Where the numbers of a method were imported from; "" for a method that was run here."""
        return f"{IMPORTED}: {self.imported[method]}" if method in self.imported else ""


def simulated_text(twins: Sequence[str]) -> str:
    """The mark of simulated data, with the twins that they were drawn from.

    >>> simulated_text(["pure_v1"])
    'SIMULATED DATA (twin pure_v1)'
    """
    return f"{SIMULATED} (twin {', '.join(twins)})" if twins else SIMULATED


UNMARKED = DataMarks()
