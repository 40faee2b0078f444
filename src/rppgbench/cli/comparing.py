"""bench compare: what changed between two results."""

import argparse
import json
import math
from dataclasses import asdict
from typing import Any

from rppgbench.analysis.compare import Comparison
from rppgbench.analysis.compare import compare_results as compared
from rppgbench.cli import DONE
from rppgbench.cli.terminal import answer
from rppgbench.store.store import Store

LONGEST = 60


def compare(args: argparse.Namespace) -> int:
    """Print what changed: settings, then waveforms, then errors."""
    found = compared(Store(args.first), Store(args.second), evaluator=args.evaluator)
    if args.json:
        answer(json.dumps(_without_nan(asdict(found)), indent=1))
    else:
        _tell(found)
    return DONE


def _without_nan(value: Any) -> Any:
    """NaN is no JSON."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _tell(found: Comparison) -> None:
    if found.simulated:
        answer("SIMULATED DATA: nothing here stands for a data set")
    answer("settings, versions and data" if found.changes else "settings, versions and data: alike")
    for one in found.changes:
        answer(f"  {one.what}: {_short(one.first)} -> {_short(one.second)}")
    answer("\nwaveforms")
    for wave in found.waveforms:
        words = f"  {wave.method}: {wave.same} of {wave.both} the same to the bit"
        if wave.same < wave.both:
            far = wave.largest
            words += "; lengths, rates or gaps differ" if math.isnan(far) else ""
            words += f"; up to {far:.1e} of the standard deviation" if far > 0 else ""
        words += f"; {wave.only_first} only in the first" if wave.only_first else ""
        words += f"; {wave.only_second} only in the second" if wave.only_second else ""
        answer(words)
    answer(f"\nmean absolute error under {found.evaluator}, over the recordings of both (bpm)")
    for row in found.paired:
        interval = (
            "no interval"
            if math.isnan(row.low)
            else f"95 % interval {row.low:+.3f} to {row.high:+.3f} over {row.subjects} subjects"
        )
        answer(
            f"  {row.method}: {row.first:.3f} -> {row.second:.3f}, {row.difference:+.3f} "
            f"({interval}; n = {row.recordings})"
        )


def _short(text: str) -> str:
    shown = text or "(not there)"
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + "..."
