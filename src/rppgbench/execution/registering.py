"""From the name of a protocol and run options to a registration; no data is touched."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from rppgbench import __version__
from rppgbench.core.content_roots import checkout_root
from rppgbench.core.controls import INPUT_CONTROLS
from rppgbench.core.protocol import Protocol
from rppgbench.core.registration import Hypothesis, Registration
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.digests.closures import (
    condition_code,
    control_code,
    extractor_code,
    method_code,
    reader_code,
    scoring_code,
)
from rppgbench.digests.code_digest import Sources
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.execution.planner import select_methods
from rppgbench.execution.provenance import provenance
from rppgbench.execution.run_choice import choose_run, declared_protocol
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.run_setup import check_options
from rppgbench.extraction.conditions import condition_digest
from rppgbench.system.errors import BenchError, unknown_name

FEATURES, CONDITIONS, CONTROLS = "features of frames", "conditions", "controls"
SCORING = "scores"
"""Work that is none of one method or one data set."""


def register(
    name: str,
    options: RunOptions,
    hypotheses: Sequence[Hypothesis],
    *,
    evaluator: str | None,
    registered: str,
    log: Callable[[str], None],
) -> Registration:
    """Write down what a run is to be: protocol, methods, rules, code, and what it is to show.

    Args:
        name: the protocol.
        options: the options of the run.
        hypotheses: what the results are to show.
        evaluator: the evaluator of the hypotheses; None takes the protocol's first.
        registered: the time, ISO 8601.
        log: takes a line on the methods that are left out, for each reason.

    Raises:
        BenchError: a name is unknown, an option has no effect, or a hypothesis does not fit.
    """
    declared = declared_protocol(name, options)
    check_options(declared, name, options)
    choice = choose_run(declared, name, options)
    for line in choice.left_out:
        log(line)
    protocol = choice.protocol
    methods = select_methods(choice.methods, protocol, choice.origin)
    for number, hypothesis in enumerate(hypotheses):
        _check_hypothesis(hypothesis, methods, protocol)
        if hypothesis in hypotheses[:number]:
            raise BenchError(f"--hypothesis: '{hypothesis}' is given twice; give it once")
    evaluators = list(dict.fromkeys([*([evaluator] if evaluator else []), *protocol.evaluators]))
    rules = {each: find_evaluator(each, "--evaluator") for each in evaluators}
    datasets = [load_datasets().get("data set", d, name) for d in protocol.datasets_of(methods)]
    available = load_datasets().available
    return Registration(
        registered=registered,
        command=options.command,
        name=name,
        protocol=protocol,
        methods={method: dict(params) for method, params in methods.items()},
        folds=list(options.folds),
        simulated=options.simulate or all(available[d].only_simulated for d in protocol.test),
        evaluator=evaluators[0],
        evaluators={each: rule.model_dump(mode="json") for each, rule in rules.items()},
        hypotheses=list(hypotheses),
        code=_code_by_work(protocol, methods, [d.name for d in datasets]),
        rppgbench=__version__,
        commit=provenance(checkout_root())["commit"],
    )


def _check_hypothesis(hypothesis: Hypothesis, methods: Collection[str], protocol: Protocol) -> None:
    for method in (hypothesis.first, hypothesis.second):
        if method not in methods:
            raise unknown_name("method", method, methods, "--hypothesis")
    conditions = [condition.name for condition in protocol.conditions]
    if hypothesis.condition and hypothesis.condition not in conditions:
        raise unknown_name(
            "condition", hypothesis.condition, conditions or ["none"], "--hypothesis"
        )
    if len(conditions) > 1 and not hypothesis.condition:
        raise BenchError(
            f"--hypothesis: '{hypothesis}': under which condition? add @ and one of "
            f"{', '.join(conditions)}"
        )


def _code_by_work(
    protocol: Protocol, methods: Collection[str], datasets: Iterable[str]
) -> dict[str, dict[str, str]]:
    """The parts of the code by the work that it does, as `planned_code` has them of a plan."""
    sources, known = Sources(), load_methods()
    closures = {
        **{_method(name): method_code(known.available[name], sources) for name in methods},
        **{
            _reader(name): reader_code(load_datasets().available[name], sources)
            for name in datasets
        },
        FEATURES: extractor_code(sources),
    }
    if any(condition_digest(condition) for condition in protocol.conditions):
        closures[CONDITIONS] = condition_code(sources)
    if any(name in INPUT_CONTROLS for name in protocol.controls):
        closures[CONTROLS] = control_code(sources)
    parts = {work: dict(closure.parts) for work, closure in closures.items()}
    for name in methods:
        if (versions := known.available[name].versions) is not None:
            parts[_method(name)] |= _version_parts(versions())
    return {**parts, SCORING: scoring_parts()}


def scoring_parts() -> dict[str, str]:
    """The parts of the code that scores stored waveforms, as it is now."""
    return dict(scoring_code(Sources()).parts)


def planned_code(
    settings: Iterable[Mapping[str, Any]], closures: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """The parts of the code behind planned estimates, by the work that it does.

    Args:
        settings: what the estimates depend on, as `JobDependencies.settings` has it.
        closures: parts by digest.
    """
    names: dict[str, str] = {}
    versions: dict[str, dict[str, str]] = {}
    for setting in settings:
        names[_method(setting["method"])] = setting["code"]
        versions[_method(setting["method"])] = _version_parts(setting.get("versions", {}))
        names[_reader(setting["dataset"])] = setting["reader"]
        names[FEATURES] = setting["extractor"]
        if setting.get("change_code"):
            names[CONDITIONS] = setting["change_code"]
        if setting.get("control_code"):
            names[CONTROLS] = setting["control_code"]
        for dataset, reader in setting.get("fit", {}).get("readers", {}).items():
            names[_reader(dataset)] = reader
    return {
        work: {**closures.get(name, {}), **versions.get(work, {})} for work, name in names.items()
    }


def _version_parts(versions: Mapping[str, str]) -> dict[str, str]:
    """Other people's packages and weights as parts of the code of a method."""
    return {f"version of {name}": version for name, version in versions.items()}


def _method(name: str) -> str:
    return f"method {name}"


def _reader(dataset: str) -> str:
    return f"reader of {dataset}"
