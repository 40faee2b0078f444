"""What a user states about predictions that are imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.opening import open_predictions
from rppgbench.predictions.record import Kind, PredictionSource
from rppgbench.system.errors import BenchError, one_line

FORBIDDEN = frozenset("\"'<>|,;:*?\\/=")
"""What the name of a method does not hold: it stands in tables, files and command lines."""

MOST_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """Which predictions are imported, and what the user says of them.

    Attributes:
        source: the file or folder.
        method: the name of the method in results. A source with several methods has one method
            `NAME_THEIRS` each.
        out: the results folder.
        format: the format of the source; empty recognises it.
        protocol: the protocol whose test recordings are expected; empty for none.
        data: the root of each data set, by name.
        reference: a file or folder with the references, in any format of predictions.
        fs: samples per second, for sources that do not state them.
        kind: which signal is the prediction where a source has waveforms and heart rates.
        names: a CSV file of names: source, recording.
        trained_on: the data sets that the method was trained on.
        cite: what is to be cited.
        simulated: whether the recordings are simulated, where no data set says so.
        command: the command line, for the page.
    """

    source: Path
    method: str
    out: Path
    format: str = ""
    protocol: str = ""
    data: Mapping[str, Path] = field(default_factory=dict)
    reference: Path | None = None
    fs: float | None = None
    kind: Kind | None = None
    names: Path | None = None
    trained_on: tuple[str, ...] = ()
    cite: str = ""
    simulated: bool = False
    command: str = ""


def open_source(options: ImportOptions) -> PredictionSource:
    """The predictions; BenchError as `open_predictions` raises."""
    return open_predictions(
        options.source, ReadOptions(fs=options.fs, kind=options.kind), options.format or None
    )


def open_references(options: ImportOptions) -> PredictionSource | None:
    """The references of `--reference`; BenchError as `open_predictions` raises."""
    if options.reference is None:
        return None
    return open_predictions(options.reference, ReadOptions(fs=options.fs))


def check_method_name(name: str) -> None:
    """Refuse a name that cannot stand in a table, or that is a method of this suite.

    Raises:
        BenchError: the name is such a one.
    """
    usable = name.isprintable() and not any(c.isspace() for c in name) and not FORBIDDEN & set(name)
    if not name or not usable or len(name) > MOST_CHARACTERS or name[0] in "=+-@.":
        raise BenchError(
            f"--method {one_line(name)!r}: is no name; give up to {MOST_CHARACTERS} letters, "
            "digits, dots, hyphens or underscores"
        )
    loaded = load_methods()
    if name in loaded.available or name in loaded.unavailable:
        raise BenchError(
            f"--method {name}: is a method of this suite, and imported predictions are none of its "
            f"results; give another name, such as {name}_imported"
        )


def check_trained_on(names: tuple[str, ...]) -> list[str]:
    """A note for each data set of `--trained-on` that is not known here."""
    loaded = load_datasets()
    known = {*loaded.available, *loaded.unavailable}
    return [
        f"--trained-on {one_line(name)}: no data set of this name is known here, so no row is "
        "marked as trained on it"
        for name in names
        if name not in known
    ]
