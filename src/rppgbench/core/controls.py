"""Controls: rows of a table that cannot know the pulse, made from the same recordings."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Stage = Literal["input", "score"]


@dataclass(frozen=True, kw_only=True)
class Control:
    """One control.

    Attributes:
        name: how protocols, tables and files call it.
        title: how a page calls it.
        meaning: what takes the place of what, in one sentence.
        stage: "input": other features are given to each method; "score": stored waveforms or
            references are exchanged when scores are computed.
        by_method: there is one row for each method.
        knows: what of the reference the row can know; "" where it can know nothing of it.
    """

    name: str
    title: str
    meaning: str
    stage: Stage
    by_method: bool
    knows: str = ""


PHOTOGRAPH, BACKGROUND_ALONE = "photograph", "background"
NOISE, OTHER_PERSON = "noise", "other_person"
MEDIAN_OF_OTHERS, SHUFFLED_LABELS = "median_of_others", "shuffled_labels"
TIME_REVERSED = "time_reversed"

_DECLARED = (
    Control(
        name=PHOTOGRAPH,
        title="photograph",
        meaning="The method sees one frame of the recording, repeated.",
        stage="input",
        by_method=True,
    ),
    Control(
        name=BACKGROUND_ALONE,
        title="background",
        meaning="The method sees the colour beside and above the face in place of the skin.",
        stage="input",
        by_method=True,
    ),
    Control(
        name=NOISE,
        title="noise",
        meaning="White noise in place of the pulse: what the evaluator reads where there is none.",
        stage="score",
        by_method=False,
    ),
    Control(
        name=OTHER_PERSON,
        title="another person's sensor",
        meaning="The contact sensor of another person: a perfect reading of the wrong pulse.",
        stage="score",
        by_method=False,
    ),
    Control(
        name=MEDIAN_OF_OTHERS,
        title="median of the other people",
        meaning="One heart rate for every recording of a person: the median over the other people.",
        stage="score",
        by_method=False,
    ),
    Control(
        name=SHUFFLED_LABELS,
        title="shuffled labels",
        meaning="The method's own pulse beside the reference of another person.",
        stage="score",
        by_method=True,
    ),
    Control(
        name=TIME_REVERSED,
        title="time reversed",
        meaning="The method's own pulse, backward.",
        stage="score",
        by_method=True,
        knows="the mean heart rate of the recording",
    ),
)

CONTROLS: Mapping[str, Control] = MappingProxyType({c.name: c for c in _DECLARED})
"""Every control by name."""

INPUT_CONTROLS = frozenset(c.name for c in _DECLARED if c.stage == "input")
"""Those that need estimates of their own. Such an estimate has the control as its condition."""
