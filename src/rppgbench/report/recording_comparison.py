"""Errors and waveforms of every recording, which the page's script compares two by two."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rppgbench.core.estimate import EstimateKey
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.report.figures.series import Series, drawn_series
from rppgbench.report.figures.waveforms import reference_waveform, standardise
from rppgbench.report.inputs import ReportInputs, unit_of

if TYPE_CHECKING:
    import pandas as pd

RATE_HZ = 15.0
"""Samples per second of an excerpt, about: means over whole numbers of samples."""

EXCERPTS_S = (12.0, 8.0, 6.0)
"""Lengths of an excerpt; the first with which all excerpts fit in `MAX_LETTERS` is taken."""

MAX_LETTERS = 4_000_000
"""Letters of all excerpts of a page: one for each sample."""

LETTERS = "".join(chr(code) for code in range(35, 127) if chr(code) not in "&<>\\`")
"""The alphabet of samples, from `-REACH_SD` to `REACH_SD`; a blank is a missing sample."""

REACH_SD = 3.0
"""Standard deviations on either side of the mean beyond which a sample is cut off."""

FACTS = ("dataset", "recording", "subject", "scenario")
KEYS = ("dataset", "recording")


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordingComparison:
    """What the page's script draws from.

    Attributes:
        names: Rows of the table that can be compared, in its order.
        recordings: Data set, recording, subject and scenario of each recording.
        errors: For each row the mean absolute error of each recording, NaN where none.
        reference: For each recording its standardised reference pulse as letters, or "".
        waveforms: The same of each row: a sign, "-" where drawn upside down, and the letters.
        starts_s: Where each recording's excerpt begins.
        rates_hz: Samples per second of each recording's excerpt.
        unit: The unit of the errors.
        note: What the page lacks of it, or empty.
    """

    names: tuple[str, ...]
    recordings: tuple[tuple[str, str, str, str], ...]
    errors: tuple[tuple[float, ...], ...]
    reference: tuple[str, ...]
    waveforms: tuple[tuple[str, ...], ...]
    starts_s: tuple[float, ...]
    rates_hz: tuple[float, ...]
    unit: str = "bpm"
    note: str = ""

    def script(self) -> str:
        """The data as JSON for an element of the page; no text in it can end the element."""
        data = {
            "names": self.names,
            "recordings": self.recordings,
            "errors": [
                [None if np.isnan(e) else round(e, 3) for e in errors] for errors in self.errors
            ],
            "reference": self.reference,
            "waveforms": self.waveforms,
            "starts": [round(start, 2) for start in self.starts_s],
            "rates": [round(rate, 3) for rate in self.rates_hz],
            "letters": LETTERS,
            "unit": self.unit,
            "reach": REACH_SD,
        }
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return text.replace("<", "\\u003c")


def compare_recordings(page: ReportInputs) -> RecordingComparison | None:
    """The comparison of a page; None with fewer than two rows or recordings that have an error."""
    all_series = drawn_series(page)
    recordings = _recordings(all_series)
    if len(all_series) < 2 or len(recordings) < 2:
        return None
    described = tuple(tuple(str(row[fact]) for fact in FACTS) for row in recordings)
    errors = tuple(_errors(series, recordings) for series in all_series)
    excerpt_s, count = _excerpt_length(len(all_series), len(recordings))
    starts, rates, reference, waveforms = _waveforms(
        page, all_series, recordings[:count], excerpt_s
    )
    missing = len(recordings) - count
    return RecordingComparison(
        names=tuple(series.name for series in all_series),
        recordings=described,  # type: ignore[arg-type]
        errors=errors,
        reference=(*reference, *[""] * missing),
        waveforms=tuple((*row, *[""] * missing) for row in waveforms),
        starts_s=(*starts, *[0.0] * missing),
        rates_hz=(*rates, *[RATE_HZ] * missing),
        unit=unit_of(all_series[0].windows),
        note=f"The waveforms of {missing:,} recordings would make the page too large."
        if missing
        else "",
    )


def _recordings(all_series: Sequence[Series]) -> list[dict[str, Any]]:
    """All recordings that some row has a score of, in canonical order."""
    import pandas as pd

    if not all_series:
        return []
    windows = pd.concat([series.windows[[*FACTS, "reference_bpm"]] for series in all_series])
    scored = windows[windows["reference_bpm"].notna()]
    unique = scored.drop_duplicates(list(KEYS)).sort_values(list(KEYS), kind="stable")
    return [{str(k): v for k, v in row.items()} for row in unique.to_dict("records")]


def _errors(series: Series, recordings: Sequence[dict[str, Any]]) -> tuple[float, ...]:
    """The mean absolute error of each recording, as the table counts it: with missing estimates."""
    scored = series.windows[series.windows["reference_bpm"].notna()]
    means = scored.assign(error=scored["error_bpm"].abs()).groupby(list(KEYS))["error"].mean()
    by_key = means.to_dict()
    return tuple(float(by_key.get(_key(row), np.nan)) for row in recordings)


def _excerpt_length(rows: int, recordings: int) -> tuple[float, int]:
    """Length of the excerpts, and of how many recordings they fit on the page.

    >>> _excerpt_length(10, 42), _excerpt_length(15, 2378), _excerpt_length(15, 10_000)
    ((12.0, 42), (6.0, 2378), (6.0, 2777))
    """
    for seconds in EXCERPTS_S:
        letters = (rows + 1) * round(seconds * RATE_HZ)
        if recordings * letters <= MAX_LETTERS:
            return seconds, recordings
    return seconds, MAX_LETTERS // letters


def _waveforms(
    page: ReportInputs,
    all_series: Sequence[Series],
    recordings: Sequence[dict[str, Any]],
    excerpt_s: float,
) -> tuple[list[float], list[float], list[str], list[list[str]]]:
    """Starts, rates, references and the waveforms of each row."""
    keys = [_estimate_keys(series.windows) for series in all_series]
    starts, rates, references = [], [], []
    waveforms: list[list[str]] = [[] for _ in all_series]
    for row in recordings:
        truth = page.ground_truths.get(_key(row), GroundTruth())
        pulses = [_stored(page, by_recording.get(_key(row))) for by_recording in keys]
        first = next((waveform for waveform in pulses if waveform is not None), None)
        clock = None if first is None else _middle(first, excerpt_s)
        starts.append(0.0 if clock is None else clock.start_s)
        rates.append(RATE_HZ if clock is None else clock.fs)
        reference = None if clock is None else reference_waveform(truth, clock)
        samples = None if reference is None else standardise(reference.samples)
        references.append("" if samples is None else _letters(samples))
        for place, waveform in enumerate(pulses):
            drawn = "" if waveform is None or clock is None else _drawn(waveform, clock, samples)
            waveforms[place].append(drawn)
    return starts, rates, references, waveforms


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return str(row["dataset"]), str(row["recording"])


def _estimate_keys(windows: pd.DataFrame) -> dict[tuple[str, str], EstimateKey]:
    """The first estimate of each recording: of several seeds or folds, the first in order."""
    columns = ["dataset", "recording", "method", "fold", "seed", "condition", "region"]
    first: list[dict[Any, Any]] = windows.drop_duplicates(list(KEYS))[columns].to_dict("records")
    return {
        _key(row): EstimateKey(
            dataset=str(row["dataset"]),
            recording=str(row["recording"]),
            method=str(row["method"]),
            fold=str(row["fold"]),
            seed=int(row["seed"]),
            condition=str(row["condition"]),
            region=str(row["region"]),
        )
        for row in first
    }


def _stored(page: ReportInputs, key: EstimateKey | None) -> Waveform | None:
    stored = None if key is None else page.estimate(key)
    return None if stored is None else stored.waveform


def _middle(waveform: Waveform, excerpt_s: float) -> Waveform:
    """The middle of a recording, as a clock: block means of whole numbers of samples."""
    size = max(1, round(waveform.fs / RATE_HZ))
    count = min(len(waveform.samples), round(excerpt_s * waveform.fs)) // size * size
    begin = (len(waveform.samples) - count) // 2
    start_s = waveform.start_s + begin / waveform.fs
    return Waveform(np.zeros(count // size), waveform.fs / size, start_s)


def _drawn(waveform: Waveform, clock: Waveform, reference: Array | None) -> str:
    """The excerpt of one waveform as a sign and letters; "" where it is not at that time."""
    size = max(1, round(waveform.fs / clock.fs))
    begin = round((clock.start_s - waveform.start_s) * waveform.fs)
    samples = waveform.samples[max(0, begin) : max(0, begin) + size * len(clock.samples)]
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    if begin < 0 or not len(blocks):
        return ""
    means = standardise(blocks.mean(axis=1))
    opposed = reference is not None and np.nansum(means * reference[: len(means)]) < 0
    return ("-" if opposed else "+") + _letters(-means if opposed else means)


def _letters(samples: Array) -> str:
    """Standardised samples as letters, a blank where one is missing.

    >>> _letters(np.array([-9.0, 0.0, np.nan, 9.0])) == LETTERS[0] + LETTERS[43] + " " + LETTERS[-1]
    True
    """
    last = len(LETTERS) - 1
    scaled = np.clip((np.nan_to_num(samples) + REACH_SD) / (2 * REACH_SD), 0, 1)
    places = np.round(scaled * last).astype(int)
    finite = np.isfinite(samples)
    return "".join(_spelled(places, finite))


def _spelled(places: Any, finite: Any) -> Iterator[str]:
    for place, there in zip(places, finite, strict=True):
        yield LETTERS[place] if there else " "
