"""The tables of docs/measurements/twin.md on videos: do they agree with the twin, and predict?

Run from the root of a checkout, after `bench twin NAME --videos --out VIDEOS`; CACHE is a folder
for features, PUBLISHED holds pyVHR's published results (`summary.csv`):

    python docs/measurements/twin_videos.py check NAME VIDEOS CACHE
    python docs/measurements/twin_videos.py predict NAME VIDEOS CACHE PUBLISHED FILE
    python docs/measurements/twin_videos.py pieces NAME VIDEOS CACHE OUTPUTS.npz FS
    python docs/measurements/twin_videos.py network NAME VIDEOS CACHE METHOD WEIGHTS EVALUATOR...

*check* compares the mean colours of the rendered faces with those of the same recordings without
pictures. *predict* sets errors in windows of 8 s beside published ones. *pieces* does so for
published waves in pieces of 300 frames. *network* runs public weights.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

import rppgbench as rb
from rppgbench.api.videos import load_model
from rppgbench.core.features import Features
from rppgbench.core.method import Method
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform
from rppgbench.datasets.twin_videos import TwinVideos, twin_videos
from rppgbench.execution.pulse_estimation import estimate_pulse
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.extraction.traces import extract_segments

sys.path.insert(0, str(Path(__file__).parent))
from twin import METHODS, QUANTILES, errors, estimate, published, quantiles

BANDS_HZ = ((0.1, 0.65), (0.65, 4.0), (4.0, 12.0))
RESAMPLES = 2000
PIECE = 300
LOWEST_BPM, HIGHEST_BPM = 40.0, 180.0
SNR_HZ = 0.1
"""Half the width of the bands around the rate and its double that count as pulse."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Read:
    """Mean colours (T, 3) and the contact pulse (T,) of one recording."""

    person: str
    rgb: Array
    pulse: Array


def opened(name: str, folder: Path) -> TwinVideos:
    """The twin that a folder was drawn from, as its mark says."""
    mark = json.loads((folder / "SIMULATED.json").read_text())
    if mark.get("twin") != name:
        raise SystemExit(f"{folder}: drawn from {mark.get('twin')}, not from {name}")
    return twin_videos(name, people=mark["people"], seconds=mark["seconds"], seed=mark["seed"])


def listed(videos: TwinVideos, folder: Path) -> list[Recording]:
    """The recordings in the order of their names."""
    return rb.load_dataset(videos.video.dataset, folder)


def features_of(recording: Recording, cache: Path, crop: str | None = None) -> Features:
    """The features of a recording, with a clip where one is asked for."""
    request = FeatureRequest(frozenset[str]() if crop is None else frozenset({crop}))
    return cached_features(recording.video(), request, cache)


def rendered(videos: TwinVideos, folder: Path, cache: Path) -> list[Read]:
    """The mean colours of the skin as this suite finds it in the videos."""
    reads = []
    for recording in listed(videos, folder):
        (trace,) = extract_segments(features_of(recording, cache), "trace", fs=videos.twin.fs)
        times_s = trace.start_s + np.arange(len(trace.samples)) / trace.fs
        pulse = complete(recording.ground_truth().pulse_at(times_s))
        reads.append(Read(person=recording.subject, rgb=np.asarray(trace.samples), pulse=pulse))
    return reads


def complete(values: Array) -> Array:
    """Values (T,) with the nearest value in place of NaN."""
    known = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), known, values[known])


def cut(read: Read, count: int) -> Read:
    """The first frames of a recording."""
    return replace(read, rgb=read.rgb[:count], pulse=read.pulse[:count])


def without_pictures(videos: TwinVideos, folder: Path) -> list[Read]:
    """The same recordings without pictures, in the order of `listed`.

    Blood darkens the skin here too, so that pulse and noise meet as they do in the pictures.
    """
    drawn = videos.drawn()
    people = list(dict.fromkeys(s.subject for s in videos.writer.sessions(videos.plan)))
    places: Counter[str] = Counter()
    reads = []
    for recording in listed(videos, folder):
        subject = recording.subject
        found = drawn[people.index(subject), places[subject]]
        places[subject] += 1
        count = round(videos.plan.seconds * videos.twin.fs)
        darker = replace(found, pulse_strength=-found.pulse_strength)
        reads.append(Read(person=subject, rgb=darker.rgb[:count], pulse=found.pulse[:count]))
    return reads


def band_rms(read: Read, fs: float) -> Array:
    """Root mean square of relative changes by band (bands, 2): green, and red minus green."""
    relative = read.rgb / read.rgb.mean(axis=0) - 1
    two = np.stack([relative[:, 1], relative[:, 0] - relative[:, 1]], axis=1)
    power = np.abs(np.fft.rfft(two - two.mean(axis=0), axis=0)) ** 2 / len(two) ** 2 * 2
    hz = np.fft.rfftfreq(len(two), 1 / fs)
    return np.sqrt([power[(hz >= low) & (hz < high)].sum(axis=0) for low, high in BANDS_HZ])


def snr_db(read: Read, fs: float) -> float:
    """Power of POS near the contact rate and its double over the rest from 0.65 to 4 Hz."""
    wave = estimate("pos", read.rgb[None], fs, preset="pyvhr")[0]
    hz = np.fft.rfftfreq(8 * len(wave), 1 / fs)
    band = (hz >= BANDS_HZ[1][0]) & (hz <= BANDS_HZ[1][1])
    power, contact = (
        np.abs(np.fft.rfft((w - w.mean()) * np.hanning(len(w)), 8 * len(w))) ** 2
        for w in (wave, read.pulse)
    )
    rate_hz = hz[band][contact[band].argmax()]
    near = np.minimum(np.abs(hz - rate_hz), np.abs(hz - 2 * rate_hz)) <= SNR_HZ
    return float(10 * np.log10(power[band & near].sum() / power[band & ~near].sum()))


def check(videos: TwinVideos, folder: Path, cache: Path) -> None:
    """Print video / without pictures: changes by band, SNR, and errors, with their spread."""
    fs = videos.twin.fs
    two = [rendered(videos, folder, cache), without_pictures(videos, folder)]
    ratio = np.divide(*(np.stack([band_rms(read, fs) for read in reads]) for reads in two))
    for place, band in enumerate(BANDS_HZ):
        for colour, name in enumerate(("green", "red - green")):
            low, middle, high = np.quantile(ratio[:, place, colour], [0.05, 0.5, 0.95])
            row = f"{name}, {band[0]:g} to {band[1]:g} Hz"
            print(f"| {row} | {middle:.2f} ({low:.2f} to {high:.2f}) |")
    snr = np.subtract(*([snr_db(read, fs) for read in reads] for reads in two))
    print(f"| SNR of POS, dB | {np.median(snr):+.1f} ({snr.min():+.1f} to {snr.max():+.1f}) |")
    shortest = min(len(read.rgb) for reads in two for read in reads)
    tables = [errors([cut(read, shortest) for read in reads], fs, METHODS) for reads in two]
    for method in METHODS:
        video, plain = (table[method].to_numpy() for table in tables)
        numbers = [f(values) for f in (np.median, np.mean) for values in (video, plain)]
        numbers.append(np.corrcoef(video, plain)[0, 1])
        print(f"| {method} | {' | '.join(f'{number:.2f}' for number in numbers)} |")


def of_people(values: Array, people: list[str]) -> Array:
    """Resampled people: (RESAMPLES, recordings), indices of recordings, padded by repetition."""
    random = np.random.default_rng(0)
    rows = {person: np.flatnonzero(np.array(people) == person) for person in dict.fromkeys(people)}
    names = list(rows)
    chosen = random.integers(len(names), size=(RESAMPLES, len(names)))
    picked = [np.concatenate([values[rows[names[n]]] for n in line]) for line in chosen]
    return np.array([np.quantile(line, QUANTILES) for line in picked])


def predict(videos: TwinVideos, folder: Path, cache: Path, where: Path, file: str) -> None:
    """Print quantiles over recordings, 95 % over resampled people, and published ones."""
    reads = rendered(videos, folder, cache)
    table = errors(reads, videos.twin.fs, METHODS)
    print_quantiles(table, [r.person for r in reads], quantiles(published(where, file)))


def print_quantiles(table: pd.DataFrame, people: list[str], true: pd.DataFrame) -> None:
    """A line for each method: predicted (95 %) / published, by quantile over recordings."""
    for method in table:
        values = table[method].to_numpy()
        middle = np.quantile(values, QUANTILES)
        low, high = np.quantile(of_people(values, people), [0.025, 0.975], axis=0)
        expected = true[method].to_numpy()
        cells = [
            f"{m:.2f} ({a:.2f} to {b:.2f}) / {t:.2f}"
            for m, a, b, t in zip(middle, low, high, expected, strict=True)
        ]
        inside = int(((expected >= low) & (expected <= high)).sum())
        factor = np.exp(np.abs(np.log(middle / expected)).mean())
        print(f"| {method} | {' | '.join(cells)} | {inside} of {len(cells)} | {factor:.2f} |")


def piece_errors(waves: Array, labels: Array, fs: float) -> Array:
    """The error in bpm of the strongest frequency of pieces (n, T)."""
    rates = []
    for values in (waves, labels):
        centred = (values - values.mean(axis=1, keepdims=True)) * np.hanning(values.shape[1])
        power = np.abs(np.fft.rfft(centred, 2**14, axis=1))
        bpm = 60 * np.fft.rfftfreq(2**14, 1 / fs)
        band = (bpm >= LOWEST_BPM) & (bpm <= HIGHEST_BPM)
        rates.append(bpm[band][power[:, band].argmax(axis=1)])
    return np.abs(rates[0] - rates[1])


def pieces(videos: TwinVideos, folder: Path, cache: Path, outputs: Path, fs: float) -> None:
    """Print quantiles of the errors of waves in pieces of 300 frames, and of published waves."""
    stored = np.load(outputs)
    columns = {
        "SSR": ("two_sr", {"turned": False}),
        "POS": ("pos", {"preset": "pyvhr"}),
        "PCA": ("pca", {"preset": "pyvhr"}),
        "LGI": ("lgi", {}),
        "GREEN": ("green", {}),
    }
    found: dict[str, list[float]] = {name: [] for name in columns}
    people = []
    for recording in listed(videos, folder):
        features = features_of(recording, cache)
        count = 0
        for name, (method_name, chosen) in columns.items():
            method = load_methods().get("method", method_name, "twin_videos.py")
            wave, _ = estimate_pulse(features, method, method.parameters(chosen), "skin")
            whole = len(wave.samples) // PIECE
            times_s = wave.start_s + np.arange(whole * PIECE) / wave.fs
            label = complete(recording.ground_truth().pulse_at(times_s)).reshape(whole, PIECE)
            samples = np.nan_to_num(wave.samples[: whole * PIECE]).reshape(whole, PIECE)
            found[name] += piece_errors(samples, label, videos.twin.fs).tolist()
            count = whole
        people += [recording.subject] * count
    labels = stored["label"].reshape(-1, PIECE).astype(float)
    true = {
        name: np.quantile(
            piece_errors(stored[name].reshape(-1, PIECE).astype(float), labels, fs), QUANTILES
        )
        for name in columns
    }
    print_quantiles(pd.DataFrame(found), people, pd.DataFrame(true))


def network(
    videos: TwinVideos, folder: Path, cache: Path, method: Method, weights: Path, rules: list[str]
) -> None:
    """Print the scores of public weights."""
    model = load_model(weights)
    assert model is not None
    params = method.parameters(model.metadata.get("params", {}))
    waves: dict[str, Waveform] = {}
    truths, subjects = {}, {}
    for recording in listed(videos, folder):
        features = features_of(recording, cache, str(params["crop"]))
        waves[recording.name], _ = estimate_pulse(features, method, params, "skin", model)
        truths[recording.name] = recording.ground_truth()
        subjects[recording.name] = recording.subject
    scores = rb.score(waves, truths, evaluators=rules, subjects=subjects)
    windows = rb.score_windows(waves, truths, evaluator=rules[0], subjects=subjects)
    shown = ["recording", "window", "reference_bpm", "estimate_bpm", "snr_db"]
    print(windows[shown].to_string(index=False, float_format="{:.1f}".format))
    columns = ["evaluator", "n_recordings", "mae", "mae_low", "mae_high", "rmse", "r"]
    print(scores[columns].to_string(index=False, float_format="{:.2f}".format))


def main(arguments: list[str]) -> None:
    """Print the tables."""
    action, name, folder, cache, *rest = arguments
    videos = opened(name, Path(folder))
    places = (videos, Path(folder), Path(cache))
    if action == "network":
        method = load_methods().get("method", rest[0], "twin_videos.py")
        network(*places, method, Path(rest[1]), rest[2:])
    elif action == "predict":
        predict(*places, Path(rest[0]), rest[1])
    elif action == "pieces":
        pieces(*places, Path(rest[0]), float(rest[1]))
    else:
        check(*places)


if __name__ == "__main__":
    main(sys.argv[1:])
