"""Why one method has many numbers, in sentences."""

from __future__ import annotations

import math

from rppgbench.evaluation.decomposition import GROUP_DESCRIPTIONS
from rppgbench.report.decomposition_inputs import (
    DecompositionInputs,
    error_spans,
    format_bpm,
    scores_on_one_region,
)
from rppgbench.report.tables.highlights import row_kind
from rppgbench.report.tables.summary_rows import (
    canonical_order,
    describe_sample,
    records,
    row_name,
)
from rppgbench.system.plural import pluralise

WHY = (
    "The waveforms on this page were made once and stored; no method was run again. What changes "
    "from number to number is how a heart rate is read from a waveform and what it is compared "
    "with: the rules of the toolboxes and papers that are named here.",
    "A short window has more noise; a long window averages over changes of the heart rate. "
    "A narrow band excludes large errors, a wide band permits them. Coarse spectral bins round "
    "small errors to exactly zero where both sides lie on the same grid. A reference that is read "
    "like the estimate shares its mistakes. Errors averaged per video weigh a short video like a "
    "long one. The face region determines the averaged pixels. Two papers can therefore "
    "print different errors of one method on one data set, and both be correct.",
)

HOW = (
    "The shares are made by changing one group of declared settings at a time from the first to "
    "the second. What a change does depends on those made before it, so every order of the groups "
    "is taken and a share is the mean over the orders (the Shapley value). The shares add up "
    "exactly to the difference, and a group that makes no difference has a share of 0. The range "
    "of a share over the orders shows how strongly the groups interact: point at the share."
)


def decomposition_summary(inputs: DecompositionInputs) -> list[str]:
    """The finding in sentences."""
    page = inputs.page
    reach = error_spans(inputs)
    default = page.scores[0]
    methods = default.summary["method"].nunique()
    run = pluralise(methods, "method")
    on_region = ""
    if len(inputs.regions) > 1:
        run += f" on {len(inputs.regions)} face regions ({', '.join(inputs.regions)})"
        on_region = f" on {inputs.second.region}"
    sentences = [
        f"{run}, over {describe_sample(default, page.protocol.expected)}: the stored waveforms "
        f"scored under {len(page.scores)} evaluators, without running anything again."
    ]
    ranked = {name: s for name, s in reach.items() if s.method not in page.baselines}
    if ranked:
        name = max(ranked, key=lambda n: ranked[n].high - ranked[n].low)
        low, high, low_rule, high_rule, _ = ranked[name]
        sentences.append(
            f"The rules alone move {name}{on_region} from {format_bpm(low)} bpm ({low_rule}) to "
            f"{format_bpm(high)} bpm ({high_rule}), the widest span of all."
        )
    winners: dict[str, list[str]] = {}
    for scores in scores_on_one_region(inputs):
        ranking = [
            record
            for record in records(canonical_order(scores.summary, scores.by))
            if not row_kind(record, page.baselines)
        ]
        if len(ranking) > 1 and not math.isnan(float(ranking[0]["mae"])):
            winners.setdefault(row_name(ranking[0], scores.by), []).append(scores.name)
    if len(winners) > 1:
        listed = "; ".join(f"{name} under {', '.join(rules)}" for name, rules in winners.items())
        sentences.append(f"Which method is best{on_region} changes with the rule: {listed}.")
    elif winners:
        sentences.append(f"{next(iter(winners))} is best{on_region} under every evaluator.")
    largest: dict[str, int] = {}
    splits = [s for s in inputs.splits if s.shares and s.row[0] not in page.baselines]
    for split in splits:
        largest_group = max(split.shares, key=lambda g: abs(split.shares[g].value))
        if split.shares[largest_group].value:
            largest[largest_group] = largest.get(largest_group, 0) + 1
    if largest:
        largest_group = max(largest, key=lambda g: largest[g])
        noun = "method" if inputs.by == ("method",) else "row"
        sentences.append(
            f"Between {inputs.first.label} and {inputs.second.label} the largest part is "
            f"the {largest_group} for {largest[largest_group]} of {pluralise(len(splits), noun)} "
            f"({GROUP_DESCRIPTIONS[largest_group]})."
        )
    return sentences


def describe_endpoint_region(inputs: DecompositionInputs) -> tuple[str, ...]:
    """On which region both sides are scored, where the region is no part of the difference."""
    if inputs.first.region != inputs.second.region:
        return ()
    if len(inputs.regions) > 1:
        return (f"Both sides are scored on the region {inputs.first.region}.",)
    return (
        "The waveforms of one face region are stored, so the region is no part of this difference. "
        "A protocol that lists several regions stores the waveforms of each.",
    )
