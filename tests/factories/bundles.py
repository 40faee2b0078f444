"""Bundles made up from a seed, and archives that somebody has tampered with."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rppgbench.sharing.archive import Archive, write_archive
from rppgbench.sharing.bundle import write_bundle
from rppgbench.sharing.checking import check_bundle
from rppgbench.sharing.contents import Sharing
from rppgbench.sharing.rederivation import Rederivation, record_json
from rppgbench.system.canonical_json import canonical_json

from . import stores

MADE_BY = {
    **stores.MADE_BY,
    "rppgbench": "0.1.0",
    "began": "2026-03-04T05:06:07+00:00",
    "command": "bench run --protocol made_up",
}


IMPORT: Mapping[str, Any] = {
    "source": "predictions.csv",
    "sha256": "0123456789abcdef" * 4,
    "format": "table",
    "assumptions": ["times are seconds"],
    "references": "the source itself",
    "cite": "Anybody, A Network, 2024",
}
"""What the manifest says of a method whose predictions were imported."""


def write(
    folder: Path,
    methods: Sequence[str] = ("pos", "chrom"),
    *,
    sharing: Sharing | None = None,
    more: Mapping[str, Any] | None = None,
    seed: int = 3,
    made_by: Mapping[str, Any] = MADE_BY,
    out: Path | None = None,
) -> Path:
    """A bundle of made-up estimates; the results folder stays beside it."""
    made = stores.estimates(methods, seed=seed)
    stores.write(folder, made, more=more, made_by=made_by)
    return write_bundle(folder, out, sharing or Sharing(by="Ann Lee"))


def contents(file: Path) -> dict[str, bytes]:
    """The files of a bundle by name, in their order."""
    archive = Archive(file)
    return {member.name: b"".join(archive.chunks(member.name)) for member in archive.members}


def rewrite(file: Path, files: Mapping[str, bytes]) -> None:
    """Replace an archive by one of these files, in the form of a bundle."""
    with file.open("wb") as stream:
        write_archive(stream, list(files.items()))


def list_again(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with a `bundle.json` that lists them as they are: its id is another one."""
    facts = json.loads(files["bundle.json"])
    rest = {name: data for name, data in sorted(files.items()) if name != "bundle.json"}
    facts["files"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in rest.items()
    }
    return {"bundle.json": canonical_json(facts), **rest}


def forge(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Change the files of a bundle, list them again, and name the bundle by its new id."""
    files = contents(file)
    change(files)
    files = list_again(files)
    new_id = hashlib.sha256(files["bundle.json"]).hexdigest()[:32]
    forged = file.with_name(f"{file.stem.rpartition('-')[0]}-{new_id}.zip")
    rewrite(forged, files)
    return forged


def record(file: Path, by: str = "Bob Ray", *, differing: Sequence[str] = ()) -> Path:
    """A record, beside a bundle, that somebody made it again."""
    facts = Rederivation(
        bundle=check_bundle(file).id,
        by=by,
        made_at="2026-04-05T06:07:08+00:00",
        rppgbench="0.1.0",
        commit="abc",
        seed=0,
        estimates=4,
        stored=8,
        differing=tuple(differing),
        references=4,
        scores=8,
        notes=(),
    )
    place = file.with_name(f"{file.stem}-{by.split(maxsplit=1)[0].lower()}.json")
    place.write_text(record_json(facts))
    return place
