"""The tables of docs/measurements/twin.md: twins fitted to published errors, and what they predict.

Run from the root of a checkout, with pyVHR's published results in FOLDER (`summary.csv`):

    python docs/measurements/twin.py fit FOLDER TWIN FILE       # prints the fitted strengths
    python docs/measurements/twin.py predict FOLDER TWIN FILE [OTHER]   # predicted / published

FILE is the name of the published results, such as `PURE_holistic`. OTHER are those of another set:
its errors are what a reader without a twin would expect.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from rppgbench.core.protocol import read_declaration
from rppgbench.core.registry import find_toml, load_methods
from rppgbench.core.waveform import Array, Waveform
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.evaluation.heart_rate import heart_rates, prepare
from rppgbench.signals.filters import butterworth_matrix
from rppgbench.signals.jade import unmixing
from rppgbench.simulation.twin import TwinRecording, twin_recordings
from rppgbench.simulation.twin_declaration import Twin

FITTED = ("POS", "LGI")
"""The methods whose errors the strengths are fitted to; the others are predicted."""

METHODS = ("CHROM", "POS", "LGI", "ICA", "PCA")
QUANTILES = (0.25, 0.5, 0.75, 0.9)
WINDOW_S = 8.0
STRIDE_S = 1.0
FIT_STRIDE_S = 3.0
FIT_SEED = 1000
FIT_DRAWS = 160
FIT_PEOPLE = 80
"""With a recording each: quantiles of the distribution, not of a few people as they were drawn."""

SEEDS = 20
BOUNDS = {
    "pulse_log_sd": (0.1, 1.0),
    "light": (0.0005, 0.02),
    "specular": (0.1, 3.0),
    "noise": (0.0002, 0.005),
    "recordings_log_sd": (0.1, 1.2),
}
"""Where the fit looks for each strength; the logarithm is drawn evenly."""


def second_source(rgb: Array) -> Array:
    """The second of the independent sources by energy: (n, T, 3) to (n, T).

    The choice of the configuration of the published results, `second_comp`.
    """
    colours = np.swapaxes(rgb, 1, 2)
    matrix = unmixing(colours)
    energy = (np.linalg.pinv(matrix) ** 2).sum(axis=1)  # of the columns of the mixing matrix
    second = np.argsort(-energy, axis=1)[:, 1]
    chosen = matrix[np.arange(len(matrix)), second]
    pulse: Array = np.einsum("ni,nit->nt", chosen, colours - colours.mean(axis=-1, keepdims=True))
    return pulse


def estimate(name: str, rgb: Array, fs: float, **params: str) -> Array:
    """The pulse (n, T) of mean colours (n, T, 3) by one of this suite's methods."""
    method = load_methods().get("method", name, "twin.py")
    return np.asarray(method.estimate(Waveform(rgb, fs), **method.parameters(params)).samples)


def pulse(method: str, windows: Array, fs: float) -> Array:
    """The pulse (n, T) of windows (n, T, 3) by a method, as the published results have it.

    By their configuration (phuselab/pyVHR@47a0b85, results/cfg) each method runs on each window;
    all but POS have a band-pass before, and all but POS and PCA have one after.
    """
    if method == "POS":
        return estimate("pos", windows, fs, preset="pyvhr")
    band_pass = butterworth_matrix(windows.shape[1], fs, 0.65, 4.0, 6)
    filtered = np.einsum("st,ntc->nsc", band_pass, windows, optimize=True)
    if method == "PCA":
        return estimate("pca", filtered, fs, preset="pyvhr")
    if method == "ICA":
        wave = second_source(filtered)
    elif method == "CHROM":
        wave = estimate("chrom", filtered, fs, preset="pyvhr")
    else:
        wave = estimate("lgi", filtered, fs)
    return wave @ band_pass.T


def errors(
    recordings: list[TwinRecording],
    fs: float,
    methods: tuple[str, ...] = METHODS,
    stride_s: float = STRIDE_S,
) -> pd.DataFrame:
    """The mean absolute error in bpm of each recording (rows) by each method (columns)."""
    rule = find_evaluator("pyvhr", "twin.py")
    size, step = round(WINDOW_S * fs), round(stride_s * fs)
    view = np.lib.stride_tricks.sliding_window_view
    rgb = np.stack([recording.rgb for recording in recordings])
    contact = np.stack([recording.pulse for recording in recordings])
    windows = np.moveaxis(view(rgb, size, axis=1)[:, ::step], -1, -2)
    of_contact = view(contact, size, axis=1)[:, ::step]
    count = windows.shape[1]
    true = heart_rates(prepare(of_contact, fs, rule.reference_chain), fs, rule.reference_chain)
    columns = {}
    for method in methods:
        wave = pulse(method, windows.reshape(-1, size, 3), fs)
        read = heart_rates(wave, fs, rule.estimate).reshape(-1, count)
        columns[method] = np.nanmean(np.abs(read - true), axis=1)
    return pd.DataFrame(columns)


def published(folder: Path, file: str) -> pd.DataFrame:
    """The published errors: a row for each video, a column for each method."""
    rows = pd.read_csv(folder / "summary.csv").query("file == @file")
    return rows.pivot(index="video", columns="method", values="MAE")[list(METHODS)]


def quantiles(table: pd.DataFrame) -> pd.DataFrame:
    """The quantiles of each method's errors over recordings."""
    return table.quantile(list(QUANTILES))


def with_strengths(twin: Twin, strengths: Mapping[str, float]) -> Twin:
    """The twin with other strengths."""
    return twin.model_copy(update={"strength": twin.strength.model_copy(update=dict(strengths))})


def misfit(twin: Twin, name: str, seed: int, target: pd.DataFrame) -> float:
    """Root mean square difference of the logarithms of the quantiles of the fitted methods."""
    alone = twin.model_copy(update={"recordings": 1})
    recordings = list(twin_recordings(alone, name=name, seed=seed, people=FIT_PEOPLE))
    table = quantiles(errors(recordings, twin.fs, FITTED, FIT_STRIDE_S))
    difference = np.log(table) - np.log(target[list(FITTED)])
    return float(np.sqrt(np.square(np.asarray(difference)).mean()))


def fit(twin: Twin, name: str, target: pd.DataFrame, *, draws: int) -> dict[str, float]:
    """A seeded search: half of the draws in the whole range, half near the best so far."""
    random = np.random.default_rng(FIT_SEED)
    low, high = np.log(np.array(list(BOUNDS.values())).T)
    best, least = (low + high) / 2, np.inf
    for draw in range(draws):
        width = 0.25 * (1 - draw / draws)
        point = random.uniform(low, high)
        if draw >= draws // 2:
            point = np.clip(best + width * (high - low) * random.normal(size=len(low)), low, high)
        strengths = dict(zip(BOUNDS, np.exp(point).tolist(), strict=True))
        value = misfit(with_strengths(twin, strengths), name, FIT_SEED, target)
        if value < least:
            best, least = point, value
            print(draw, f"{value:.3f}", {k: float(f"{v:.3g}") for k, v in strengths.items()})
    return dict(zip(BOUNDS, np.exp(best).tolist(), strict=True))


def draws_of(twin: Twin, name: str, seeds: int) -> list[pd.DataFrame]:
    """The errors of a twin's recordings, a table for each seed."""
    return [
        errors(list(twin_recordings(twin, name=name, seed=seed)), twin.fs) for seed in range(seeds)
    ]


def interval(values: Array) -> Array:
    """95 % of the seeds, with the median between: (seeds, ...) to (3, ...)."""
    return np.quantile(values, [0.025, 0.5, 0.975], axis=0)


def cell(drawn: Array, value: float) -> str:
    """The median of the seeds (seeds,) with 95 % of them, and the published value."""
    low, middle, high = interval(drawn)
    return f"{middle:.2f} ({low:.2f} to {high:.2f}) / {value:.2f}"


def print_quantiles(tables: list[pd.DataFrame], found: pd.DataFrame) -> None:
    """A line for each method: quantiles over recordings, predicted / published."""
    drawn = np.stack([quantiles(table).to_numpy() for table in tables])  # (seeds, q, methods)
    low, middle, high = interval(drawn)
    true = quantiles(found).to_numpy()
    inside = ((true >= low) & (true <= high)).sum(axis=0)
    factor = np.exp(np.abs(np.log(middle / true)).mean(axis=0))
    for place, method in enumerate(METHODS):
        role = "fitted" if method in FITTED else "predicted"
        cells = [cell(drawn[:, q, place], true[q, place]) for q in range(len(QUANTILES))]
        share = f"{inside[place]} of {len(QUANTILES)}"
        print(f"| {method} | {role} | {' | '.join(cells)} | {share} | {factor[place]:.2f} |")


def print_ranks(tables: list[pd.DataFrame], found: pd.DataFrame) -> None:
    """The rank correlation of the methods' means, and of their medians, over all five methods."""
    for what in ("mean", "median"):
        true = found.agg(what)
        ranks = np.array([spearmanr(table.agg(what), true).statistic for table in tables])
        print(f"rank correlation of the {what}: {cell(ranks, 1.0)}")


def print_spreads(tables: list[pd.DataFrame], found: pd.DataFrame) -> None:
    """The standard deviation of paired differences, which the power of a comparison needs."""
    for a, b in combinations(METHODS, 2):
        drawn = np.array([(table[a] - table[b]).std() for table in tables])
        print(f"| {a}, {b} | {cell(drawn, (found[a] - found[b]).std())} |")


def print_other_set(found: pd.DataFrame, other: pd.DataFrame) -> None:
    """What a reader would guess without a twin: the published quantiles of another set."""
    log_ratio = np.log(quantiles(other).to_numpy() / quantiles(found).to_numpy())
    factor = np.exp(np.abs(log_ratio).mean(axis=0))
    cells = [f"{name} {value:.2f}" for name, value in zip(METHODS, factor, strict=True)]
    print("typical factor:", ", ".join(cells))


def main(arguments: list[str]) -> None:
    """Fit, or predict."""
    action, folder, name, file, *rest = arguments
    twin = read_declaration(find_toml("benchmarks/twins", "twin", name, "twin.py"), Twin)
    found = published(Path(folder), file)
    if action == "fit":
        print(fit(twin, name, quantiles(found), draws=FIT_DRAWS))
        return
    tables = draws_of(twin, name, SEEDS)
    print_quantiles(tables, found)
    print_ranks(tables, found)
    print_spreads(tables, found)
    for other in rest:
        print(other)
        print_other_set(found, published(Path(folder), other))


if __name__ == "__main__":
    main(sys.argv[1:])
