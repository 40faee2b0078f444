"""The tables of the pages on genuine data, from files at their public places.

    python docs/measurements/genuine/measure.py REAL WORK [TABLE ...]

REAL holds the files under the names of the table of sources (index.md), WORK is a new folder for
converted files and results. TABLE is traces, videos, labels, published, confidence or
own_confidence; all without one.
Nothing of REAL is written elsewhere than into WORK.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.io import loadmat

import rppgbench as rb
from rppgbench.cli import main
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array
from rppgbench.datasets.wrapped_rate import unwrap_rate
from rppgbench.evaluation.calibration import calibration, fitted_probability
from rppgbench.evaluation.risk_coverage import area_difference, risk_coverage
from rppgbench.evaluation.selective import add_confidence, confidence_levels
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.opening import open_predictions

RULES = ("beats_tukey", "li2023")
REGIONS = {"FH": "forehead", "Cheeks": "cheeks", "FH___Cheeks": "forehead and cheeks"}
VIDEOS = (
    "evm-face/face.mp4",
    *(f"one-person-five-lights/light_{level}.avi" for level in ("000", "025", "050", "075", "100")),
    *(f"pexels-and-occlusion/{name}" for name in ("Wolfgang.mp4", "single.mp4")),
    *(f"pexels-and-occlusion/{name}" for name in ("face_noface.mov", "noface_face.mov")),
    "face-clips-no-truth/csiro.mp4",
    "face-clips-no-truth/63-61_2.mp4",
)
FS = 60.0
PIECE = 300  # samples of one piece of the published outputs, 10 s at 30 a second


def convert_traces(real: Path, out: Path) -> None:
    """Mean colours of others as files with the declared columns, a folder for each person."""
    archive = np.load(real / "webcam-traces-60hz" / "traces.npz", allow_pickle=False)
    for person in ("01", "02", "03"):
        folder = out / "webcam" / person
        folder.mkdir(parents=True, exist_ok=True)
        ms, pulse, _ = archive[f"{person}_ppg"].astype(np.float64).T
        write_table(folder / "contact.csv", time_s=ms / 1000, pulse=pulse)
        for region in REGIONS:
            red, green, blue = archive[f"{person}_{region}_rgb"].astype(np.float64).T
            times_s = archive[f"{person}_{region}_t"]
            write_table(folder / f"{region}.csv", time_s=times_s, red=red, green=green, blue=blue)
    (out / "ubfc").mkdir(parents=True, exist_ok=True)
    pulse, rate_bpm, times_s = np.loadtxt(real / "ubfc-trace" / "ground_truth.txt")
    red, green, blue = loadmat(real / "ubfc-trace" / "mean_rgb.mat")["mean_rgb"].T.astype(float)
    colours = {"red": red, "green": green, "blue": blue}
    contact = {"pulse": pulse, "heart_rate_bpm": rate_bpm}
    write_table(out / "ubfc" / "subject.csv", time_s=times_s, **colours, **contact)


def write_table(file: Path, **columns: Array) -> None:
    """A CSV with the columns."""
    pd.DataFrame(columns).to_csv(file, index=False)


def convert_pieces(source: Path, out: Path, fs: float = 30.0) -> None:
    """Published outputs in joined pieces as a long table, a recording for each piece."""
    archive = np.load(source, allow_pickle=False)
    label = archive["label"].astype(np.float64)
    methods = [name for name in archive if name != "label"]
    names = [f"piece{number:03d}" for number in range(len(label) // PIECE)]
    table = pd.DataFrame(
        {
            "recording": np.tile(np.repeat(names, PIECE), len(methods)),
            "method": np.repeat(methods, len(label)),
            "fs": fs,
            "pulse": np.concatenate([archive[name].astype(np.float64) for name in methods]),
            "reference_pulse": np.tile(label, len(methods)),
        }
    )
    table.to_parquet(out)


def show(title: str, table: pd.DataFrame) -> None:
    """A table in Markdown, numbers with two decimals."""
    lines = [f"\n### {title}\n", "| " + " | ".join(map(str, table.columns)) + " |"]
    lines.append("| --- |" + " ---: |" * (len(table.columns) - 1))
    for row in table.itertuples(index=False):
        cells = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    sys.stdout.write("\n".join(lines) + "\n")


def traces(real: Path, work: Path) -> None:
    """MAE of each method and region, under both rules."""
    convert_traces(real, work / "traces")
    for name, title in (("webcam", "Three people at 60 Hz"), ("ubfc", "UBFC-rPPG, one subject")):
        root, out = work / "traces" / name, work / "results" / name
        main(["run", "--protocol", "traces", "--data", f"traces={root}", "--out", str(out)])
        results = rb.load_results(out)
        for rule in RULES:
            windows = results.windows(rule)
            windows["place"] = windows["recording"].str.split("/").str[-1].replace(REGIONS)
            windows["error"] = windows["error_bpm"].abs()
            table = windows.pivot_table(index="method", columns="place", values="error")
            table["windows"] = windows.groupby("method")["error"].count()
            show(f"{title}, {rule}: MAE in bpm", table.reset_index())


def videos(real: Path, work: Path) -> None:
    """Rate and verdict of two methods on each clip."""
    rows = []
    for video in VIDEOS:
        row: dict[str, object] = {"clip": video}
        for rule in RULES:
            for method in ("pos", "green"):
                row[f"{method}, {rule}"] = answer_of(real / video, method, rule, work / "cache")
        rows.append(row)
    show("Clips", pd.DataFrame(rows))


def answer_of(video: Path, method: str, rule: str, cache: Path) -> str:
    """The answer in a few words."""
    try:
        answer = rb.predict(video, method=method, evaluator=rule, cache=cache).details
    except rb.BenchError as error:
        return str(error).removeprefix(f"{video}: ").split(":")[0]
    if np.isnan(answer.snr_db):
        return answer.reason.split(":")[0]
    rate = "" if np.isnan(answer.heart_rate_bpm) else f"{answer.heart_rate_bpm:.1f}, "
    return f"{rate}{answer.verdict} ({answer.snr_db:.1f} dB)"


def labels(real: Path, work: Path) -> None:
    """The mean over the windows of a contact pulse, beside the device's own rate there."""
    rows = []
    for name, pulse, rate in contact_labels(real):
        start_s, count = float(pulse.times_s[0]), int(pulse.duration_s * FS) + 1
        wave = rb.Waveform(pulse.at(start_s + np.arange(count) / FS, np.inf), FS, start_s)
        row: dict[str, object] = {"file": name}
        for rule in RULES:
            windows = rb.score_windows(
                {name: wave}, {name: rb.GroundTruth(pulse=pulse)}, evaluator=rule
            )
            row[rule] = float(windows["reference_bpm"].mean())
        rows.append(row | {"device": float(np.nanmean(rate)), "windows": len(windows)})
    show("Contact pulses: mean rate in bpm", pd.DataFrame(rows))


def contact_labels(real: Path) -> Iterator[tuple[str, rb.Signal, Array]]:
    """Name, contact pulse, and the device's own heart rates."""
    for file in sorted(real.glob("ubfc-*/**/ground_truth.txt")):
        values, rate_bpm, times_s = np.loadtxt(file)
        name = file.parent.name.replace("subject", "UBFC ")
        device = unwrap_rate(rb.Signal(rate_bpm, times_s).in_order()).heart_rate.values
        yield name, rb.Signal(values, times_s).in_order(), device
    wave = np.loadtxt(real / "vipl-example" / "wave.csv", skiprows=1)
    rate_bpm = np.loadtxt(real / "vipl-example" / "gt_HR.csv", skiprows=1)
    yield "VIPL example", rb.Signal(wave, np.arange(len(wave)) / 60), rate_bpm
    table = pd.read_csv(real / "vitallens-labels" / "sample_vitals_1.csv")
    times_s = np.arange(len(table)) / 30
    yield (
        "vitallens 1",
        rb.Signal(table["ppg"].to_numpy(float), times_s),
        table["hr_ppg"].to_numpy(),
    )


def published(real: Path, work: Path) -> None:
    """Other people's outputs under several rules, and their own number where they state one."""
    for name in ("UBFC", "cohface"):
        convert_pieces(real / "rppg2ppg-outputs" / f"{name}.npz", work / f"{name}.parquet")
        results = imported(work / f"{name}.parquet", "rppg2ppg", work)
        rules = ("toolbox_2023", "toolbox_now", "pyvhr", "physbench", *RULES[::-1])
        columns = {rule: results.scores(rule).set_index("method")["mae"] for rule in rules}
        show(f"rppg2ppg, {name}: MAE in bpm", pd.DataFrame(columns).reset_index())
        rates_bpm = results.windows("li2023").query("method == 'rppg2ppg_POS'")["reference_bpm"]
        shares = [f"{rates_bpm.quantile(share):.1f}" for share in (0.05, 0.5, 0.95)]
        sys.stdout.write(f"\nreferences: {', '.join(shares)} bpm (5, 50, 95 %)\n")
    results = imported(real / "pyvhr-h5" / "UBFC1_clustering.h5", "clustering", work)
    stated = pd.read_csv(real / "pyvhr-results" / "summary.csv").query("file == 'UBFC1_clustering'")
    stated["method"] = "clustering_" + stated["method"]
    columns = {rule: results.scores(rule).set_index("method")["mae"] for rule in ("pyvhr", *RULES)}
    columns = {"stated": stated.groupby("method")["MAE"].mean(), **columns}
    show("pyVHR, UBFC-rPPG 1, clustering: MAE in bpm", pd.DataFrame(columns).reset_index())
    for name in ("UBFC", "PURE"):
        file = "comparison_UBFC.csv" if name == "UBFC" else "comparision_PURE.csv"
        table = pd.read_csv(real / "toolbox-video-rates" / file)
        long = pd.concat(
            pd.DataFrame(
                {
                    "recording": table.iloc[:, 0].astype(str),
                    "method": reading,
                    "heart_rate_bpm": table[reading],
                    "reference_heart_rate_bpm": table["Sensor"],
                }
            )
            for reading in ("PeakDetection", "FFT")
        ).dropna()
        long.to_csv(work / f"rates_{name}.csv", index=False)
        results = imported(work / f"rates_{name}.csv", "toolbox", work)
        columns = {rule: results.scores(rule).set_index("method")["mae"] for rule in RULES}
        show(f"rPPG-Toolbox's rates, {name}: MAE in bpm", pd.DataFrame(columns).reset_index())


def confidence(real: Path, work: Path) -> None:
    """How far the confidence of a window knows of its error, under li2023."""
    results: dict[str, rb.Results] = {}
    for name, fs in (("UBFC", 30.0), ("cohface", 20.0)):
        file = work / f"confidence_{name}.parquet"
        convert_pieces(real / "rppg2ppg-outputs" / f"{name}.npz", file, fs)
        results[f"rppg2ppg, {name}"] = imported(file, "rppg2ppg", work)
    convert_traces(real, work / "traces")
    out = work / "results" / "webcam"
    root = work / "traces" / "webcam"
    arguments = ["--protocol", "traces", "--data", f"traces={root}", "--out", str(out), "--quiet"]
    main(["run", *arguments])
    results["webcam, three people"] = rb.load_results(out)
    for title, loaded in results.items():
        windows = loaded.windows("li2023")
        add_confidence(windows)
        rows = []
        for method, part in windows.groupby("method"):
            curve = risk_coverage(part)
            assert curve is not None
            row: dict[str, object] = {"method": str(method).removeprefix("rppg2ppg_")}
            row |= {f"MAE of {share:.0%}": curve.risk_at(share) for share in (1.0, 0.9, 0.7, 0.5)}
            row |= {"area": curve.area_bpm, "best": curve.best_bpm, "skill": curve.skill}
            measured = calibration(part, fitted_probability(part, "confidence_db"))
            row["calibration error"] = np.nan if measured is None else measured.error
            for level in confidence_levels(part):
                name = f"{level.low_db:g} to {level.high_db:g} dB"
                row[name] = f"{level.mae_bpm:.1f} ({level.windows}, {100 * level.correct:.0f} %)"
            rows.append(row)
        show(title, pd.DataFrame(rows))


def own_confidence(real: Path, work: Path) -> None:
    """Confidences that methods and other tools give themselves."""
    convert_traces(real, work / "traces")
    windows = patch_windows(work / "traces" / "webcam")
    add_confidence(windows)
    rows = []
    for name, column in (("SNR", "confidence_db"), ("own", "confidence")):
        curve = risk_coverage(windows, column)
        assert curve is not None
        row: dict[str, object] = {"confidence": name}
        row |= {f"MAE of {share:.0%}": curve.risk_at(share) for share in (1.0, 0.9, 0.7, 0.5)}
        row["area"] = f"{curve.area_bpm:.2f} ({curve.low_bpm:.2f} to {curve.high_bpm:.2f})"
        row |= {"best": curve.best_bpm, "skill": curve.skill}
        probabilities = {"fitted": fitted_probability(windows, column)}
        if column == "confidence":
            probabilities["stated"] = windows[column].to_numpy(float)
        for basis in ("stated", "fitted"):
            row[f"error {basis}"] = "none"
            if basis in probabilities:
                measured = calibration(windows, probabilities[basis])
                assert measured is not None
                limits = f"{measured.error_low:.2f} to {measured.error_high:.2f}"
                shares = f"{measured.stated:.2f} for {measured.correct:.2f} of {measured.windows}"
                row[f"error {basis}"] = f"{measured.error:.2f} ({limits}), {shares}"
        rows.append(row)
    show("Three patches, webcam, multi_patch_median", pd.DataFrame(rows))
    difference = area_difference(windows, "confidence", "confidence_db")
    assert difference is not None
    limits = f"{difference.low_bpm:.2f} to {difference.high_bpm:.2f}"
    sys.stdout.write(f"\narea, own less SNR: {difference.value_bpm:.2f} bpm ({limits})\n")
    show("Bins of the stated probability", bins_of(windows))
    clips = [video for video in VIDEOS if "000" not in video and "face_" not in video]
    rows = []
    for video in clips:
        row = {"clip": video}
        for method in OWN_METHODS:
            row[method] = own_answer(real / video, method, work / "cache")
        rows.append(row)
    show("Clips: rate, verdict and the method's own confidence", pd.DataFrame(rows))
    show("Other tools on evm-face, 53 bpm", pd.DataFrame(list(peer_confidences(real))))


def patch_windows(root: Path) -> pd.DataFrame:
    """Windows of `multi_patch_median` on the three regions of each person as patches."""
    median = load_methods().available["multi_patch_median"]
    waves, truths = {}, {}
    for person in sorted(folder.name for folder in root.iterdir()):
        traces = [pd.read_csv(root / person / f"{region}.csv") for region in REGIONS]
        start_s = max(float(trace["time_s"].iloc[0]) for trace in traces)
        stop_s = min(float(trace["time_s"].iloc[-1]) for trace in traces)
        times_s = np.arange(start_s, stop_s, 1 / FS)
        patches = np.stack(
            [
                rb.Signal(trace[["red", "green", "blue"]].to_numpy(), trace["time_s"].to_numpy())
                .in_order()
                .at(times_s, np.inf)
                for trace in traces
            ],
            axis=1,
        )
        waves[person] = median.estimate(rb.Waveform(patches, FS, start_s), **median.parameters({}))
        contact = pd.read_csv(root / person / "contact.csv")
        pulse = rb.Signal(contact["pulse"].to_numpy(), contact["time_s"].to_numpy()).in_order()
        truths[person] = rb.GroundTruth(pulse=pulse)
    return rb.score_windows({"multi_patch_median": waves}, truths, evaluator="li2023")


def bins_of(windows: pd.DataFrame) -> pd.DataFrame:
    """Share of correct windows in tenths of the stated probability."""
    measured = calibration(windows, windows["confidence"].to_numpy(float))
    assert measured is not None
    return pd.DataFrame(
        {"windows": part.windows, "stated": part.stated, "correct": part.correct}
        for part in measured.bins
        if part.windows
    )


OWN_METHODS = [
    name
    for name in ("multi_patch_median", "open_rppg_physnet", "open_rppg_physformer")
    if name in load_methods().available
]
"""Methods with a confidence of their own; those of open-rppg where it is installed."""


def own_answer(video: Path, method: str, cache: Path) -> str:
    """Rate, verdict, SNR and the method's own confidence."""
    try:
        answer = rb.predict(video, method=method, evaluator="li2023", cache=cache).details
    except rb.BenchError as error:
        return str(error).removeprefix(f"{video}: ").split(":")[0]
    if np.isnan(answer.snr_db):
        return answer.reason.split(":")[0]
    rate = "" if np.isnan(answer.heart_rate_bpm) else f"{answer.heart_rate_bpm:.1f}, "
    return f"{rate}{answer.verdict} ({answer.snr_db:.1f} dB), {answer.confidence:.2f}"


def peer_confidences(real: Path) -> Iterator[dict[str, object]]:
    """Rate and confidence in result files of other tools."""
    folder = real / "peer-outputs"
    files = [*sorted((folder / "vitallens").glob("evm_*.json"))]
    files += sorted((folder / "open-rppg").glob("evm_*.json"))
    files += [folder / "pyvhr" / "evm_and_simulated_pandas3.h5"]
    options = ReadOptions(kind="heart_rate")
    for file in files:
        for recording in open_predictions(file, options):
            signal = recording.prediction
            if signal is None or "simulated" in recording.name:
                continue
            stated = signal.confidence
            yield {
                "file": file.name,
                "method": recording.method,
                "rate in bpm": float(np.nanmean(signal.values)),
                "confidence": np.nan if stated is None else float(np.nanmean(stated.values)),
            }


def imported(source: Path, method: str, work: Path) -> rb.Results:
    """Import, or take what an earlier call imported."""
    out = work / "imported" / source.stem
    return rb.import_predictions(source, method=method, out=out, page=False)


TABLES: dict[str, Callable[[Path, Path], None]] = {
    "traces": traces,
    "videos": videos,
    "labels": labels,
    "published": published,
    "confidence": confidence,
    "own_confidence": own_confidence,
}

if __name__ == "__main__":
    folders = [Path(argument) for argument in sys.argv[1:3]]
    folders[1].mkdir(parents=True, exist_ok=True)
    for table_name in sys.argv[3:] or TABLES:
        TABLES[table_name](*folders)
