"""bench spread: the same waveforms under every rule."""

import argparse
import json
import math
import os
from dataclasses import asdict
from typing import Any

from rppgbench.analysis.decomposition import EndpointName, decomposition_inputs
from rppgbench.cli import DONE
from rppgbench.cli.terminal import answer
from rppgbench.report.decomposition_inputs import DecompositionInputs, errors_frame
from rppgbench.report.decomposition_page import write_decomposition
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

BETWEEN = "toolbox_2023,pyvhr"

BOX, SKIN = "toolbox_box", "skin"
OF_BOX = "toolbox_"
"""Where no region is asked for, evaluators of this name take the box, as their toolbox does."""


def spread(args: argparse.Namespace) -> int:
    """Print errors and shares; write the page and its two CSV files."""
    store = Store(args.results)
    between = _between(args.between or BETWEEN)
    wanted = [BOX if name.startswith(OF_BOX) else SKIN for name, _ in between]
    inputs = decomposition_inputs(
        store, between, wanted=wanted, command=args.command_line, quiet=args.json
    )
    page = args.out or args.results / "spread.html"
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        written = write_decomposition(inputs, page)
    except OSError as error:
        raise BenchError(f"{page}: cannot be written: {error.strerror}") from error
    if args.json:
        answer(json.dumps(_facts(inputs), indent=1))
    else:
        _tell(inputs)
        for file in written:
            answer(os.fspath(file))
    return DONE


def _between(text: str) -> tuple[EndpointName, EndpointName]:
    """Two evaluators, each with a region after "@" if one is wanted."""
    parts = text.split(",")
    if len(parts) != 2 or not all(parts):
        raise BenchError(f"--between: {text!r} is not A,B or A@REGION,B@REGION, such as {BETWEEN}")
    asks = []
    for part in parts:
        name, _, region = part.partition("@")
        asks.append((name, region))
    return asks[0], asks[1]


def _facts(inputs: DecompositionInputs) -> dict[str, Any]:
    frame = errors_frame(inputs)
    keep = [*inputs.page.scores[0].by, "mae", "mae_low", "mae_high", "n_recordings", "n_windows"]
    rows = frame[["evaluator", *keep, "window_coverage"]].to_dict("records")
    return {
        "simulated": inputs.page.simulated,
        "errors": [{str(k): _plain(v) for k, v in row.items()} for row in rows],
        "first": inputs.first.label,
        "second": inputs.second.label,
        "splits": [
            {
                **dict(zip(inputs.by, one.row, strict=True)),
                "first_bpm": _plain(one.first_bpm),
                "second_bpm": _plain(one.second_bpm),
                "shares": {group: asdict(share) for group, share in one.shares.items()},
                "orders": one.orders,
                "of": one.of,
                "notes": list(one.notes),
            }
            for one in inputs.splits
        ],
    }


def _plain(value: Any) -> Any:
    """NaN is no JSON."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _tell(inputs: DecompositionInputs) -> None:
    page = inputs.page
    if page.simulated:
        answer("SIMULATED DATA: nothing here stands for a data set")
    by = list(page.scores[0].by)
    table = errors_frame(inputs).pivot_table(
        index="evaluator", columns=by, values="mae", sort=False, dropna=False
    )
    table = table.dropna(axis=1, how="all")
    names = ["/".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in table.columns]
    widths = [max(len(name), 7) for name in names]
    first = max(map(len, table.index))
    answer("mean absolute error in bpm, the same waveforms")
    answer(" ".join([" " * first, *(f"{n:>{w}}" for n, w in zip(names, widths, strict=True))]))
    for name, row in zip(table.index, table.to_numpy(), strict=True):
        answer(" ".join([f"{name:{first}}", *_numbers(row, widths)]))
    ranges = (table.max() - table.min()).to_numpy()
    answer(" ".join([f"{'range':{first}}", *_numbers(ranges, widths)]))
    answer(f"\nfrom {inputs.first.label} to {inputs.second.label}, in parts (bpm)")
    rows = ["/".join(one.row) for one in inputs.splits]
    first = max(map(len, rows), default=0)
    heads = ["first", *inputs.groups, "second"]
    answer(" ".join([" " * first, *(f"{head:>8}" for head in heads)]))
    for name, one in zip(rows, inputs.splits, strict=True):
        shares = [one.shares[g].value if g in one.shares else math.nan for g in inputs.groups]
        values = [one.first_bpm, *shares, one.second_bpm]
        answer(" ".join([f"{name:{first}}", *_numbers(values, [8] * len(values))]))
    noted: dict[str, list[str]] = {}
    for name, one in zip(rows, inputs.splits, strict=True):
        for note in one.notes:
            noted.setdefault(note, []).append(name)
    for note, names in noted.items():
        answer(f"note: {'all' if len(names) == len(rows) else ', '.join(names)}: {note}")
    answer("each part is the mean over all orders of the changes; the parts add up exactly")


def _numbers(values: Any, widths: list[int]) -> list[str]:
    pairs = zip(values, widths, strict=True)
    return [f"{'-' if math.isnan(v) else f'{round(v, 2) + 0.0:.2f}':>{w}}" for v, w in pairs]
