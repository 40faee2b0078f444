"""A leaderboard as a static site: pages that open from the disk and ask for nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.report.rendering import asset, template_environment
from rppgbench.sharing.leaderboard_entries import Entry, Version
from rppgbench.sharing.leaderboard_tables import LEVEL, LeaderboardTable
from rppgbench.system.atomic_files import write_file
from rppgbench.system.errors import BenchError, MachineError
from rppgbench.system.io_errors import writing

if TYPE_CHECKING:
    from jinja2 import Environment

INDEX, RESULTS = "index.html", "results.html"
MARK = ".rppgbench-leaderboard"


def write_leaderboard(
    tables: Sequence[LeaderboardTable], folder: Path, *, min_subjects: int
) -> list[Path]:
    """Write the pages: an index, a page for each table, and a page with all results.

    Args:
        tables: The tables.
        folder: The folder of the site; pages of an earlier leaderboard there are replaced.
        min_subjects: Fewest subjects of a ranked entry, for the text.

    Returns:
        The pages; the index comes first.

    Raises:
        BenchError: The folder holds other things than a leaderboard.
        MachineError: It cannot be written.
    """
    names = {table.version: f"{page_name(table.version)}.html" for table in tables}
    shared: dict[str, Any] = {
        "names": names,
        "min_subjects": min_subjects,
        "level": LEVEL,
        "index": INDEX,
        "results": RESULTS,
    }
    pages = {INDEX: render("index.html.jinja", tables=tables, **shared)}
    for table in tables:
        pages[names[table.version]] = render("table.html.jinja", table=table, **shared)
    entries = [(table, entry) for table in tables for entry in table.entries]
    ordered = sorted(entries, key=lambda pair: _history_key(pair[1]))
    pages[RESULTS] = render("results.html.jinja", entries=ordered, **shared)
    return _write(pages, folder)


def _history_key(entry: Entry) -> tuple[str, ...]:
    """Entries of one method and maker follow each other by date, whatever their version."""
    version = entry.version
    return (
        *(version.protocol, version.evaluator, entry.method, entry.condition, entry.region),
        *(entry.by, entry.date, entry.bundle),
    )


def _write(pages: dict[str, str], folder: Path) -> list[Path]:
    with writing(folder, kind=MachineError):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / MARK).is_file():
            raise BenchError(f"--out: {folder} holds other files than a leaderboard")
        write_file(folder / MARK, "")
        for page in folder.glob("*.html"):
            if page.name not in pages:
                page.unlink()
        for name, text in pages.items():
            write_file(folder / name, text)
    return [folder / name for name in pages]


def page_name(version: Version) -> str:
    """The name of a table's page, without its suffix.

    >>> page_name(Version(protocol="ubfc", protocol_digest="0123456789abcdef", evaluator="li2023",
    ...                   evaluator_digest="fedcba9876543210", simulated=""))
    'ubfc-01234567-li2023-fedcba98'
    """
    parts = [
        version.protocol,
        version.protocol_digest[:8],
        version.evaluator,
        version.evaluator_digest[:8],
        *([f"simulated-{version.simulated[:8]}"] if version.simulated else []),
    ]
    return "-".join(re.sub(r"[^\w.]+", "-", part) for part in parts)


def render(template: str, **parts: object) -> str:
    """A page: the template with its parts, style and script. Every part is escaped.

    Args:
        template: The name of the template.
        **parts: What the template shows.
    """
    return (
        _environment()
        .get_template(template)
        .render(
            **parts,
            style=asset("page.css") + asset("leaderboard.css", "rppgbench.sharing"),
            script=asset("sorting.js") + asset("leaderboard.js", "rppgbench.sharing"),
        )
    )


@cache
def _environment() -> Environment:
    environment = template_environment("rppgbench.sharing")
    environment.filters |= {"bpm": _bpm, "signed": _signed, "percent": _percent, "p": _p}
    return environment


def _bpm(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else ""


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}" if math.isfinite(value) else ""


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _p(value: float) -> str:
    if not math.isfinite(value):
        return "not tested"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
