"""The tables of heart_rate_reading.md, from genuine recordings and from simulated pulses.

    python docs/measurements/heart_rate_reading.py REAL
    python docs/measurements/heart_rate_reading.py --figure docs/images/heart_rate_reading.png

REAL holds `webcam-traces-60hz/traces.npz`, `ubfc-labels/subject*/ground_truth.txt`,
`ubfc-trace/ground_truth.txt` and `vitallens-labels/*.csv`; the page names their public places.
The columns of heartpy and neurokit2 need these packages (`pip install heartpy neurokit2`).
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import rppgbench as rb
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.evaluation.beat_reading import Beats, join_pieces, pulse_beats
from rppgbench.evaluation.beat_rule import BeatReading
from rppgbench.signals.beats import DETECTORS, between_samples, spline_to
from rppgbench.signals.filters import butterworth

RULES = ("beats_hann", "beats_tukey", "beats_boxcar")
MATCH_S = 0.06
FS = 250.0


def beat_rule() -> BeatReading:
    """How the default evaluator finds beats."""
    rule = rb.load_evaluator("beats_tukey").reference
    assert isinstance(rule, BeatReading)
    return rule


def contact_pulses(real: Path) -> Iterator[tuple[str, Signal, Array | None]]:
    """Name, contact pulse, and the device's own beats where there are any."""
    with np.load(real / "webcam-traces-60hz" / "traces.npz", allow_pickle=False) as archive:
        for subject in ("01", "02", "03"):
            ms, values, mark = archive[f"{subject}_ppg"].astype(np.float64).T
            yield f"webcam {subject}", Signal(values, ms / 1000).in_order(), ms[mark > 0] / 1000
    for file in sorted(real.glob("ubfc-*/**/ground_truth.txt")):
        values, _, times_s = np.loadtxt(file)
        name = file.parent.name.replace("subject", "UBFC ").replace("ubfc-trace", "UBFC trace")
        yield name, Signal(values, times_s).in_order(), None
    for file in sorted((real / "vitallens-labels").glob("*.csv")):
        values = np.genfromtxt(file, delimiter=",", names=True)["ppg"]
        yield f"vitallens {file.stem[-1]}", Signal(values, np.arange(len(values)) / 30), None


def evenly(pulse: Signal, fs: float) -> Waveform:
    """The pulse at a steady rate from its first time on."""
    start_s = float(pulse.times_s[0])
    count = int((pulse.times_s[-1] - start_s) * fs) + 1
    times_s = start_s + np.arange(count) / fs
    return Waveform(np.interp(times_s, pulse.times_s, pulse.values), fs, start_s)


def filtered(wave: Waveform) -> Array:
    """The pulse as detectors of beats take it."""
    return spline_to(butterworth(wave.samples, wave.fs, 0.5, 8.0, 2), wave.fs, FS)


def matched(beats_s: Array, others_s: Array) -> float:
    """The share of beats with another one within 60 ms, of the set where it is smaller."""
    if not len(beats_s) or not len(others_s):
        return 0.0
    apart_s = np.abs(beats_s[:, None] - others_s)
    return float(min((apart_s.min(axis=k) <= MATCH_S).mean() for k in (0, 1)))


def neurokit_beats(wave: Waveform, method: str) -> Array:
    """The beats by a detector of neurokit2, in seconds on the clock of the wave."""
    import neurokit2

    fine = filtered(wave)
    found = neurokit2.ppg_findpeaks(fine, sampling_rate=int(FS), method=method)["PPG_Peaks"]
    return wave.start_s + between_samples(fine, np.asarray(found, np.int64)) / FS


def neurokit_window(wave: Waveform) -> float:
    """60 over the mean interval of the beats in a window."""
    return float(60 / np.diff(neurokit_beats(wave, "elgendi")).mean())


def heartpy_window(wave: Waveform) -> float:
    """The rate that heartpy gives of a window as it is."""
    import heartpy

    return float(heartpy.process(wave.samples, wave.fs)[1]["bpm"])


def read_windows(
    wave: Waveform, start_s: Array, stop_s: Array, read: Callable[[Waveform], float]
) -> Array:
    """The rates of windows by another tool; NaN where it gives none."""
    rates: Array = np.full(len(start_s), np.nan)
    for k, (start, stop) in enumerate(zip(start_s, stop_s, strict=True)):
        first, last = (round((t - wave.start_s) * wave.fs) for t in (start, stop))
        part = Waveform(wave.samples[first:last], wave.fs, start)
        try:
            rates[k] = read(part)
        except Exception as fault:  # another tool's faults are its own
            print(f"  no rate: {fault}", file=sys.stderr)
    return rates


def mean_difference(one: Array, other: Array) -> str:
    """Mean absolute difference as text."""
    apart = np.abs(one - other)
    return f"{np.nanmean(apart):.2f}" if np.isfinite(apart).any() else "none"


def between_first_and_last(beats: Beats, start_s: Array, stop_s: Array) -> Array:
    """60 (n - 1) over the time from the first beat of a window to its last."""
    inside = [
        beats.times_s[(beats.times_s >= a) & (beats.times_s < b)]
        for a, b in zip(start_s, stop_s, strict=True)
    ]
    return np.array([60 * (len(t) - 1) / np.ptp(t) if len(t) > 1 else np.nan for t in inside])


def spectral(wave: Waveform, evaluator: str) -> Array:
    """The rates of a pulse by the estimate's chain of an evaluator, in its windows."""
    return rb.score_windows({"r": wave}, {"r": wave}, evaluator=evaluator)[
        "estimate_bpm"
    ].to_numpy()


def print_readings(real: Path) -> None:
    """How other readings of contact pulses differ from the beats' integral."""
    print("| recording | truth | windows | beats of ours | li2023 | li2023_boxcar | Tukey 0.25 "
          "| first to last beat | heartpy | neurokit2 |")  # fmt: skip
    print("|" + " --- |" * 10)
    for name, pulse, marks_s in contact_pulses(real):
        wave = evenly(pulse, 60.0 if name.startswith("webcam") else 30.0)
        windows = rb.score_windows({"r": wave}, {"r": wave}, evaluator="li2023")
        start_s = windows["start_s"].to_numpy()
        stop_s = start_s + windows["duration_s"].to_numpy()
        ours = pulse_beats(pulse, beat_rule())[0]
        heartpy = read_windows(wave, start_s, stop_s, heartpy_window)
        neurokit = read_windows(wave, start_s, stop_s, neurokit_window)
        truths = {"beats": ours}
        if marks_s is not None:
            truths["device's marks"] = join_pieces([marks_s])
        for kind, beats in truths.items():
            truth, covered = beats.rates(start_s, stop_s)
            truth = np.where(covered >= 0.75, truth, np.nan)
            readings = (
                ours.rates(start_s, stop_s)[0],
                spectral(wave, "li2023"),
                spectral(wave, "li2023_boxcar"),
                spectral(wave, "beats_tukey"),
                between_first_and_last(beats, start_s, stop_s),
                heartpy,
                neurokit,
            )
            cells = " | ".join(mean_difference(reading, truth) for reading in readings)
            print(f"| {name} | {kind} | {len(truth)} | {cells} |")


def print_unusable(real: Path) -> None:
    """Windows of the contact pulses that have no reference under the default evaluator."""
    for name, pulse, _ in contact_pulses(real):
        wave = evenly(pulse, 30.0)
        rows = rb.score_windows({"r": wave}, {"r": pulse}, evaluator="beats_tukey")
        for row in rows[rows["reference_bpm"].isna()].to_dict("records"):
            print(f"- {name}, {row['start_s']:.0f} s: {row['reason']}")


def print_detectors(real: Path) -> None:
    """Beats of one filtered pulse that our detectors share with those of neurokit2."""
    pairs = (("elgendi", "elgendi"), ("elgendi", "charlton"), ("scalogram", "charlton"))
    heads = " | ".join(f"our {ours}, neurokit2's {theirs}" for ours, theirs in pairs)
    print(f"| recording | beats | {heads} |")
    print("|" + " --- |" * (2 + len(pairs)))
    for name, pulse, _ in contact_pulses(real):
        wave = evenly(pulse, 60.0 if name.startswith("webcam") else 30.0)
        fine = filtered(wave)
        beats_s = {key: wave.start_s + find(fine, FS) / FS for key, find in DETECTORS.items()}
        shares = [matched(beats_s[ours], neurokit_beats(wave, other)) for ours, other in pairs]
        cells = " | ".join(f"{share:.1%}" for share in shares)
        print(f"| {name} | {len(beats_s['elgendi'])} | {cells} |")


def print_genuine_estimates(real: Path) -> None:
    """Somebody else's POS beside the contact pulse, under three tapers."""
    print("| subject, region | " + " | ".join(f"{r}: mean; median" for r in RULES) + " |")
    print("|" + " --- |" * (1 + len(RULES)))
    pulses = {name[-2:]: (pulse, m) for name, pulse, m in contact_pulses(real) if "webcam" in name}
    with np.load(real / "webcam-traces-60hz" / "traces.npz", allow_pickle=False) as archive:
        for subject, (pulse, marks_s) in pulses.items():
            truth = rb.GroundTruth(pulse=pulse, beats_s=marks_s)
            for region in ("FH", "Cheeks", "FH___Cheeks"):
                times_ms, values, _ = archive[f"{subject}_{region}_theirs"].astype(np.float64).T
                pos = evenly(Signal(values, times_ms / 1000).in_order(), 60.0)
                cells = []
                for rule in RULES:
                    rows = rb.score_windows({"r": pos}, {"r": truth}, evaluator=rule)
                    errors = rows["error_bpm"].abs()
                    cells.append(f"{errors.mean():.2f}; {errors.median():.2f}")
                print(f"| {subject}, {region.replace('___', ' and ')} | {' | '.join(cells)} |")


def noisy_pulses(seed: int, snr_db: float) -> tuple[dict[str, Waveform], dict[str, Signal]]:
    """Pulses with a varying rate in red noise, and the noiseless ones as contact pulses.

    The in-band SNR is of the fundamental against the noise from 0.66 to 3 Hz.
    """
    random = np.random.default_rng(seed)
    times_s = np.arange(60 * 60) / 60
    estimates, references = {}, {}
    for k in range(24):
        mean_hz = random.uniform(0.9, 1.9)
        phase = 2 * np.pi * random.uniform(size=2)
        hz = mean_hz * (
            1
            + 0.04 * np.sin(2 * np.pi * 0.25 * times_s + phase[0])
            + 0.04 * np.sin(2 * np.pi * 0.08 * times_s + phase[1])
            + 0.06 * random.uniform(-1, 1) * times_s / 60
        )
        beats = 2 * np.pi * np.cumsum(hz) / 60
        references[f"s{k:02d}"] = Signal(np.cos(beats) + 0.35 * np.cos(2 * beats), times_s)
        noise = np.fft.rfft(random.normal(size=1800))
        freqs = np.fft.rfftfreq(1800, 1 / 30)
        noise *= 1 / np.maximum(freqs, 0.1)
        in_band = (freqs >= 0.66) & (freqs <= 3)
        power = 2 * (np.abs(noise[in_band]) ** 2).sum() / 1800**2
        noise *= np.sqrt(0.5 / 10 ** (snr_db / 10) / power)
        wave = np.cos(beats[::2]) + np.fft.irfft(noise, 1800)
        estimates[f"s{k:02d}"] = Waveform(wave, 30.0)
    return estimates, references


def print_noisy_estimates() -> None:
    """Simulated noisy estimates under three tapers."""
    print("| in-band SNR | " + " | ".join(f"{r}: mean; within 5 bpm" for r in RULES) + " |")
    print("|" + " --- |" * (1 + len(RULES)))
    for snr_db in (np.inf, 6.0, 3.0, 0.0, -3.0, -6.0):
        cells = []
        for rule in RULES:
            errors = []
            for seed in range(5):
                estimates, references = noisy_pulses(seed, snr_db)
                rows = rb.score_windows(estimates, references, evaluator=rule)
                errors.append(rows["error_bpm"].abs().to_numpy())
            apart = np.concatenate(errors)
            cells.append(f"{np.nanmean(apart):.2f}; {np.nanmean(apart <= 5):.1%}")
        print(f"| {'no noise' if np.isinf(snr_db) else f'{snr_db:.0f} dB'} | {' | '.join(cells)} |")


def main(real: Path) -> None:
    """Print all tables."""
    warnings.simplefilter("ignore")
    for title, table in (
        ("Readings of contact pulses", print_readings),
        ("Windows without a reference", print_unusable),
        ("Detectors of beats", print_detectors),
        ("Genuine estimates", print_genuine_estimates),
    ):
        print(f"\n## {title}\n")
        table(real)
    print("\n## Simulated noisy estimates\n")
    print_noisy_estimates()


def draw_readings(file: Path) -> None:
    """What tapers weight, and what they read of one simulated pulse with a varying rate."""
    import matplotlib.pyplot as plt
    from scipy.signal import get_window

    random = np.random.default_rng(4)
    times_s = np.arange(80 * 60) / 60
    slow, fast = (2 * np.pi * random.uniform() for _ in range(2))
    bpm = 72 * (1 + 0.06 * np.sin(2 * np.pi * 0.06 * times_s + slow)
                + 0.03 * np.sin(2 * np.pi * 0.25 * times_s + fast))  # fmt: skip
    phase = 2 * np.pi * np.cumsum(bpm) / 3600
    pulse = Waveform(np.cos(phase) + 0.35 * np.cos(2 * phase), 60.0)
    colours = {"beats_hann": "#D55E00", "beats_tukey": "#0072B2", "beats_boxcar": "#009E73"}
    names = {"beats_hann": "Hann", "beats_tukey": "Tukey 0.25", "beats_boxcar": "boxcar"}
    tapers = {"beats_hann": "hann", "beats_tukey": ("tukey", 0.25), "beats_boxcar": "boxcar"}
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 3.6), width_ratios=[1, 2.4], layout="constrained"
    )
    for rule, taper in tapers.items():
        weight = get_window(taper, 1000) ** 2
        left.plot(np.linspace(0, 10, 1000), weight / weight.mean() * 10, color=colours[rule])
    left.set(xlabel="time in the window, s", ylabel="weight, % per second", ylim=(0, 28),
             title="How much each second counts", xlim=(0, 10))  # fmt: skip
    right.plot(times_s, bpm, color="0.75", linewidth=1, label="heart rate at each time")
    rows = {rule: rb.score_windows({"r": pulse}, {"r": pulse}, evaluator=rule) for rule in RULES}
    start_s = rows["beats_hann"]["start_s"].to_numpy()
    mean = rows["beats_hann"]["reference_bpm"].to_numpy()
    right.hlines(mean, start_s, start_s + 10, color="black", linewidth=2.5,
                 label="mean of the window, by its beats")  # fmt: skip
    for rule, marker in zip(RULES, "vos", strict=True):
        right.plot(start_s + 5, rows[rule]["estimate_bpm"], marker, color=colours[rule],
                   label=f"peak under {names[rule]}")  # fmt: skip
    right.set(xlabel="time, s", ylabel="heart rate, bpm", xlim=(0, 80),
              title="SIMULATED: one clean pulse, read in windows of 10 s")  # fmt: skip
    right.legend(fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=150)


if __name__ == "__main__":
    if sys.argv[1] == "--figure":
        draw_readings(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]))
