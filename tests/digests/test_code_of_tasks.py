"""All that a task runs is in a digest, or only moves what other code computed."""

from pathlib import Path

import pytest

from rppgbench.core.recording import Dataset, Recording
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.digests import closures
from rppgbench.digests.code_digest import Sources

MOVES_RESULTS = {
    "core/content_roots.py": "finds the folders of content",
    "core/registry.py": "finds content by name",
    "core/method_variants.py": "names of variants, whose values are parameters of jobs",
    "core/estimate.py": "a record",
    "core/mean_colours.py": "a record",
    "core/model_files.py": "writes and reads models, with checksums",
    "datasets/fingerprint.py": "digests of files",
    "execution/plan_records.py": "records",
    "execution/recording_task.py": "calls the steps of a task in order",
    "execution/run_options.py": "records",
    "execution/training_effort.py": "measures time and energy",
    "execution/training_task.py": "calls the steps of a training in order",
    "extraction/colour_segments.py": "rounds what `extract_segments` gives, which is in a digest",
    "extraction/content_digest.py": "digests of files",
    "extraction/feature_cache.py": "keeps features under digests of all that they are made of",
    "extraction/resampled_clips.py": "keeps clips under digests of all that they are made of",
    "extraction/stored_rows.py": "maps files",
    "extraction/verified_files.py": "compares files with their checksums",
    "neural/__init__.py": "asks for PyTorch",
    "neural/method_operations.py": "counts operations of a model that is trained already",
    "neural/operations.py": "counts operations of a copy",
    "neural/synthetic_inputs.py": "the input whose operations are counted",
}
"""Modules in no digest, and why no number depends on them."""

OF_TRAINING = ("execution/training_", "neural/")
"""Modules that a recording does not run."""

MOVERS = ("digests/", "store/", "system/", "methods/", "benchmarks/")
"""Files, processes, digests and the format of stored rows, which has a number of its own. Content
is in the digests of what uses it."""

NUMBERS = ("rppgbench/evaluation/", "rppgbench/signals/")
"""Packages that compute scores."""


@pytest.mark.parametrize("task", ["recording_task", "training_task"])
def test_what_a_task_runs_is_in_a_digest_or_only_moves_results(task: str) -> None:
    sources, datasets = Sources(), load_datasets().available
    in_digests = {
        *closures.method_code(load_methods().available["constant"], sources).parts,
        *closures.extractor_code(sources).parts,
        *closures.condition_code(sources).parts,
        *closures.control_code(sources).parts,
        *(part for d in datasets.values() for part in closures.reader_code(d, sources).parts),
    }
    parts = sources.closure(f"rppgbench.execution.{task}").parts
    own = {part.removeprefix("rppgbench/") for part in {*parts} - in_digests if "/" in part}
    own = {part for part in own if not part.startswith(MOVERS)}
    own.discard("core/__init__/__init__.py")  # `rppgbench.core.__init__`, named in a string
    unused = {part for part in MOVES_RESULTS if part.startswith(OF_TRAINING)}
    unused = unused if task == "recording_task" else set()
    assert own == MOVES_RESULTS.keys() - unused


def test_what_scores_and_judges_a_registered_run_is_in_the_digest_of_scores() -> None:
    sources = Sources()
    scored = closures.scoring_code(sources).parts
    computing = {
        part
        for module in ("rppgbench.analysis.stored_results", "rppgbench.evaluation.hypotheses")
        for part in sources.closure(module).parts
        if part.startswith(NUMBERS)
    }
    assert computing - scored.keys() == {"rppgbench/evaluation/rule_notes.py"}  # words alone


def test_the_rules_of_labels_are_in_the_digest_of_every_reader() -> None:
    """Also of a reader of somebody else, which imports none of them."""
    own = Dataset(
        name="own", title="t", cite="c", licence="l", url="u", recordings=_read_own, expected={}
    )
    rules = {f"rppgbench/datasets/{n}.py" for n in ("ground_truth", "label_alignment")}
    for dataset in (*load_datasets().available.values(), own):
        parts = closures.reader_code(dataset, Sources()).parts
        assert rules <= parts.keys(), dataset.name


def test_an_import_depends_on_what_reads_it_and_on_nothing_that_plans() -> None:
    parts = closures.import_code(["table"], Sources()).parts
    code = ("importing/signals", "importing/references", "predictions/fields")
    reads = (*code, "predictions/formats/table", "datasets/label_alignment")
    assert {f"rppgbench/{name}.py" for name in reads} <= parts.keys()
    others = ("predictions/formats/npz", "execution/planner", "importing/import_run")
    assert not {f"rppgbench/{name}.py" for name in others} & parts.keys()


def _read_own(root: Path) -> list[Recording]:
    return []
