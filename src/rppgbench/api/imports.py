"""Predictions that were made elsewhere, from Python, as `bench import` does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rppgbench.analysis.build_report import build_report
from rppgbench.api.results import Results, load_results
from rppgbench.datasets.roots import cache_folder
from rppgbench.importing.import_run import import_predictions as store_predictions
from rppgbench.importing.options import ImportOptions
from rppgbench.predictions.record import Kind


def import_predictions(
    source: str | Path,
    *,
    method: str,
    out: str | Path,
    format: str = "",
    protocol: str = "",
    data: Mapping[str, str | Path] | None = None,
    reference: str | Path | None = None,
    fs: float | None = None,
    kind: Kind | None = None,
    names: str | Path | None = None,
    trained_on: Sequence[str] = (),
    cite: str = "",
    simulated: bool = False,
    cache: str | Path | None = None,
    page: bool = True,
) -> Results:
    """Import predictions that were made elsewhere, and score them as own results are scored.

    Tables, figures and files of the results say that they are imported and not run here.

    Args:
        source: a file or a folder of files: CSV, Parquet, NPY, NPZ, MAT, HDF5, JSON, a pickle,
            outputs of rPPG-Toolbox, pyVHR, PhysBench, vitallens, or a results folder.
        method: the name of the method in the results.
        out: the results folder.
        format: the format of the source; empty recognises it by its content.
        protocol: its test recordings are expected; one without a prediction counts as missing.
        data: the root of each data set by name: references come from its labels.
        reference: a file or folder with the references, in the same formats.
        fs: samples per second, for sources that do not state them.
        kind: "waveform" or "heart_rate", where a source has both.
        names: a CSV file with the columns source and recording: which name is which.
        trained_on: data sets that the method was trained on; their rows are marked.
        cite: what is to be cited.
        simulated: the recordings are simulated.
        cache: folder of fingerprints of data sets; None for that of the command line.
        page: also write report.html, table.csv and heart_rates.csv.

    Returns:
        The results. Recordings without a usable prediction have a reason in `.estimates`.

    Raises:
        BenchError: the source cannot be read, nothing in it matches, or `out` holds something else.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import pandas as pd
        >>> import rppgbench as rb
        >>> folder = Path(tempfile.mkdtemp())
        >>> time_s = np.arange(600) / 30.0
        >>> pulse, truth = (np.sin(2 * np.pi * hz * time_s) for hz in (1.1, 1.0))
        >>> rows = {"recording": "a", "time_s": time_s, "pulse": pulse, "reference_pulse": truth}
        >>> pd.DataFrame(rows).to_csv(folder / "net.csv", index=False)
        >>> results = rb.import_predictions(
        ...     folder / "net.csv", method="net", out=folder / "net", page=False)
        >>> results.scores("li2023")["mae"].round(1).tolist()
        [6.0]
    """
    options = ImportOptions(
        source=Path(source).expanduser(),
        method=method,
        out=Path(out).expanduser(),
        format=format,
        protocol=protocol,
        data={name: Path(root).expanduser() for name, root in (data or {}).items()},
        reference=None if reference is None else Path(reference).expanduser(),
        fs=fs,
        kind=kind,
        names=None if names is None else Path(names).expanduser(),
        trained_on=tuple(trained_on),
        cite=cite,
        simulated=simulated,
        command=f"rppgbench.import_predictions({str(source)!r}, method={method!r})",
    )
    cache_path = cache_folder(None if cache is None else Path(cache))
    summary = store_predictions(options, cache_path, lambda line: None)
    if page:
        build_report(summary.store, options.out / "report.html")
    return load_results(options.out)
