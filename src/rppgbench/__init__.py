"""rppgbench: is a number in a paper on remote photoplethysmography reproducible?

Every name below is imported when it is first used, so `import rppgbench` stays light.

Examples:
    >>> import numpy as np
    >>> import rppgbench as rb
    >>> rgb = np.random.default_rng(0).normal(100.0, 1.0, (300, 3))
    >>> pulse = rb.methods.pos(rgb, fs=30.0)
    >>> rates = rb.read_heart_rate(pulse, evaluator="beats_tukey")
    >>> list(rates)
    ['start_s', 'duration_s', 'heart_rate_bpm', 'snr_db', 'reason']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rppgbench.api.catalog import (
        list_datasets,
        list_evaluators,
        list_methods,
        list_protocols,
        load_dataset,
    )
    from rppgbench.api.heart_rate import load_evaluator, read_heart_rate
    from rppgbench.api.imports import import_predictions
    from rppgbench.api.methods import methods
    from rppgbench.api.results import Results, bundle, load_results
    from rppgbench.api.runs import run
    from rppgbench.api.scores import decompose, paired_tests, score, score_windows
    from rppgbench.api.videos import VideoPrediction, predict, predict_trace
    from rppgbench.core.method import Method, Model, method
    from rppgbench.core.recording import Dataset, GroundTruth, Recording, VideoSource
    from rppgbench.core.waveform import Signal, Waveform
    from rppgbench.system.errors import BenchError

__version__ = "0.1.0"

_MODULES = {
    "rppgbench.api.catalog": (
        "list_datasets",
        "list_evaluators",
        "list_methods",
        "list_protocols",
        "load_dataset",
    ),
    "rppgbench.api.heart_rate": ("load_evaluator", "read_heart_rate"),
    "rppgbench.api.imports": ("import_predictions",),
    "rppgbench.api.methods": ("methods",),
    "rppgbench.api.results": ("Results", "bundle", "load_results"),
    "rppgbench.api.runs": ("run",),
    "rppgbench.api.scores": ("decompose", "paired_tests", "score", "score_windows"),
    "rppgbench.api.videos": ("VideoPrediction", "predict", "predict_trace"),
    "rppgbench.system.errors": ("BenchError",),
    "rppgbench.core.method": ("Method", "Model", "method"),
    "rppgbench.core.recording": ("Dataset", "Recording", "GroundTruth", "VideoSource"),
    "rppgbench.core.waveform": ("Signal", "Waveform"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "BenchError",
    "Dataset",
    "GroundTruth",
    "Method",
    "Model",
    "Recording",
    "Results",
    "Signal",
    "VideoPrediction",
    "VideoSource",
    "Waveform",
    "bundle",
    "decompose",
    "import_predictions",
    "list_datasets",
    "list_evaluators",
    "list_methods",
    "list_protocols",
    "load_dataset",
    "load_evaluator",
    "load_results",
    "method",
    "methods",
    "paired_tests",
    "predict",
    "predict_trace",
    "read_heart_rate",
    "run",
    "score",
    "score_windows",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rppgbench' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
