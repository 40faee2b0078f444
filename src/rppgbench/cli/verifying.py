"""bench verify: do stored waveforms come back?"""

import argparse
import json
import math
from collections import Counter
from dataclasses import asdict
from typing import Any

from rppgbench.analysis.rerun_check import TOLERANCE, Finding, Verification
from rppgbench.analysis.rerun_check import rerun_sample as verified
from rppgbench.cli import DONE, SOME_FAILED
from rppgbench.cli.options import given_roots
from rppgbench.cli.terminal import answer
from rppgbench.datasets.roots import cache_folder
from rppgbench.store.store import Store


def verify(args: argparse.Namespace) -> int:
    """Print a line a waveform and the count; exit code 3 if one differs."""
    store = Store(args.results)
    given = given_roots(args.data, store.manifest["data"], f"{args.results}")
    whole = Verification((), 0)
    for said in verified(
        store,
        sample=args.sample,
        seed=args.seed,
        cache=cache_folder(args.cache),
        given=given,
    ):
        if isinstance(said, Verification):
            whole = said
        elif not args.json:
            answer(_line(said))
    if args.json:
        answer(json.dumps(_facts(whole), indent=1))
    else:
        _tell(whole)
    return DONE if whole.fit else SOME_FAILED


def _line(one: Finding) -> str:
    parts = [one.method, f"fold {one.fold}", f"seed {one.seed}", one.condition, one.region]
    named = ", ".join(part for part in parts if part not in {"", "none"})
    words = f"{one.verdict:16}  {one.dataset}/{one.recording}: {named}"
    if one.difference > 0:
        words += f"; up to {one.difference:.1e} of the standard deviation"
    words += f"; {one.detail}" if one.detail else ""
    return words + ("; code, settings or data changed since" if one.changed else "")


def _facts(whole: Verification) -> dict[str, Any]:
    findings = [asdict(one) for one in whole.findings]
    for one in findings:
        one["difference"] = None if math.isnan(one["difference"]) else one["difference"]
    return {
        "fit": whole.fit,
        "tolerance": TOLERANCE,
        "stored": whole.stored,
        "notes": list(whole.notes),
        "findings": findings,
    }


def _tell(whole: Verification) -> None:
    for note in whole.notes:
        answer(f"note: {note}")
    count = Counter(one.verdict for one in whole.findings)
    answer(
        f"{len(whole.findings)} of {whole.stored} waveforms made again: "
        f"{count['same bits']} the same to the bit, {count['within tolerance']} within "
        f"{TOLERANCE:g} of their standard deviation, {count['differs']} different"
    )
