"""The recordings that predictions are expected of: those of a protocol or of a data set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rppgbench.core.protocol import WITHOUT_PROTOCOL, Protocol, Simulation, read_protocol
from rppgbench.core.recording import Recording
from rppgbench.core.registry import find_toml, load_datasets
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.fingerprint import fingerprint_from_lines
from rppgbench.datasets.roots import check_roots, data_root
from rppgbench.execution.fold_layout import lay_out_folds
from rppgbench.execution.plan_records import UNTOUCHED
from rppgbench.execution.planned_recordings import protocol_recordings
from rppgbench.importing.options import ImportOptions
from rppgbench.system.errors import BenchError

EVALUATORS = ("beats_tukey", "li2023", "toolbox_2023", "pyvhr", "physbench")
"""The evaluators of predictions that are imported without a protocol."""

Log = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A recording that a prediction belongs to.

    Attributes:
        dataset: name of the data set.
        name: name of the recording.
        subject: its subject; the recording's own name where nothing says it.
        fold: the fold that tests it.
        recording: the recording of a data set; None where the source alone names it.
    """

    dataset: str
    name: str
    subject: str
    fold: str
    recording: Recording | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """Data set and name."""
        return self.dataset, self.name


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What predictions are expected of.

    Attributes:
        protocol: the protocol, declared or made for the import.
        protocol_name: its name.
        condition: the name of the untouched condition.
        targets: the recordings; None where the source decides.
        complete: whether each target has a row, with or without a prediction.
        data: what the manifest says of the data sets.
        left_out: recordings that the protocol leaves out, and why.
        notes: lines for the page.
    """

    protocol: Protocol
    protocol_name: str
    condition: str = UNTOUCHED.name
    targets: tuple[Target, ...] | None = None
    complete: bool = False
    data: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def expected_recordings(options: ImportOptions, listing: Catalog, log: Log) -> Expected:
    """Find what predictions are expected of.

    Args:
        options: the protocol and the roots of data sets.
        listing: the recordings of the data sets.
        log: takes lines that begin with "note: ".

    Returns:
        The test recordings of the protocol; without one the recordings of the data sets; without
        these, whatever the source holds.

    Raises:
        BenchError: a name is unknown, data is missing, or the protocol has no untouched condition.
    """
    if options.protocol:
        return _of_protocol(options, listing, log)
    if options.data:
        for name in options.data:
            load_datasets().get("data set", name, "--data")
        roots = {
            name: data_root(load_datasets().available[name], options.data) for name in options.data
        }
        protocol = imported_protocol(list(roots), options.method)
        recordings, left_out = protocol_recordings(protocol, roots, listing)
        return Expected(
            protocol=protocol,
            protocol_name=WITHOUT_PROTOCOL,
            targets=tuple(_target(recording, "whole") for recording in recordings.values()),
            data=_data(roots, recordings, listing),
            left_out=left_out,
        )
    return Expected(
        protocol=imported_protocol([WITHOUT_PROTOCOL], options.method),
        protocol_name=WITHOUT_PROTOCOL,
    )


def imported_protocol(datasets: list[str], method: str) -> Protocol:
    """The record of an import without a protocol: every recording is tested.

    Args:
        datasets: names of the data sets.
        method: name of the method.
    """
    return Protocol(
        title="Imported predictions",
        about="Predictions that were made elsewhere, scored here. All of their recordings are "
        "tested; there is no training here and no number of recordings to reach.",
        source="the source of the predictions",
        pretrain=[],
        train=[],
        test=datasets,
        split="whole",
        without_known_bad=False,
        recordings=0,
        methods=[method],
        regions=["skin"],
        seeds=[0],
        conditions=[],
        train_on="clean",
        evaluators=list(EVALUATORS),
        params={},
        simulation=Simulation(subjects=1, seconds=30.0, difficulty="paper", seed=0),
    )


def _of_protocol(options: ImportOptions, listing: Catalog, log: Log) -> Expected:
    name = options.protocol
    protocol = read_protocol(find_toml("protocols", "protocol", name, "--protocol"))
    file = f"protocols/{name}.toml"
    check_roots(options.data, protocol.test, f"the test of protocol {name}")
    condition = protocol.untouched
    if protocol.conditions and condition not in {c.name for c in protocol.conditions}:
        raise BenchError(
            f"--protocol {name}: tests changed videos alone, and imported predictions are of "
            "untouched ones; choose another protocol"
        )
    roots = {
        dataset: data_root(load_datasets().get("data set", dataset, file), options.data, tell=log)
        for dataset in protocol.test
    }
    recordings, left_out = protocol_recordings(protocol, roots, listing)
    folds = lay_out_folds(protocol, roots, recordings, file)
    sides, notes = folds.sides, list(folds.notes)
    targets = tuple(_target(recording, side.fold) for side in sides for recording in side.test)
    several = len({target.key for target in targets}) < len(targets)
    if several:
        notes = [*notes, "a recording that several folds test has the same prediction in each"]
    return Expected(
        protocol=protocol,
        protocol_name=name,
        condition=condition,
        targets=targets,
        complete=True,
        data=_data(roots, recordings, listing),
        left_out=left_out,
        notes=tuple(notes),
    )


def _target(recording: Recording, fold: str) -> Target:
    return Target(
        dataset=recording.dataset,
        name=recording.name,
        subject=recording.subject,
        fold=fold,
        recording=recording,
    )


def _data(
    roots: Mapping[str, Path], recordings: Mapping[tuple[str, str], Recording], listing: Catalog
) -> dict[str, dict[str, str]]:
    """Root and fingerprint of each data set."""
    lines = dict(zip(recordings, listing.lines(recordings.values()), strict=True))
    return {
        name: {
            "root": str(root),
            "fingerprint": fingerprint_from_lines(
                line for key, line in lines.items() if key[0] == name
            ),
        }
        for name, root in roots.items()
    }
