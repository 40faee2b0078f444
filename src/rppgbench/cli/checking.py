"""bench check: the contract, on one method."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from rppgbench.cli import DONE, FAULT
from rppgbench.cli.terminal import answer
from rppgbench.core.registry import load_method_file, load_methods
from rppgbench.testing.method_contract import check_method


def check(args: argparse.Namespace) -> int:
    """Print one line a clause; exit code 2 if one is broken."""
    place = Path(args.method)
    if place.suffix == ".py" or place.is_dir() or len(place.parts) > 1:
        method = load_method_file(place)
    else:
        method = load_methods().get("method", args.method, "bench check")
    findings = check_method(method)
    if args.json:
        facts = {"method": method.name, "findings": [asdict(f) for f in findings]}
        answer(json.dumps(facts, indent=1))
    else:
        for finding in findings:
            word = {True: "kept", False: "BROKEN", None: "not tried"}[finding.kept]
            answer(f"{word:9}  {finding.clause}{': ' if finding.words else ''}{finding.words}")
    return FAULT if any(finding.kept is False for finding in findings) else DONE
