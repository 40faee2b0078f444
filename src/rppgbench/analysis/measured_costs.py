"""What `bench speed --json` measured of methods, beside the costs that a results folder has."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rppgbench.core.registry import load_methods
from rppgbench.report.costs import Costs
from rppgbench.system.errors import BenchError

COMMAND = "bench speed --only energy --only latency --json"
PAPER = "paper"
MEASURED = {"processor_s_per_minute", "joules_per_minute"}
ROW = ("part", "value", "method", "preset", "numbers")


@dataclass(frozen=True, kw_only=True)
class MeasuredCosts:
    """The file that was read, the machine of the measurement, and its rows."""

    file: Path
    machine: str
    rates: Sequence[Mapping[str, Any]]


def read_measured_costs(file: Path) -> MeasuredCosts:
    """Read what `bench speed --json` wrote.

    Args:
        file: the file.

    Raises:
        BenchError: it cannot be read, or is something else.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return MeasuredCosts(
            file=file,
            machine=str(content["machine"]),
            rates=[_row(rate) for rate in content["rates"]],
        )
    except OSError as error:
        raise BenchError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BenchError(f"{file}: not what {COMMAND} writes; write it anew") from None


def _row(rate: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says, with finite numbers; an error of Python where it is no such row."""
    row = {key: rate[key] for key in ROW}
    numbers = {str(name): float(value) for name, value in row["numbers"].items()}
    row |= {"value": float(row["value"]), "numbers": numbers}
    if not all(map(math.isfinite, [row["value"], *numbers.values()])):
        raise ValueError("a number is not finite")
    return row


def add_measured_costs(
    costs: Costs, methods: Mapping[str, Mapping[str, Any]], measured: MeasuredCosts
) -> Costs:
    """Add delay, processor time and energy to methods with the parameters of the measurement.

    Args:
        costs: the costs of a results folder.
        methods: the methods of its manifest with their parameters.
        measured: what was measured.

    Raises:
        BenchError: no method was measured with the parameters of the results.
    """
    added: dict[str, dict[str, Any]] = {}
    for rate in measured.rates:
        name = str(rate["method"])
        if name not in costs.methods or not _is_measured(name, methods[name], str(rate["preset"])):
            continue
        values = added.setdefault(name, {})
        if rate["part"] == "latency":
            values["delay_s"] = float(rate["value"])
        for key in MEASURED & rate["numbers"].keys():
            values[key] = float(rate["numbers"][key])
    if not any(added.values()):
        raise BenchError(
            f"{measured.file}: has no cost of a method with the parameters of "
            f"these results; {COMMAND} --methods {','.join(sorted(costs.methods))} measures them"
        )
    with_measured = {
        name: replace(cost, **added.get(name, {})) for name, cost in costs.methods.items()
    }
    return replace(costs, methods=with_measured, measured_on=measured.machine)


def _is_measured(name: str, params: Mapping[str, Any], preset: str) -> bool:
    """Whether a method of the results has the parameters of a preset, and no other."""
    declared = load_methods().available.get(name)
    if declared is None:
        return False
    of_preset = declared.parameters({} if preset == PAPER else {"preset": preset})
    return {**declared.parameters({}), **params} == of_preset
