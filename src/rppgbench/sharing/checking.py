"""Check a bundle to the last byte, and open it where a results folder is expected."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rppgbench.analysis.stored_results import describe_import
from rppgbench.sharing import bundle_facts
from rppgbench.sharing.archive import Archive
from rppgbench.sharing.bundle_facts import BundleFacts, bundle_id, read_bundle_json
from rppgbench.sharing.contents import RESULTS
from rppgbench.system.errors import BenchError, MachineError
from rppgbench.system.io_errors import writing

MAX_FACTS = 1 << 26
"""Bytes of a `bundle.json`: a list of 20,000 files takes some 4 MB."""

AGAIN = "get the file again from its source"
NAME = re.compile(rf".*-([0-9a-f]{{{bundle_facts.ID_DIGITS}}})")


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """A bundle of which every byte was checked.

    Attributes:
        file: The file.
        id: The digest of its `bundle.json`.
        named: Whether the id was known beforehand, from the name of the file or from the caller.
        summary: What it says of itself.
        archive: Its files.
    """

    file: Path
    id: str
    named: bool
    summary: BundleFacts
    archive: Archive

    def read(self, name: str, most: int = 1 << 28) -> bytes:
        """The content of one file.

        Args:
            name: Its name.
            most: The largest length that is read.

        Raises:
            BenchError: There is no such file, or it is longer.
        """
        return read_member(self.archive, name, most)


def check_bundle(file: Path, expected_id: str = "") -> Bundle:
    """Check a bundle: its form, each file, and its id.

    Args:
        file: The bundle.
        expected_id: The id that it should have; "" takes the id in the file's name, if there is
            one.

    Returns:
        The bundle.

    Raises:
        BenchError: Any byte is not as it was written, or the id is another one.
    """
    archive = Archive(file)
    names = [member.name for member in archive.members]
    if not names or names[0] != bundle_facts.FILE:
        raise BenchError(f"{file}: does not begin with {bundle_facts.FILE}: not a bundle, {AGAIN}")
    data = read_member(archive, bundle_facts.FILE, MAX_FACTS)
    try:
        summary, files = read_bundle_json(data)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{file}: {bundle_facts.FILE}: {error}") from error
    _check_names(file, names[1:], sorted(files))
    for member in archive.members[1:]:
        state = hashlib.sha256()
        for chunk in archive.chunks(member.name):
            state.update(chunk)
        if member.size != files[member.name].size or state.hexdigest() != files[member.name].sha256:
            raise BenchError(f"{file}: {member.name} is not what the bundle lists; {AGAIN}")
    identity = bundle_id(data)
    match = NAME.fullmatch(file.stem)
    expected = expected_id or (match.group(1) if match else "")
    if expected and expected.lower() != identity:
        raise BenchError(f"{file}: its id is {identity}, not {expected}: another bundle; {AGAIN}")
    _check_manifest(file, archive, summary)
    return Bundle(file=file, id=identity, named=bool(expected), summary=summary, archive=archive)


def _check_manifest(file: Path, archive: Archive, summary: BundleFacts) -> None:
    """BenchError where the bundle says something else of its results than their manifest."""
    try:
        manifest = json.loads(read_member(archive, f"{RESULTS}/manifest.json", MAX_FACTS))
        protocol = manifest["protocol"]
        in_manifest = {
            "protocol": {key: str(protocol[key]) for key in ("name", "digest", "title")},
            "evaluators": sorted(protocol["evaluators"]),
            "methods": sorted(manifest["methods"]),
            "datasets": sorted(manifest["data"]),
            "expected": int(manifest["expected"]),
            "imported": {
                name: describe_import(record)
                for name, record in manifest.get("imports", {}).items()
            },
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BenchError(f"{file}: {RESULTS}/manifest.json: {error!r}") from error
    in_summary = {
        "protocol": dict(summary.protocol),
        "evaluators": sorted(summary.evaluators),
        "methods": sorted(summary.methods),
        "datasets": sorted(summary.datasets),
        "expected": summary.expected,
        "imported": dict(summary.imported),
    }
    for key, value in in_manifest.items():
        if in_summary[key] != value:
            raise BenchError(f"{file}: {bundle_facts.FILE} and the manifest differ in {key}")


def _check_names(file: Path, names: list[str], listed: list[str]) -> None:
    added = sorted(set(names) - set(listed))
    missing = sorted(set(listed) - set(names))
    if added:
        raise BenchError(f"{file}: {added[0]} was added; {AGAIN}")
    if missing:
        raise BenchError(f"{file}: {missing[0]} is missing; {AGAIN}")
    if names != listed:
        raise BenchError(f"{file}: its files are in another order; {AGAIN}")


def read_member(archive: Archive, name: str, most: int) -> bytes:
    """The content of a file of an archive.

    Args:
        archive: The archive.
        name: The name of the file.
        most: The largest length that is read.

    Raises:
        BenchError: There is no such file, or it is longer.
    """
    sizes = {member.name: member.size for member in archive.members}
    if sizes.get(name, 0) > most:
        raise BenchError(f"{archive.file}: {name} has {sizes[name]} bytes, more than {most}")
    return b"".join(archive.chunks(name))


def extract_results(bundle: Bundle, folder: Path) -> None:
    """Write the results folder of a bundle.

    Args:
        bundle: A checked bundle.
        folder: An empty folder; nothing is written outside of it.

    Raises:
        BenchError: A name leads out of the folder.
        MachineError: A file cannot be written.
    """
    root = folder.resolve()
    with writing(folder, kind=MachineError):
        for member in bundle.archive.members:
            if not member.name.startswith(f"{RESULTS}/"):
                continue
            place = root / member.name.removeprefix(f"{RESULTS}/")
            if root not in place.resolve().parents:
                raise BenchError(f"{bundle.file}: {member.name} leads out of the folder")
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as stream:
                for chunk in bundle.archive.chunks(member.name):
                    stream.write(chunk)


@contextmanager
def results_folder(path: Path) -> Iterator[Path]:
    """A results folder, or that of a bundle in a temporary folder.

    Args:
        path: A results folder or a bundle.

    Yields:
        The folder.

    Raises:
        BenchError: The file is no bundle, or not as it was written.
    """
    if not path.is_file():
        yield path
        return
    with opened_bundle(check_bundle(path)) as folder:
        yield Path(folder)


def opened_bundle(bundle: Bundle) -> tempfile.TemporaryDirectory[str]:
    """The results folder of a bundle; it is deleted when the object is."""
    folder = tempfile.TemporaryDirectory(prefix="rppgbench-bundle-")
    try:
        extract_results(bundle, Path(folder.name))
    except BaseException:
        folder.cleanup()
        raise
    return folder


def output_folder(path: Path) -> Path:
    """Where pages of a results folder go: into it, or beside a bundle in a folder of its name."""
    return path.with_suffix("") if path.is_file() else path
