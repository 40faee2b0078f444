"""Why one method has many numbers, in sentences."""

from __future__ import annotations

import math

from rppgbench.evaluation.decomposition import GROUP_DESCRIPTIONS
from rppgbench.report.decomposition_inputs import (
    DecompositionInputs,
    error_spans,
    scores_on_one_region,
)
from rppgbench.report.summary_answers import Answer
from rppgbench.report.tables.columns import format_bpm
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


def decomposition_answers(inputs: DecompositionInputs) -> list[Answer]:
    """The finding as answers to questions."""
    questions = (
        ("How far do the rules alone move a number?", _widest_span(inputs)),
        ("Does the best method change with the rule?", _winners(inputs)),
        (f"What lies between {inputs.first.name} and {inputs.second.name}?", _largest(inputs)),
        ("On what data?", _data(inputs)),
    )
    return [
        Answer(question=question, sentences=(sentence,))
        for question, sentence in questions
        if sentence
    ]


def _on_region(inputs: DecompositionInputs) -> str:
    return f" on {inputs.second.region}" if len(inputs.regions) > 1 else ""


def _data(inputs: DecompositionInputs) -> str:
    page = inputs.page
    default = page.scores[0]
    run = pluralise(default.summary["method"].nunique(), "method")
    if len(inputs.regions) > 1:
        run += f" on {len(inputs.regions)} face regions ({', '.join(inputs.regions)})"
    return (
        f"{run}, over {describe_sample(default, page.protocol.expected)}: the stored waveforms "
        f"scored under {len(page.scores)} evaluators, without running anything again."
    )


def _widest_span(inputs: DecompositionInputs) -> str:
    spans = error_spans(inputs)
    ranked = {name: s for name, s in spans.items() if s.method not in inputs.page.baselines}
    if not ranked:
        return ""
    name = max(ranked, key=lambda n: ranked[n].high - ranked[n].low)
    low, high, low_rule, high_rule, _ = ranked[name]
    return (
        f"{name}{_on_region(inputs)} has {format_bpm(low)} bpm under {low_rule} and "
        f"{format_bpm(high)} bpm under {high_rule}: the widest span of all methods."
    )


def _winners(inputs: DecompositionInputs) -> str:
    winners: dict[str, list[str]] = {}
    for scores in scores_on_one_region(inputs):
        ranking = [
            record
            for record in records(canonical_order(scores.summary, scores.by))
            if not row_kind(record, inputs.page.baselines)
        ]
        if len(ranking) > 1 and not math.isnan(float(ranking[0]["mae"])):
            winners.setdefault(row_name(ranking[0], scores.by), []).append(scores.name)
    if not winners:
        return ""
    if len(winners) == 1:
        return f"No: {next(iter(winners))} is best{_on_region(inputs)} under every evaluator."
    most_first = sorted(winners.items(), key=lambda item: -len(item[1]))
    listed = "; ".join(
        f"{name} under {rules[0] if len(rules) == 1 else f'{len(rules)} evaluators'}"
        for name, rules in most_first
    )
    return f"Yes. Best{_on_region(inputs)} is {listed}."


def _largest(inputs: DecompositionInputs) -> str:
    largest: dict[str, int] = {}
    splits = [s for s in inputs.splits if s.shares and s.row[0] not in inputs.page.baselines]
    for split in splits:
        largest_group = max(split.shares, key=lambda g: abs(split.shares[g].value))
        if split.shares[largest_group].value:
            largest[largest_group] = largest.get(largest_group, 0) + 1
    if not largest:
        return ""
    largest_group = max(largest, key=lambda g: largest[g])
    noun = "method" if inputs.by == ("method",) else "row"
    return (
        f"The largest part is the {largest_group} for {largest[largest_group]} of "
        f"{pluralise(len(splits), noun)}: {GROUP_DESCRIPTIONS[largest_group]}."
    )


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
