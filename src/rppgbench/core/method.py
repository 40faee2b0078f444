"""Records of methods: their declaration, the examples they learn from, and their models."""

import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth
from rppgbench.core.streaming import StreamingRule
from rppgbench.core.waveform import Waveform
from rppgbench.system.errors import BenchError, unknown_name

InputKind = Literal[
    "trace", "trace_background", "second_moments", "mstmap", "stmap", "stmap_moments", "clip"
]
"""The kinds of input of a method: one `Waveform` on an even time grid without gaps.

trace             (T, 3)        mean RGB of the protocol's face region
trace_background  (T, 2, 3)     the same, and mean RGB of the background; NaN where there is none
second_moments    (T, 3, 3)     mean of v vT over the region's pixels v = (R, G, B), uncentred
mstmap            (T, 63, 6)    RGBYUV of the 63 combinations of six regions
stmap             (T, 25, 3)    RGB of a 5 x 5 grid of the aligned face
stmap_moments     (T, 28, 3)    the same, and below it the 3 x 3 second moments of the region
clip              (T, S, S, 3)  uint8 face crop by the rule in the method's parameter `crop`
"""


Side = Literal["pretrain", "train", "validation"]
"""The side of a protocol that a recording to learn from is on: a data set for pre-training, whose
labels are never shown; the training side; or the validation part of the split, by which a method
may choose among its epochs."""

T = TypeVar("T")

SMOKE, TOY = "smoke", "toy"
"""Presets of methods that learn: for a laptop, and `toy_preset` of it."""

PRETRAIN_ON = ("pretrain_sets", "all_sets")
"""Values of the parameter `pretrain_on` of methods with a pre-training; see `first_stage`."""


def first_stage(pretrain: Sequence[T], train: Sequence[T], pretrain_on: str) -> tuple[T, ...]:
    """What the stage without labels learns from, of the two sides of a protocol.

    Args:
        pretrain: recordings of the data sets for pre-training.
        train: recordings of the training side.
        pretrain_on: "pretrain_sets": those of `pretrain`, or those of `train` where a protocol has
            no data set for pre-training; "all_sets": both.

    Raises:
        BenchError: another value.

    Examples:
        >>> first_stage(["a"], ["b"], "pretrain_sets"), first_stage([], ["b"], "pretrain_sets")
        (('a',), ('b',))
        >>> first_stage(["a"], ["b"], "all_sets")
        ('a', 'b')
    """
    if pretrain_on not in PRETRAIN_ON:
        raise unknown_name("pretrain_on", pretrain_on, PRETRAIN_ON, "parameters")
    return (*pretrain, *train) if pretrain_on == "all_sets" else tuple(pretrain or train)


def chooses_by_validation(params: Mapping[str, Any]) -> bool:
    """Whether a method chooses its epoch by the validation part, which it is then shown.

    The parameter is `checkpoint`: "validation" or "last". A method without it sees no validation.

    Examples:
        >>> chooses_by_validation({"checkpoint": "validation"}), chooses_by_validation({})
        (True, False)
    """
    return params.get("checkpoint") == "validation"


def toy_preset(params: Mapping[str, Any], smoke: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest training of a method: its preset `smoke` with one epoch and one pass.

    It shows that a training runs from end to end; nothing converges.

    Args:
        params: all parameters of the method with their defaults.
        smoke: its preset `smoke`.

    Returns:
        The values that differ from the defaults.

    Examples:
        >>> toy_preset({"width": 64, "epochs": 30, "passes": 6}, {"width": 12, "epochs": 8})
        {'width': 12, 'epochs': 1, 'passes': 1}
    """
    values = {**params, **smoke}
    counts = [name for name in values if name.endswith(("epochs", "passes"))]
    return {**smoke, **{name: 1 for name in counts if values[name] > 1}}


@dataclass(frozen=True, eq=False, kw_only=True)
class Example:
    """A recording to learn from: its input, and its ground truth where the method needs labels.

    `recording` and `subject` begin with the data set: `DATASET/NAME`. Data sets share names such as
    `subject1`.
    """

    recording: str
    subject: str
    inputs: Sequence[Waveform]  # one for each segment without gaps
    ground_truth: GroundTruth | None
    side: Side = "train"


@dataclass(frozen=True)
class Model:
    """What a method learned: arrays and metadata, stored as safetensors and JSON, never pickled."""

    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


LEARNED_FROM = "recordings"
"""The fact of a model that names the recordings that gave it a clip with labels.

Where a method does not say so, all examples count.
"""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How and where to learn: what the runner decides, not the method.

    `folder` is the method's own, for checkpoints that a killed training goes on from, named
    `*.safetensors`: they are deleted when the model is written. With `every_epoch` the model of
    every epoch stays there, in `epochs`, for the row "best epoch (oracle)".
    `log` takes a line of what is going on (epoch, loss, time left). A training that `devices`
    share is done by as many processes with one folder, of which that of `rank` 0 writes.
    `pretrained` is what `Pretraining.learn` gave, where that was a training of its own.
    """

    seed: int
    device: str  # "auto", "cpu", "cuda" or "mps"
    folder: Path
    log: Callable[[str], None] = field(default=lambda line: None, repr=False)
    every_epoch: bool = False
    devices: int = 1
    rank: int = 0
    pretrained: Model | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Pretraining:
    """The first stage of a method, without labels, as a training that several models share.

    `learn(examples, training, **params)` gives the model from which `fit` goes on. It gets the
    parameters named by `params` and no other, so that models that differ in other parameters only
    can share it.
    """

    learn: Callable[..., Model] = field(repr=False)
    params: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Method:
    """An estimator, its declared parameters with defaults, and where it was published.

    `estimate(waveform, **params)` or, for those that learn, `estimate(waveform, model, **params)`
    gives the pulse as a `Waveform` (T',) on the same clock. `fit(examples, training, **params)`
    gives a `Model`; it is None for the methods that do not learn. Both take all parameters.

    `params` hold the paper's values; `presets` name other sets ("smoke": for a laptop), chosen by
    the parameter `preset`. A method with a preset "smoke" has a preset "toy" too (`toy_preset`).
    `members` names the methods whose heart rates are averaged, window by window, in place of an
    estimate of its own.

    A method with a `pretraining` declares the parameters `pretrain_epochs`, `finetune_epochs` and
    `pretrain_on`. Where both stages are wanted, the first is a training of its own, done once for
    all models that begin with it; else `fit` does what there is to do.

    A method that runs other people's code has `versions`, which gives the versions of packages
    (they enter the digests of its estimates), with their `licence`, and, where its weights are
    learned already, with the names of the data sets that they were `trained_on`: tested on one of
    these it is shown as leaked and not ranked. `requires` raises a BenchError that names the
    packages to install where they are missing: the registry then lists the method as unavailable.

    `cumulated` says that the pulse is a running sum of changes with the drift of its errors still
    in it: a rule without detrending may read the drift, and the table names such rows.

    `streaming` gives the frames that the method needs to make its pulse while the frames arrive:
    see `rppgbench.core.streaming`. None: a sample needs the whole recording.
    """

    name: str
    title: str
    cite: str
    input: InputKind
    estimate: Callable[..., Waveform] = field(repr=False)
    params: Mapping[str, Any]
    fit: Callable[..., Model] | None = field(default=None, repr=False)
    pretraining: Pretraining | None = field(default=None, repr=False)
    needs_labels: bool = False
    needs_pulse: bool = False  # of the labels, the contact sensor's pulse: a rate does not do
    least_recordings: int = 1  # that `fit` needs, where a batch has more than one clip
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    members: tuple[str, ...] = ()
    baseline: bool = False  # learns nothing from the video: every other method must beat it
    gpu: float = 1.0  # the share of a GPU that it learns and estimates with, where it learns
    trained_on: tuple[str, ...] = ()  # data sets that weights it comes with were learned on
    licence: str = ""  # of the code or weights of others that it runs on
    versions: Callable[[], Mapping[str, str]] | None = field(default=None, repr=False)
    requires: Callable[[], None] | None = field(default=None, repr=False)
    cumulated: bool = False
    streaming: StreamingRule | None = field(default=None, repr=False)
    variant_of: str = ""  # the method of which this one is a variant (`method_variants`)

    @property
    def declared_name(self) -> str:
        """The name under which the method is declared: that of a variant's method."""
        return self.variant_of or self.name

    def __post_init__(self) -> None:
        """BenchError where a default is no plain value: defaults enter digests and stores."""
        sets = [self.params, *self.presets.values()]
        for name, value in (item for values in sets for item in values.items()):
            if value is inspect.Parameter.empty:
                raise BenchError(f"{self.name}: the parameter {name} has no default; give it one")
            try:
                json.dumps(value)
            except (TypeError, ValueError) as error:
                raise BenchError(
                    f"{self.name}: the default of {name} is a value of type "
                    f"{type(value).__name__}, which JSON does not hold; give a number, a text, a "
                    "list or None"
                ) from error

    def parameters(
        self, overrides: Mapping[str, Any], location: str = "parameters"
    ) -> dict[str, Any]:
        """Give every parameter a value: the paper's, then the preset's, then those given.

        Args:
            overrides: values that replace those of the paper and of the preset.
            location: who gives them, for messages: a file or an option.

        Returns:
            All parameters of the method, by name.

        Raises:
            BenchError: a parameter or preset that is unknown, or a value of another kind.

        Examples:
            >>> m = Method(name="m", title="", cite="", input="clip", estimate=print,
            ...            params={"preset": "paper", "epochs": 30, "lr": 1.0},
            ...            presets={"smoke": {"epochs": 2}})
            >>> m.parameters({"preset": "smoke", "lr": 0.5})
            {'preset': 'smoke', 'epochs': 2, 'lr': 0.5}
            >>> m.parameters({"epoch": 3}, "smoke.toml")
            Traceback (most recent call last):
            rppgbench.system.errors.BenchError: smoke.toml: no parameter of m 'epoch'; did you \
mean 'epochs'? Known: epochs, lr, preset.
            >>> m.parameters({"lr": "fast"}, "smoke.toml")
            Traceback (most recent call last):
            rppgbench.system.errors.BenchError: smoke.toml: lr of m is a value like 1.0, not 'fast'.
        """
        for name, value in overrides.items():
            if name not in self.params:
                raise unknown_name(f"parameter of {self.name}", name, self.params, location)
            default = self.params[name]
            is_finite = not isinstance(value, float) or math.isfinite(value)
            if not (is_finite and _is_same_kind(value, default)):
                raise BenchError(
                    f"{location}: {name} of {self.name} is a value like {default!r}, not {value!r}."
                )
        preset = overrides.get("preset", self.params.get("preset", "paper"))
        if preset != "paper" and preset not in self.presets:
            raise unknown_name(f"preset of {self.name}", preset, ["paper", *self.presets], location)
        return {**self.params, **self.presets.get(preset, {}), **overrides}

    def is_shown_labels(self, params: Mapping[str, Any]) -> bool:
        """Whether `fit` gets labels: not where it needs none, or leaves the stage with labels out.

        Examples:
            >>> m = Method(name="m", title="", cite="", input="clip", estimate=print,
            ...            params={"labels": True}, needs_labels=True)
            >>> m.is_shown_labels({"labels": True}), m.is_shown_labels({"labels": False})
            (True, False)
        """
        wanted = params.get("labels", True) and params.get("finetune_epochs", True)
        return self.needs_labels and bool(wanted)

    def pretraining_params(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """The parameters of a pre-training that is done apart; None where there is none.

        There is none where a method has no first stage, or where one of the stages is left out.

        Examples:
            >>> both = {"lr": 1.0, "pretrain_epochs": 2, "finetune_epochs": 3}
            >>> first = Pretraining(print, ("lr", "pretrain_epochs"))
            >>> m = Method(name="m", title="", cite="", input="clip", estimate=print, params=both,
            ...            pretraining=first)
            >>> m.pretraining_params(both)
            {'lr': 1.0, 'pretrain_epochs': 2}
            >>> m.pretraining_params({**both, "finetune_epochs": 0})
        """
        stages = ("pretrain_epochs", "finetune_epochs", "labels")
        if self.pretraining is None or not all(params.get(name, True) for name in stages):
            return None
        return {name: params[name] for name in self.pretraining.params}


def _is_same_kind(value: object, default: object) -> bool:
    """Whether a value can stand for a default: numbers for numbers, but no fractions for counts.

    Examples:
        >>> _is_same_kind(3, 0.5), _is_same_kind(3.0, 1)
        (True, False)
        >>> _is_same_kind(True, 1), _is_same_kind("a", "b")
        (False, True)
    """
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, int | float if isinstance(default, float) else type(default))


def method(
    title: str,
    cite: str,
    input: InputKind = "trace",
    *,
    fit: Callable[..., Model] | None = None,
    pretraining: Pretraining | None = None,
    needs_labels: bool = False,
    needs_pulse: bool = False,
    least_recordings: int = 1,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    baseline: bool = False,
    gpu: float = 1.0,
    trained_on: tuple[str, ...] = (),
    licence: str = "",
    versions: Callable[[], Mapping[str, str]] | None = None,
    requires: Callable[[], None] | None = None,
    cumulated: bool = False,
    streaming: StreamingRule | None = None,
) -> Callable[[Callable[..., Waveform]], Method]:
    """Declare a method.

    The name is the function's, the parameters are its keyword-only arguments with their defaults.

    Args:
        title: the method in a few words, as tables and `bench list` show it.
        cite: where it was published: DOI or reference.
        input: what the method takes: see `InputKind`.
        fit: learns a model from examples; None for a method that does not learn.
        pretraining: the first stage of `fit`, where several models can share it.
        needs_labels: whether `fit` needs the ground truth of its examples.
        needs_pulse: whether these labels are the contact sensor's pulse, and no heart rate.
        least_recordings: least number of recordings that `fit` needs: 2 where a batch holds clips
            of different recordings.
        presets: other sets of parameter values, by name.
        baseline: whether the method ignores the video, so that every other one must beat it.
        gpu: the share of a GPU that the method learns and estimates with.
        trained_on: the data sets that its weights were learned on.
        licence: the licence of code or weights of others that it runs on.
        versions: gives the versions of other people's packages; they enter the digests.
        requires: raises where something that the method needs is missing.
        cumulated: whether the pulse is a running sum of changes whose drift stays in it.
        streaming: the frames that a sample of the pulse needs; None for the whole recording.

    Returns:
        A decorator that turns the estimating function into a `Method`.
    """

    def declare(estimate: Callable[..., Waveform]) -> Method:
        keyword = inspect.Parameter.KEYWORD_ONLY
        signature = inspect.signature(estimate).parameters.values()
        params = {p.name: p.default for p in signature if p.kind is keyword}
        sets = dict(presets or {})
        if SMOKE in sets:
            sets.setdefault(TOY, toy_preset(params, sets[SMOKE]))
        return Method(
            name=estimate.__name__,
            title=title,
            cite=cite,
            input=input,
            estimate=estimate,
            params=params,
            fit=fit,
            pretraining=pretraining,
            needs_labels=needs_labels,
            needs_pulse=needs_pulse,
            least_recordings=least_recordings,
            presets=sets,
            baseline=baseline,
            gpu=gpu,
            trained_on=trained_on,
            licence=licence,
            versions=versions,
            requires=requires,
            cumulated=cumulated,
            streaming=streaming,
        )

    return declare


def ensemble(title: str, cite: str, name: str, members: tuple[str, ...]) -> Method:
    """Declare the mean heart rate of other methods.

    An ensemble has no waveform: the heart rates are averaged when they are scored.
    Source of the practice: W. Qian et al., "Joint Spatial-Temporal Modeling and Contrastive
    Learning for Self-supervised Heart Rate Measurement", 2024, section 3.2.

    Args:
        title: the ensemble in a few words.
        cite: where it was published.
        name: its name.
        members: the names of the methods that are averaged.

    Returns:
        The declaration.
    """

    def estimate(waveform: Waveform) -> Waveform:
        """Nothing: scoring averages the members' heart rates in bpm."""
        raise BenchError(
            f"{name}: has no waveform of its own; run {', '.join(members)} and score them together"
        )

    return Method(
        name=name,
        title=title,
        cite=cite,
        input="trace",
        estimate=estimate,
        params={},
        members=members,
    )
