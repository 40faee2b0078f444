"""bench cache: show what lies in the cache, or delete parts of it."""

import argparse
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rppgbench.cli.command import Commands, add_actions, add_command
from rppgbench.cli.exit_codes import DONE
from rppgbench.cli.option_values import names, path, real
from rppgbench.cli.options import as_json
from rppgbench.cli.terminal import answer, answer_json
from rppgbench.system.errors import BenchError
from rppgbench.system.text_wrapping import aligned

if TYPE_CHECKING:
    from rppgbench.execution.cache_contents import CacheEntry, CacheGroup

UNITS = {"": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
HEADINGS = ("data set", "kind", "entries", "size", "days since last use", "in use")


def add_parser(commands: Commands) -> None:
    """Declare the two actions and their options."""
    actions = add_actions(
        commands,
        "cache",
        about="Show what lies in the cache, or delete parts of it.",
        example="bench cache show",
    )
    show_parser = add_command(
        actions,
        "show",
        show,
        about="Entries, sizes and ages by data set and kind: features, clips, models, simulated "
        "data.",
        example="bench cache show --json",
    )
    prune_parser = add_command(
        actions,
        "prune",
        prune,
        about="Delete entries by age, size or data set. What a running process uses stays.",
        example="bench cache prune --older-than 30 --to-size 50GB --dry-run",
    )
    prune_parser.add_argument(
        "--older-than", type=days, metavar="DAYS", help="not used for so many days"
    )
    prune_parser.add_argument(
        "--to-size",
        type=size,
        metavar="SIZE",
        help="until the entries have this size, those first whose last use is longest ago",
    )
    prune_parser.add_argument(
        "--dataset", type=names, metavar="SET,...", help="used by these data sets and no other"
    )
    prune_parser.add_argument(
        "--dry-run", action="store_true", help="say what would be deleted, and stop"
    )
    for parser in (show_parser, prune_parser):
        parser.add_argument(
            "--cache", dest="folder", type=path, metavar="DIR", help="the cache (RPPGBENCH_CACHE)"
        )
        as_json(parser)


def show(args: argparse.Namespace) -> int:
    """Print what lies in the cache."""
    from rppgbench.execution.cache_contents import group_entries, list_entries
    from rppgbench.system.byte_counts import format_bytes

    cache = _cache(args.folder)
    groups = group_entries(cache, list_entries(cache))
    total = sum(group.size for group in groups)
    if args.json:
        parts = [asdict(group) for group in groups]
        answer_json({"cache": str(cache), "size": total, "free": _free(cache), "groups": parts})
        return DONE
    rows = [HEADINGS, *map(_row, groups)] if groups else []
    for line in aligned(rows, left=range(len(HEADINGS))):
        answer(line)
    answer(f"{cache}: {format_bytes(total)}; {format_bytes(_free(cache))} are free")
    return DONE


def prune(args: argparse.Namespace) -> int:
    """Delete what is selected and print what was deleted."""
    from rppgbench.execution.cache_pruning import Selection, prune_cache
    from rppgbench.system.byte_counts import format_bytes

    if args.older_than is None and args.to_size is None and not args.dataset:
        raise BenchError(
            "bench cache prune: say what is to go: --older-than DAYS, --to-size SIZE or "
            "--dataset SET; bench cache show says what there is"
        )
    cache = _cache(args.folder)
    selection = Selection(
        datasets=args.dataset or (), older_than_days=args.older_than, to_size=args.to_size
    )
    pruned = prune_cache(cache, selection, dry_run=args.dry_run)
    if args.json:
        answer_json(
            {
                "cache": str(cache),
                "dry_run": args.dry_run,
                "deleted": [_entry(entry) for entry in pruned.deleted],
                "in_use": [_entry(entry) for entry in pruned.in_use],
                "kept": pruned.kept,
                "kept_size": pruned.kept_size,
            }
        )
        return DONE
    _answer_entries("would be deleted" if args.dry_run else "deleted", pruned.deleted)
    _answer_entries("left alone, a running process uses it", pruned.in_use)
    answer(f"{cache}: {pruned.kept:,} entries remain, {format_bytes(pruned.kept_size)}")
    return DONE


def days(text: str) -> float:
    """A number of days, 0 or more, or argparse's one line."""
    number = real(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days")
    return number


def size(text: str) -> float:
    """A number of bytes with or without a unit, or argparse's one line.

    >>> size("50GB"), size("1.5 MiB"), size("0")
    (50000000000.0, 1572864.0, 0.0)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 50GB or 500MiB")
    return float(match[1]) * UNITS[match[2]]


def _cache(folder: Path | None) -> Path:
    from rppgbench.datasets.roots import cache_folder
    from rppgbench.system.cache_use import USED

    cache = cache_folder(folder)
    if not (cache / USED).is_dir():  # any command that fills a cache makes it
        raise BenchError(f"{cache}: no cache here; give its folder by --cache")
    return cache


def _free(cache: Path) -> int:
    import shutil

    return shutil.disk_usage(cache).free


def _row(group: "CacheGroup") -> tuple[str, ...]:
    from rppgbench.execution.cache_contents import OTHER
    from rppgbench.system.byte_counts import format_bytes

    return (
        "" if group.kind == OTHER else _datasets(group.datasets),
        group.kind,
        f"{group.entries:,}",
        format_bytes(group.size),
        f"{group.youngest_days:.1f} to {group.oldest_days:.1f}",
        "yes" if group.in_use else "no",
    )


def _datasets(datasets: Sequence[str]) -> str:
    from rppgbench.execution.cache_contents import UNKNOWN

    return ", ".join(datasets) or UNKNOWN


def _entry(entry: "CacheEntry") -> dict[str, Any]:
    return {
        "folder": str(entry.folder),
        "datasets": list(entry.datasets),
        "sizes": dict(entry.sizes),
        "used_s": entry.used_s,
    }


def _answer_entries(what: str, entries: Sequence["CacheEntry"]) -> None:
    """A line for each data set and kind."""
    from rppgbench.system.byte_counts import format_bytes

    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        for kind, bytes_of_kind in entry.sizes.items():
            counts[_datasets(entry.datasets), kind] += 1
            sizes[_datasets(entry.datasets), kind] += bytes_of_kind
    for key in sorted(counts):
        answer(f"{what}: {key[0]}, {key[1]}: {counts[key]:,}, {format_bytes(sizes[key])}")
    if not entries and what.endswith("deleted"):
        answer(f"{what}: nothing")
