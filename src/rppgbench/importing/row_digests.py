"""What an imported row is made of, as a digest."""

from functools import cached_property

from rppgbench.core.registry import load_datasets
from rppgbench.datasets.catalog import Catalog
from rppgbench.digests.closures import import_code, reader_code
from rppgbench.digests.code_digest import Sources
from rppgbench.importing.options import ImportOptions
from rppgbench.importing.targets import Target
from rppgbench.predictions.record import PredictionSource
from rppgbench.predictions.registry import prediction_formats
from rppgbench.system.hashing import digest


class RowDigests:
    """The digests of the rows of one import.

    A digest holds the bytes of the source and of the references, what the user states of them, the
    code that reads them and sets them beside each other, and, where the references are the labels
    of a data set, its reader and the files of the recording.
    """

    def __init__(
        self,
        options: ImportOptions,
        source: PredictionSource,
        references: PredictionSource | None,
        listing: Catalog,
    ) -> None:
        """Digests of rows.

        Args:
            options: what the user states.
            source: the predictions.
            references: the source of references; None where the data set or the source has them.
            listing: the fingerprints of recordings.
        """
        self._options, self._source, self._references = options, source, references
        self._listing = listing
        self._sources = Sources()
        self._readers: dict[str, str] = {}

    def of_row(self, method: str, stored_name: str, name: str, target: Target) -> str:
        """The digest of one row.

        Args:
            method: the name of the method in the source.
            stored_name: its name in the results.
            name: the name of the recording in the source; "" without a prediction.
            target: the recording.
        """
        recording = target.recording
        return digest(
            [
                self._of_import,
                method,
                stored_name,
                name,
                target.dataset,
                target.name,
                target.fold,
                "" if recording is None else self._reader(recording.dataset),
                "" if recording is None else self._listing.line(recording),
            ]
        )

    @cached_property
    def _of_import(self) -> str:
        """What all rows have in common."""
        options, references = self._options, self._references
        return digest(
            [
                "imported",
                self._source.sha256,
                self._source.format,
                options.fs,
                options.kind,
                options.simulated,
                references.sha256 if references else "",
                self._code,
            ]
        )

    @property
    def _code(self) -> str:
        texts = (self._source.format, self._references.format if self._references else "")
        names = {name for text in texts for name in text.split(", ")}
        return import_code(sorted(names & prediction_formats().keys()), self._sources).digest

    def _reader(self, dataset: str) -> str:
        if dataset not in self._readers:
            declared = load_datasets().available[dataset]
            self._readers[dataset] = reader_code(declared, self._sources).digest
        return self._readers[dataset]
