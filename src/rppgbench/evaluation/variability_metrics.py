"""Metrics of beats and heart-rate variability: how far those of the estimate are off.

Each is a mean over the windows that have the value. An error stands beside its floor, the error of
a clean pulse that is sampled as the frames and as the sensor are: what no method goes below.
"""

from collections.abc import Mapping

from rppgbench.evaluation.metric_record import Metric, mean_of_known
from rppgbench.evaluation.metric_sums import Term, has_value, known_value, ratio

TASK_FORCE = "10.1161/01.CIR.93.5.1043"
EC57 = "ANSI/AAMI EC57:2012"
OWN = "this suite"

_INF = float("inf")


def _metric(column: str, *, label: str, unit: str, definition: str, source: str) -> Metric:
    """The mean over windows of a column of errors or floors; lower is better."""
    return Metric(
        name=column,
        label=label,
        unit=unit,
        better="lower",
        range=(0, _INF),
        definition=definition,
        source=source,
        compute=mean_of_known,
        from_sums=ratio(column, f"{column}_n"),
        column=column,
        group="beats",
        optional=True,
        decimals=0 if unit == "ms²" else 1,
    )


def _pair(name: str, *, label: str, unit: str, what: str, source: str) -> tuple[Metric, Metric]:
    """A measure's error and its floor."""
    return (
        _metric(
            f"{name}_error",
            label=f"{label} error",
            unit=unit,
            definition=f"Absolute difference of the {what} of estimate and reference; mean of the "
            "windows in which both have one.",
            source=source,
        ),
        _metric(
            f"{name}_floor",
            label=f"{label} floor",
            unit=unit,
            definition=f"The same difference for a clean pulse with the beats of the reference, "
            f"sampled as the frames are and as the sensor is: the {what} of no estimate is nearer "
            "but by chance.",
            source=OWN,
        ),
    )


VARIABILITY_METRICS: tuple[Metric, ...] = (
    Metric(
        name="beat_f1",
        label="Beat F1",
        better="higher",
        range=(0, 1),
        definition="Twice the beats that match one of the reference within the rule's tolerance, "
        "after a lag is taken off each window, over all beats of both; 0 without an estimate. "
        "Beats at random times match too: at 0.15 s and 75 bpm with about 0.4.",
        source=EC57,
        compute=mean_of_known,
        from_sums=ratio("beat_f1", "beat_f1_n"),
        column="beat_f1",
        group="beats",
        optional=True,
        decimals=3,
    ),
    _metric(
        "ibi_error_ms",
        label="IBI error",
        unit="ms",
        definition="Mean absolute difference of the inter-beat intervals whose two beats are "
        "matched and neighbours in both; mean of the windows that have any.",
        source=TASK_FORCE,
    ),
    _metric(
        "ibi_floor_ms",
        label="IBI floor",
        unit="ms",
        definition="The same difference for a clean pulse with the beats of the reference, sampled "
        "as the frames are and as the sensor is.",
        source=OWN,
    ),
    *_pair(
        "sdnn_ms",
        label="SDNN",
        unit="ms",
        what="standard deviation of normal intervals",
        source=TASK_FORCE,
    ),
    *_pair(
        "rmssd_ms",
        label="RMSSD",
        unit="ms",
        what="root of the mean squared difference of successive normal intervals",
        source=TASK_FORCE,
    ),
    *_pair(
        "lf_ms2",
        label="LF",
        unit="ms²",
        what="power of the intervals from 0.04 to 0.15 Hz",
        source=TASK_FORCE,
    ),
    *_pair(
        "hf_ms2",
        label="HF",
        unit="ms²",
        what="power of the intervals from 0.15 to 0.4 Hz",
        source=TASK_FORCE,
    ),
)
"""The metrics of evaluators that declare `variability`."""

VARIABILITY_TERMS: Mapping[str, Term] = {
    name: term
    for metric in VARIABILITY_METRICS
    for name, term in (
        (f"{metric.column}_n", has_value(metric.column)),
        (metric.column, known_value(metric.column)),
    )
}
"""The sums and counts of their values."""
