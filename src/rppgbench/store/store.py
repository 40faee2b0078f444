"""A results folder: estimates and truths, never scores."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from rppgbench.core.canonical_order import ordered_items, ordered_records
from rppgbench.core.controls import INPUT_CONTROLS
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import GroundTruth
from rppgbench.store.schema import (
    ESTIMATES,
    OBSERVED,
    RecordingInfo,
    estimate_from_row,
    estimate_row,
    iterate_rows,
    read_table,
    recording_from_row,
    recording_row,
)
from rppgbench.system.atomic_files import PARTIAL, write_file
from rppgbench.system.errors import BenchError, MachineError, shortened

FORMAT, OLDEST_FORMAT = 4, 2
"""The format that is written, and the oldest that is read: 3 added heart rates of estimates, 4 the
confidence that a method gives."""

RUN, ORDER, MADE_BY = "run", b"order", b"provenance"
PROVENANCE = "provenance"
REGISTRATION = "registration.json"
ENERGY = "energy.jsonl"
READ = "read_s"
OWN = frozenset(
    {".lock", "models", "estimates", "recordings", PROVENANCE, "plan.json", "errors.log"}
    | {REGISTRATION, ENERGY}
)

Seen = dict[tuple[str, str, str], RecordingInfo]
"""What was last seen of every recording, by data set, name and condition."""


JOINABLE = frozenset(
    {"digest", "name", "title", "about", "source", "evaluators"}
    | {"methods", "params", "regions", "seeds", "controls"}
)
"""Keys of a protocol that may differ from those of stored results: texts, how estimates are scored,
and what is named by every stored estimate itself. All other keys say on which data is tested, and
what is done to the data."""

MAX_CHARACTERS = 80
"""Of a setting in the refusal of a folder."""

MAX_DIFFERENCES = 3
"""How many settings the refusal of a folder names."""


class Store:
    """Reads and writes one results folder.

    Every part is a Parquet file named by the digest of its bytes, written under another name and
    moved into place: a reader sees it whole or not at all, and a part that was cut, changed or
    copied in from elsewhere is named. `plan.json` lists the jobs that the table is made of,
    `manifest.json` what was declared. A part names the run that made it, and at which step:
    `provenance/` holds what each run that made something said of itself. A run that makes nothing
    changes nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._step = 0
        self._made_by: Mapping[str, Any] = {RUN: 0}

    @property
    def manifest(self) -> dict[str, Any]:
        """What was declared: protocol, methods, data; and the command that declared it."""
        return self._read("manifest.json")

    def begin(
        self,
        manifest: Mapping[str, Any],
        jobs: Sequence[str],
        made_by: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the folder ready for these jobs, or refuse one that holds something else.

        Args:
            manifest: What the manifest is to say: what is declared, and the command.
            jobs: The digests of the planned estimates.
            made_by: What this run says of itself (versions, commit, machine, device, time,
                command): it is written with the first part, and every part refers to it.

        Raises:
            BenchError: the folder holds results of another protocol or format, or other files.
            MachineError: it cannot be written.
        """
        file = self.folder / "manifest.json"
        self.require_joinable(manifest["protocol"])
        existing = self.manifest if file.exists() else {}
        if existing and existing.get("imports") != manifest.get("imports"):
            raise BenchError(
                f"{self.folder}: holds results that are imported from elsewhere, or other ones "
                "than these; give another --out"
            )
        try:
            for name in ("estimates", "recordings"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            self._delete_partial_files()
            runs = [int(provenance[RUN]) for provenance in self.provenances().values()]
            self._made_by = {**(made_by or {}), RUN: 1 + max(runs, default=0)}
            plan, text = (
                json.dumps({"jobs": sorted(jobs)}),
                _as_json({"format": FORMAT, **manifest}),
            )
            place = self.folder / "plan.json"
            if not place.exists() or place.read_text(encoding="utf-8") != plan:
                write_file(place, plan)
            if _without_command(existing) != _without_command(json.loads(text)):
                write_file(file, text)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def require_joinable(self, protocol: Mapping[str, Any]) -> None:
        """Refuse a folder that results of a protocol cannot be added to.

        Args:
            protocol: The protocol as a manifest has it.

        Raises:
            BenchError: The folder holds other files, or results of a protocol that differs in
                more than `JOINABLE`; the message names the settings.
        """
        if not (self.folder / "manifest.json").exists():
            # OWN alone is what a run leaves that was killed before its manifest was written.
            if self.folder.is_dir() and any(
                p.name not in OWN and not p.name.startswith(PARTIAL) for p in self.folder.iterdir()
            ):
                raise BenchError(
                    f"{self.folder}: holds other files than results; give another --out"
                )
            return
        existing = self.manifest["protocol"]
        differences = list(_differences(existing, protocol))
        if differences:
            more = len(differences) - MAX_DIFFERENCES
            shown = "; ".join(differences[:MAX_DIFFERENCES])
            shown += f"; {more} more" if more > 0 else ""
            raise BenchError(
                f"{self.folder}: holds results of protocol {existing['name']!r} with other "
                f"settings: {shown}; give another --out"
            )

    @property
    def begun(self) -> bool:
        """Whether a run or an import has begun in the folder, and its estimates can be read."""
        return (self.folder / "manifest.json").is_file() and (self.folder / "estimates").is_dir()

    def done(self) -> set[str]:
        """The digests of all stored estimates."""
        jobs: set[str] = set()
        for file in self.parts("estimates"):
            jobs.update(read_table(file, ESTIMATES, ["job"])["job"].to_pylist())
        return jobs

    def planned(self) -> set[str]:
        """The digests of the jobs that the last run was to do."""
        return set(self._read("plan.json")["jobs"])

    def jobs_without_estimate(self) -> set[str]:
        """The digests of stored jobs that have a reason in place of an estimate."""
        tables = self._tables("estimates", ESTIMATES, ["job", "reason"])
        last = {row["job"]: row["reason"] for table in tables for row in table.to_pylist()}
        return {job for job, reason in last.items() if reason}

    def add_batch(self, observed: Sequence[RecordingInfo], estimates: Sequence[Estimate]) -> None:
        """Store what was seen of recordings, then their estimates; nothing where both are empty.

        Args:
            observed: what was seen of recordings.
            estimates: estimates of these recordings, or of recordings that are stored already.
        """
        if observed:
            self.add_observed(observed)
        if estimates:
            self.add(estimates)

    def add(self, estimates: Sequence[Estimate]) -> None:
        """Store estimates, all or none."""
        rows = [estimate_row(estimate) for estimate in estimates]
        self._write("estimates", pa.Table.from_pylist(rows, schema=ESTIMATES))

    def add_observed(self, observed: Sequence[RecordingInfo]) -> None:
        """Store what was seen of recordings, all or none."""
        rows = [recording_row(recording) for recording in observed]
        self._write("recordings", pa.Table.from_pylist(rows, schema=OBSERVED))

    def provenance(self) -> str:
        """The name of what this run says of itself; it is stored from now on."""
        data = _as_json(self._made_by).encode()
        name = part_digest(data)
        file = self.folder / PROVENANCE / f"{name}.json"
        try:
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                write_file(file, data)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return name

    def provenances(self) -> dict[str, dict[str, Any]]:
        """What each run that made something said of itself, by name."""
        provenances = {}
        for file in sorted((self.folder / PROVENANCE).glob("[!.]*")):
            if file.suffix != ".json" or part_digest(file.read_bytes()) != file.stem:
                raise BenchError(
                    f"{file}: no provenance of these results, or damaged (its bytes do not fit "
                    "its name); bring it back, or move the folder away and run the protocol again"
                )
            provenances[file.stem] = json.loads(file.read_text(encoding="utf-8"))
        return provenances

    def counts_by_provenance(self) -> dict[str, dict[str, int]]:
        """How many planned estimates and recordings each run made: name -> kind of part -> count.

        BenchError where a part names a run that nothing is stored of.
        """
        planned = self.planned()
        kinds = {
            "estimate": ("estimates", ESTIMATES, ["job"]),
            "recording": ("recordings", OBSERVED, ["dataset", "recording", "condition"]),
        }
        counts_by_name: dict[str, dict[str, int]] = {}
        provenances = self.provenances()
        for noun, (kind, schema, columns) in kinds.items():
            last = {}
            for table in self._tables(kind, schema, columns):
                name = (table.schema.metadata or {}).get(MADE_BY, b"").decode()
                if name not in provenances:
                    raise BenchError(
                        f"{self.folder}: {PROVENANCE}/{name}.json is missing: it says which "
                        "versions made a part; bring it back, or run the protocol again elsewhere"
                    )
                for row in zip(*(table[column].to_pylist() for column in columns), strict=True):
                    if kind != "estimates" or row[0] in planned:
                        last[row] = name
            for name in last.values():
                counts = counts_by_name.setdefault(name, {})
                counts[noun] = counts.get(noun, 0) + 1
        return counts_by_name

    def log(self, text: str) -> None:
        """Add to the log of faults of our own."""
        try:
            with (self.folder / "errors.log").open("a", encoding="utf-8") as log:
                log.write(text)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def estimates(self, **fields: str | int) -> list[Estimate]:
        """The planned estimates, or those of them whose fields are as `fields`, in their order.

        Of a job that is stored more than once the last counts.
        """
        planned = self.planned()
        estimates = {
            row["job"]: estimate_from_row(row)
            for table in self._tables("estimates", ESTIMATES)
            for row in iterate_rows(table)
            if row["job"] in planned
            if all(row[key] == value for key, value in fields.items())
        }
        return ordered_records(estimates.values())

    def read(self, *, partial: bool = False) -> tuple[list[Estimate], Seen]:
        """All planned estimates, and what was seen of every recording.

        BenchError where some of it is not there, because a run was interrupted or a part was lost:
        a table of the rest would look whole. With `partial` the rest is read all the same.
        """
        estimates, observed = self.estimates(), self.observed()
        if not estimates:
            raise BenchError(f"{self.folder}: no estimate stored yet; run the protocol first")
        advice = (
            "run its command again, what is there stays; bench report --partial shows what is there"
        )
        planned = len(self.planned())
        if not partial and len(estimates) < planned:
            raise BenchError(
                f"{self.folder}: {planned - len(estimates)} of {planned} planned estimates are "
                f"missing: a run was stopped, or a file was lost; {advice}"
            )
        unseen = {(e.dataset, e.recording, e.condition) for e in estimates} - observed.keys()
        if unseen:
            raise BenchError(
                f"{self.folder}: nothing is stored of {len(unseen)} recordings that have "
                f"estimates, such as {'/'.join(min(unseen)[:2])}: a file of recordings/ was lost; "
                "move the folder away and run the protocol again"
            )
        return estimates, observed

    def failed(self) -> dict[str, str]:
        """Data set and name of each recording of which something planned is missing, and why.

        That is an estimate, or the truth to score it by: labels that cannot be read. Where there
        are several conditions, each is named.
        """
        planned = self.planned()
        columns = ["job", "dataset", "recording", "condition", "reason"]
        tables = self._tables("estimates", ESTIMATES, columns)
        last = {row["job"]: row for t in tables for row in t.to_pylist() if row["job"] in planned}
        # A method that answers nothing without a pulse is right: no fault of a control.
        rows = [last[job] for job in sorted(last) if last[job]["condition"] not in INPUT_CONTROLS]
        several = len({row["condition"] for row in rows}) > 1
        tables = self._tables("recordings", OBSERVED, columns[1:])
        seen = (row for t in tables for row in t.to_pylist())
        reasons = {
            _name(row, several): row["reason"]
            for row in seen
            if row["condition"] not in INPUT_CONTROLS
        }
        names = {_name(row, several) for row in rows}
        reasons_by_name = {
            name: {why: None} for name, why in reasons.items() if why and name in names
        }
        for row in sorted(rows, key=lambda row: (_name(row, several), row["reason"])):
            if row["reason"]:
                reasons_by_name.setdefault(_name(row, several), {})[row["reason"]] = None
        return ordered_items({name: "; ".join(why) for name, why in reasons_by_name.items()})

    def missing(self) -> int:
        """How many planned estimates are not there."""
        return len(self.planned() - self.done())

    def observed(self) -> Seen:
        """What was last seen of every recording, by data set, name and condition, in their order.

        Each part says itself at which run and step it was written: clocks are not compared. What a
        recording took to read is what its first reading took: later ones find it in the cache.
        """
        recordings: Seen = {}
        for table in self._tables("recordings", OBSERVED):
            for row in iterate_rows(table):
                recording = recording_from_row(row)
                key = recording.dataset, recording.recording, recording.condition
                if (
                    key in recordings
                    and {READ} <= recording.metadata.keys() & recordings[key].metadata.keys()
                ):
                    recording = replace(
                        recording,
                        metadata={**recording.metadata, READ: recordings[key].metadata[READ]},
                    )
                recordings[key] = recording
        return {
            (o.dataset, o.recording, o.condition): o for o in ordered_records(recordings.values())
        }

    def ground_truths(self) -> dict[tuple[str, str], GroundTruth]:
        """The truth of every recording, by data set and name."""
        return {
            (d, name): recording.ground_truth for (d, name, _), recording in self.observed().items()
        }

    @contextmanager
    def locked(self) -> Iterator[Self]:
        """Hold the folder for one run: two at once would do the work twice."""
        with _Lock(self.folder):
            yield self

    def _delete_partial_files(self) -> None:
        """Delete what killed runs left half-written; the folder is locked by this run."""
        for folder in (self.folder, self.folder / "estimates", self.folder / "recordings"):
            for file in folder.glob(f"{PARTIAL}*"):
                file.unlink(missing_ok=True)

    def _tables(
        self, kind: str, schema: pa.Schema, columns: list[str] | None = None
    ) -> list[pa.Table]:
        """The parts, or some of their columns, from the first that was written to the last."""
        return sorted(
            (read_table(file, schema, columns) for file in self.parts(kind)), key=_part_order
        )

    def parts(self, kind: str) -> list[Path]:
        """The files of "estimates" or "recordings" by name; any other file there is refused."""
        folder = self.folder / kind
        if not folder.is_dir():
            raise BenchError(f"{self.folder}: no results here (no {kind}/); run `bench run` first")
        parts = []
        for file in sorted(folder.iterdir()):
            if file.name.startswith(PARTIAL):
                continue  # what a killed run left; it was never part of the results
            if file.suffix != ".parquet" or len(file.stem) != 32:
                raise BenchError(f"{file}: not a part of these results; move it away")
            if part_digest(file.read_bytes()) != file.stem:
                raise BenchError(
                    f"{file}: damaged (its bytes do not fit its name); "
                    "delete it and run the protocol again: only its jobs are done anew"
                )
            parts.append(file)
        return parts

    def _write(self, kind: str, table: pa.Table) -> None:
        self._step += 1
        about = {
            ORDER: b"%d %d" % (self._made_by[RUN], self._step),
            MADE_BY: self.provenance().encode(),
        }
        sink = pa.BufferOutputStream()
        pq.write_table(table.replace_schema_metadata(about), sink, compression="zstd")
        data = sink.getvalue().to_pybytes()
        name = part_digest(data)
        try:
            write_file(self.folder / kind / f"{name}.parquet", data)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def _read(self, name: str) -> dict[str, Any]:
        file = self.folder / name
        try:
            content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BenchError(f"{self.folder}: no results here (no {name})") from None
        except (OSError, ValueError) as error:
            raise BenchError(f"{file}: not readable ({error}); run the protocol again") from error
        if not isinstance(content, dict):
            raise BenchError(f"{file}: holds no table of facts; run the protocol again")
        if content.get("format", FORMAT) < OLDEST_FORMAT:
            raise BenchError(
                f"{file}: written by an older version (format {content['format']}, this one reads "
                f"{OLDEST_FORMAT} and later: each part says what made it); run the protocol again "
                "with another --out"
            )
        if content.get("format", FORMAT) > FORMAT:
            raise BenchError(
                f"{file}: written by a newer version (format {content['format']}, this one knows "
                f"{FORMAT}); update rppgbench"
            )
        return content


class _Lock:
    """An advisory lock on the folder that ends with the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.descriptor = -1

    def __enter__(self) -> None:
        try:
            import fcntl
        except ImportError:  # Windows has no advisory locks of this kind
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self.descriptor, 100).decode(errors="replace") or "unknown"
            os.close(self.descriptor)
            raise MachineError(
                f"{self.folder}: another run is at work here (process {holder}); wait for it"
            ) from None
        os.ftruncate(self.descriptor, 0)
        os.write(self.descriptor, str(os.getpid()).encode())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


def part_digest(data: bytes) -> str:
    """The name of a file by its bytes."""
    return hashlib.sha256(data).hexdigest()[:32]


def _as_json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=True)


def _differences(existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """The settings in which two protocols differ, with both values; those of tables one by one."""
    for key in sorted({*existing, *wanted} - JOINABLE):
        before, now = existing.get(key), wanted.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            for inner in _differences(before, now):
                yield f"{key}.{inner}"
        elif before != now:
            there, here = (shortened(_setting(value), MAX_CHARACTERS) for value in (before, now))
            yield f"{key} is {there} there and {here} here"


def _setting(value: object) -> str:
    return "not stated" if value is None else json.dumps(value)


def _without_command(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without the command: two commands may declare the same."""
    return {key: value for key, value in manifest.items() if key != "command"}


def _unwritable(folder: Path, error: OSError) -> MachineError:
    return MachineError(f"{folder}: cannot write results: {error.strerror}; give another --out")


def _part_order(table: pa.Table) -> list[int]:
    """At which run and step a part was written; parts of versions that did not say come first."""
    numbers = (table.schema.metadata or {}).get(ORDER, b"").split()
    return [int(word) for word in numbers if word.isdigit()]


def _name(row: Mapping[str, Any], several: bool) -> str:
    name = f"{row['dataset']}/{row['recording']}"
    return f"{name}, {row['condition']}" if several else name
