"""The check of a paper's table: its keys, its printed values, and every name in it."""

from collections.abc import Sequence
from pathlib import Path

from rppgbench.core.registry import find_toml, load_datasets, load_methods
from rppgbench.papers.declaration import Line, PaperTable, read_table
from rppgbench.system.errors import BenchError, unknown_name
from rppgbench.testing.method_contract import Finding


def check_table_file(file: Path) -> list[Finding]:
    """Whether a table can be filled.

    Args:
        file: the TOML file.
    """
    try:
        table, lines = read_table(file)
    except BenchError as error:
        return [Finding("keys and printed values", False, str(error))]
    faults = {
        "protocols, evaluators and data sets": _faults_of_settings(table, str(file)),
        "methods": _faults_of_methods(table, str(file)),
        "evaluators and parameters of rows": _faults_of_lines(lines, str(file)),
    }
    rows = Finding("keys and printed values", bool(lines), "" if lines else "no printed value")
    return [rows, *(Finding(c, not texts, "; ".join(texts)) for c, texts in faults.items())]


def _faults_of_settings(table: PaperTable, place: str) -> Sequence[str]:
    faults = []
    for setting in table.settings:
        try:
            if setting.protocol:
                find_toml("protocols", "protocol", setting.protocol, place)
            for evaluator in (setting.evaluator, *setting.readings):
                find_toml("protocols/evaluators", "evaluator", evaluator, place)
            for dataset in (*setting.data, *setting.pretrain):
                load_datasets().get("data set", dataset, place)
        except BenchError as error:
            faults.append(str(error))
    return list(dict.fromkeys(faults))


def _faults_of_methods(table: PaperTable, place: str) -> Sequence[str]:
    loaded = load_methods()
    known = {*loaded.available, *loaded.unavailable}
    return [
        str(unknown_name("method", row.method, known, place))
        for row in table.methods
        if row.method and row.method not in known
    ]


def _faults_of_lines(lines: Sequence[Line], place: str) -> Sequence[str]:
    """Faults of the evaluators of rows, and of the parameters of methods that are here."""
    available = load_methods().available
    faults = []
    for line in lines:
        row = line.method
        try:
            if row.evaluator:
                find_toml("protocols/evaluators", "evaluator", row.evaluator, place)
            if row.method in available:
                available[row.method].parameters({**line.setting.params, **row.params}, place)
        except BenchError as error:
            faults.append(str(error))
    return list(dict.fromkeys(faults))
