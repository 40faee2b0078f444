"""Respiration and oxygen saturation beside a pulse: `recording.VITAL_SIGNS` of a ground truth.

A data set has these signs in files of their own. A fault of such a file gives a warning and no
sign; the pulse of the recording stays usable.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from rppgbench.core.recording import VITAL_SIGNS, GroundTruth
from rppgbench.core.waveform import Signal
from rppgbench.datasets.sample_order import format_count, order_samples
from rppgbench.system.errors import RecordingError

PLAUSIBLE: Mapping[str, tuple[float, float, str]] = MappingProxyType(
    {"respiration_rate": (3.0, 70.0, "breaths a minute"), "oxygen_saturation": (50.0, 100.0, "%")}
)
"""Lowest and highest reading of a device, and the unit; oximeters state no accuracy below 70 %."""


def read_vital_sign(name: str, read: Callable[[], Signal], warnings: list[str]) -> Signal | None:
    """A vital sign from its own file; None and a warning where the file cannot be read.

    Args:
        name: one of `VITAL_SIGNS`, or "heart_rate" where a set has it in a file of its own.
        read: reads the sign; may raise `RecordingError`.
        warnings: takes the warning.
    """
    try:
        return read()
    except RecordingError as error:
        warnings.append(f"no {spoken(name)}: {error}")
        return None


def clean_vital_signs(
    signs: Mapping[str, Signal | None], warnings: list[str], prefix: str = ""
) -> dict[str, Signal | None]:
    """Vital signs without unusable samples; each kind of fault gives one warning with a count.

    Samples whose time is no number, is repeated or goes backward are left out, and so are samples
    of the respiration that are no numbers. Readings of 0 and readings outside `PLAUSIBLE` become
    NaN. A sign of which nothing is left is None.

    Args:
        signs: by name, of `VITAL_SIGNS`.
        warnings: takes the warnings.
        prefix: begins each warning.

    >>> lines = []
    >>> readings = Signal(np.array([98.0, 0.0, 255.0]), np.arange(3.0))
    >>> clean_vital_signs({"oxygen_saturation": readings}, lines)["oxygen_saturation"].values
    array([98., nan, nan])
    >>> lines
    ['oxygen saturation: 2 of 3 readings are 0 or outside 50 to 100 %: no truth there']
    """
    return {
        name: None if sign is None else _clean(name, sign, warnings, prefix)
        for name, sign in signs.items()
    }


def _clean(name: str, sign: Signal, warnings: list[str], prefix: str) -> Signal | None:
    subject = f"{prefix}{spoken(name)}"
    ordered = order_samples(sign, subject, warnings)
    values = np.asarray(ordered.values, dtype=np.float64)
    unknown = ~np.isfinite(values)
    if name == "respiration":
        if unknown.any():
            warnings.append(f"{subject}: {format_count(unknown)} samples are not numbers: left out")
        ordered = Signal(values[~unknown], ordered.times_s[~unknown])
    else:
        lowest, highest, unit = PLAUSIBLE[name]
        odd = ~unknown & ((values < lowest) | (values > highest))
        if odd.any():
            warnings.append(
                f"{subject}: {format_count(odd)} readings are 0 or outside "
                f"{lowest:g} to {highest:g} {unit}: no truth there"
            )
        ordered = Signal(np.where(odd | unknown, np.nan, values), ordered.times_s)
    if not np.isfinite(ordered.values).any():
        warnings.append(f"{subject}: nothing usable")
        return None
    return ordered


def vital_signs(truth: GroundTruth) -> dict[str, Signal | None]:
    """The vital signs of a ground truth, by name."""
    return {name: getattr(truth, name) for name in VITAL_SIGNS}


def spoken(name: str) -> str:
    """The name of a sign in a message.

    >>> spoken("oxygen_saturation")
    'oxygen saturation'
    """
    return name.replace("_", " ")
