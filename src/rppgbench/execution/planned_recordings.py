"""The recordings of the data sets of a protocol, and what in their folders is not read."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rppgbench.core.protocol import Protocol
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.catalog import Catalog
from rppgbench.system.errors import BenchError


def protocol_recordings(
    protocol: Protocol, roots: Mapping[str, Path], listing: Catalog
) -> tuple[dict[tuple[str, str], Recording], dict[str, str]]:
    """The recordings of data sets that a protocol takes.

    Args:
        protocol: the protocol; it may leave out recordings that are known to be bad.
        roots: the root of each data set.
        listing: the recordings of the data sets.

    Returns:
        The recordings by (data set, name), and why each of the others is left out.

    Raises:
        BenchError: two recordings of a set have one name, or a root holds no recording.
    """
    recordings: dict[tuple[str, str], Recording] = {}
    left_out = {}
    for name, root in roots.items():
        for recording in listing.recordings(name, root):
            if (name, recording.name) in recordings:
                raise BenchError(f"{root}: two recordings are named {recording.name!r}")
            if protocol.without_known_bad and recording.known_bad:
                left_out[f"{name}/{recording.name}"] = recording.known_bad
            else:
                recordings[name, recording.name] = recording
        if not any(key[0] == name for key in recordings):
            raise BenchError(f"{root}: no recordings of {name} here; bench data show {name}")
    return recordings, left_out


def unread_files(roots: Mapping[str, Path]) -> list[str]:
    """What lies in the folders of the data sets and is not read, a line each."""
    readers = (
        (name, root, load_datasets().available[name].leftovers) for name, root in roots.items()
    )
    return [f"{name}: {line}" for name, root, tell in readers if tell for line in tell(root)]


def shared_people(protocol: Protocol, recordings: Iterable[Recording]) -> list[str]:
    """A line for each test set that holds people of a set from which methods learn.

    Simulated people are of one set alone.

    Args:
        protocol: the protocol.
        recordings: the recordings that the protocol takes.
    """
    genuine = {recording.dataset for recording in recordings if not recording.simulated}
    available = load_datasets().available
    return [
        f"{test} and {learned} hold recordings of the same people: what learns from {learned} is "
        f"not tested on unknown people in {test}"
        for test in protocol.test
        for learned in sorted(genuine & set(available[test].same_people))
        if test in genuine and learned not in protocol.test
    ]
