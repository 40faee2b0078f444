"""The tables of docs/measurements/controls.md: published per-person results beside controls.

Run from the root of a checkout: `python docs/measurements/controls.py [FOLDER]`. The first table
needs the file beside this one. The second needs the published results of pyVHR in FOLDER
(`summary.csv`, and `series.csv.gz` with the heart rates of estimate and truth at 1 Hz).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from rppgbench.core.waveform import Array
from rppgbench.evaluation.paired_differences import paired_interval

BIAS_EVAL = Path(__file__).with_name("bias_eval_rppg.csv")
GROUPS = ("India_M", "India_F", "SL_M", "SL_F")
METHODS = {"BKF": "BKF", "Chrom": "CHROM", "POS": "POS", "Sph": "Spherical mean", "DP": "DeepPhys"}
BLOCKS = (("Masimo", "BKF", "DP"), ("Sph", "Chrom", "POS"))
"""Columns of the published file that repeat together."""


def bias_eval() -> pd.DataFrame:
    """The published rows: group, reference (Masimo) and the five methods, one row for each."""
    wide = pd.read_csv(BIAS_EVAL)
    columns = ("Masimo", *METHODS)
    return pd.concat(
        [
            pd.DataFrame({"group": group, **{c: wide[f"{c}_{group}"] for c in columns}})
            for group in GROUPS
        ],
        ignore_index=True,
    )


def median_of_the_rest(rates: Array) -> Array:
    """For each person the median rate of the other people."""
    return np.array([np.median(np.delete(rates, place)) for place in range(len(rates))])


def skill_rows(rows: pd.DataFrame) -> Iterator[tuple[str, float, float, float, float, float]]:
    """Name, MAE, skill above the median of the others with its limits, and MAE by shuffled labels.

    Shuffled: the mean over every other person's reference.
    """
    reference = rows["Masimo"].to_numpy()
    constant = np.abs(median_of_the_rest(reference) - reference)
    for key, name in METHODS.items():
        rates = rows[key].to_numpy()
        errors = np.abs(rates - reference)
        shuffled = np.abs(rates[:, None] - reference)[~np.eye(len(rows), dtype=bool)]
        low, high = paired_interval(constant - errors)
        skill = float((constant - errors).mean())
        yield name, float(errors.mean()), skill, low, high, float(shuffled.mean())


def repeats(rows: pd.DataFrame) -> dict[str, int]:
    """How many distinct rows each block of columns has within the groups, and how many both."""
    counts = {" ".join(block): len(rows.drop_duplicates(["group", *block])) for block in BLOCKS}
    every = [column for block in BLOCKS for column in block]
    return counts | {"all": len(rows.drop_duplicates(["group", *every]))}


def person(dataset: str, video: str) -> str:
    """The person of a video of pyVHR's results."""
    patterns = {"PURE": r"PURE/(\d\d)-", "LGI": r"([a-z]+)/", "ECG": r"subjects/(\d\d)/"}
    pattern = next((p for name, p in patterns.items() if dataset.startswith(name)), r"[^/]+/(.+)/")
    match = re.match(pattern, video)
    assert match is not None
    return match[1]


def pyvhr_rows(folder: Path) -> Iterator[tuple[str, str, int, int, float, float, Array]]:
    """Data set, method, videos, people, MAE, MAE of the control, and skill with its limits.

    The classical methods are those of one patch over the face ("holistic"). The control is the
    median over the other people of the mean true rate of their videos.
    """
    summary = pd.read_csv(folder / "summary.csv")
    series = pd.read_csv(folder / "series.csv.gz")
    truths = {
        k: g["bpm"].to_numpy() for k, g in series[series["kind"] == "gt"].groupby(["file", "row"])
    }
    summary["row"] = summary.groupby("file").cumcount()
    summary = summary[summary["approach"].isin(["holistic", "deep"])]
    summary["dataset"] = summary["dataset"].replace("ECG_FITNESS", "ECG_Fitness")
    summary["person"] = [
        person(d, v) for d, v in zip(summary["dataset"], summary["video"], strict=True)
    ]
    for (dataset, method), rows in summary.groupby(["dataset", "method"]):
        true = [truths[key] for key in zip(rows["file"], rows["row"], strict=True)]
        means = pd.Series([t.mean() for t in true], index=rows.index)
        of_person = means.groupby(rows["person"]).mean()
        control = [
            float(np.abs(np.median(of_person.drop(p)) - t).mean())
            for p, t in zip(rows["person"], true, strict=True)
        ]
        gains = pd.Series(control, index=rows.index) - rows["MAE"]
        sums = gains.groupby(rows["person"]).agg(["sum", "count"])
        low, high = paired_interval(sums["sum"].to_numpy(), sums["count"].to_numpy())
        yield (
            str(dataset), str(method), len(rows), len(sums), float(rows["MAE"].mean()),
            float(np.mean(control)), np.array([float(gains.mean()), low, high]),
        )  # fmt: skip


def main(arguments: list[str]) -> None:
    """Print both tables as the page has them."""
    rows = bias_eval()
    reference = rows["Masimo"].to_numpy()
    print(f"constant {np.abs(median_of_the_rest(reference) - reference).mean():.2f}")
    for name, mae, skill, low, high, shuffled in skill_rows(rows):
        print(f"| {name} | {mae:.2f} | {skill:.2f} | {low:.2f} to {high:.2f} | {shuffled:.2f} |")
    print(repeats(rows))
    for folder in arguments:
        for dataset, method, videos, people, mae, control, skill in pyvhr_rows(Path(folder)):
            cells = [dataset, method, f"{videos} of {people}", f"{mae:.2f}", f"{control:.2f}"]
            cells += [f"{skill[0]:.2f}", f"{skill[1]:.2f} to {skill[2]:.2f}"]
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
