"""A training in two stages: without labels, then with labels; and the choice of its epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import LEARNED_FROM, Example, Model, Training, first_stage
from rppgbench.neural.batches import BatchSource
from rppgbench.neural.clips import Clips
from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.inference import run_network
from rppgbench.neural.losses.power_spectra import peak_bpm
from rppgbench.neural.network_weights import load_arrays
from rppgbench.neural.parameters import PretrainingParameters, TwoStageParameters
from rppgbench.neural.segments import cut_segments
from rppgbench.neural.single_stage import CLIPS_JUDGED, last_row, sample_clips
from rppgbench.neural.trained_model import SCORE, History, best_epoch, to_model
from rppgbench.neural.training import train
from rppgbench.neural.training_stage import Recipe
from rppgbench.system.errors import RecordingError

LOW_HZ, HIGH_HZ = 40 / 60, 3.0
"""The band in which a validation reads heart rates: 40 to 180 beats a minute."""

NO_VALIDATION = (
    'the parameter checkpoint is "last", the validation part has no clip with a pulse, '
    "or the split has no such part"
)


@dataclass(frozen=True, kw_only=True)
class StageExamples:
    """The examples of each stage, and those by which an epoch is chosen."""

    pretrain: tuple[Example, ...]
    train: tuple[Example, ...]
    validation: tuple[Example, ...]


def split_by_side(examples: Sequence[Example], pretrain_on: str) -> StageExamples:
    """Split examples by the side of the protocol that they are on.

    Args:
        examples: examples of all sides.
        pretrain_on: see `core.method.first_stage`. The labels of its examples are removed.
    """
    of_side = {
        side: [example for example in examples if example.side == side]
        for side in ("pretrain", "train", "validation")
    }
    first = first_stage(of_side["pretrain"], of_side["train"], pretrain_on)
    return StageExamples(
        pretrain=tuple(replace(example, ground_truth=None) for example in first),
        train=tuple(of_side["train"]),
        validation=tuple(of_side["validation"]),
    )


@dataclass(frozen=True)
class Validation:
    """Scores a network on the validation part: lower is better.

    Attributes:
        clips: number of clips.
        score: the root mean square difference of heart rates, in bpm, of a network.
    """

    clips: int
    score: Callable[[nn.Module], float]


def make_validation(
    examples: Sequence[Example],
    params: TwoStageParameters,
    make_input: Callable[[NDArray[Any]], Tensor],
) -> Validation | None:
    """Make the score by which an epoch of the second stage is chosen.

    Qian et al. 2024 hold out a fifth of the training set and do not say what is compared on it.
    Here it is the measure of their challenge: the root mean square difference of heart rates, here
    of the highest peaks of the spectra of output and label over clips without overlap.

    Args:
        examples: examples of the validation side.
        params: parameters of the method; `checkpoint` "last" needs no validation.
        make_input: makes the network's input (a batch of one) from the samples of a clip.

    Returns:
        The score; None with "last", or where no clip has a pulse.
    """
    labelled = [e for e in examples if e.ground_truth is not None and e.ground_truth.pulse]
    if params.checkpoint == "last" or not labelled:
        return None
    try:
        segments = cut_segments(labelled, params.fs, params.clip_s, "validation")
    except RecordingError:  # no recording is as long as a clip
        return None
    clips = Clips(segments, params.clip_length)
    starts = clips.all_starts(clips.length)
    pulses, known = clips.pulses(starts)
    starts = [start for start, flag in zip(starts, known, strict=True) if flag]
    if not starts:
        return None
    wanted = _rates(torch.from_numpy(pulses[known > 0]), params.fs)

    def score(network: nn.Module) -> float:
        out = last_row(run_network(network, (make_input(clips.read(start)) for start in starts)))
        return float((_rates(out, params.fs) - wanted).square().mean().sqrt())

    return Validation(len(starts), score)


def _rates(pulses: Tensor, fs: float) -> Tensor:
    return peak_bpm(pulses, fs, low_hz=LOW_HZ, high_hz=HIGH_HZ)


@dataclass(frozen=True, kw_only=True)
class StageParts:
    """What one stage of a method learns with.

    Attributes:
        make: makes the learner (see `training.train`), whose submodule `network` is the model.
        batches: the batches of each epoch.
        clips: the clips to learn from.
        make_input: makes the network's input (a batch of one) from the samples of a clip.
        clips_judged: about how many of the clips the verdict on collapse is based on.
        lowest_hz: the lowest heart rate of the verdict, in Hz.
    """

    make: Callable[[], nn.Module]
    batches: BatchSource
    clips: Clips
    make_input: Callable[[NDArray[Any]], Tensor]
    clips_judged: int = CLIPS_JUDGED
    lowest_hz: float = LOW_HZ


def learn_without_labels(
    parts: StageParts, training: Training, params: PretrainingParameters
) -> Model:
    """Train the first stage.

    Args:
        parts: learner, clips and batches.
        training: how and where to train.
        params: the parameters of the stage.

    Returns:
        The model, with its last losses, the verdict on collapse and the recordings.
    """
    recipe = Recipe(
        epochs=params.pretrain_epochs,
        lr=params.lr,
        weight_decay=params.weight_decay,
        precision=params.precision,
    )
    network, history = _train(parts, recipe, training, "pretrain", None)
    metadata = {"collapse": _judge(network, parts, params.fs)} if history else {}
    model = to_model(network, {"pretrain": history}, **metadata)
    learned_from = sorted(parts.clips.by_recording)
    return replace(model, metadata={**model.metadata, LEARNED_FROM: learned_from})


def learn_with_labels(
    parts: StageParts,
    first: Model,
    validation: Sequence[Example],
    training: Training,
    params: TwoStageParameters,
    **metadata: Any,
) -> Model:
    """Train the second stage from the weights of the first.

    Args:
        parts: learner, clips and batches.
        first: the model of the first stage.
        validation: examples by which the epoch is chosen: see `make_validation`.
        training: how and where to train; takes a line on the choice of the epoch.
        params: the parameters of the method.
        **metadata: further metadata of the model.

    Returns:
        The model, with the metadata of both stages, the choice of the epoch and the recordings.
    """
    recipe = Recipe(
        epochs=params.finetune_epochs,
        lr=params.finetune_lr,
        weight_decay=params.weight_decay,
        precision=params.precision,
    )

    def make() -> nn.Module:
        learner = parts.make()
        load_arrays(learner.get_submodule("network"), first.arrays)
        return learner

    choice = make_validation(validation, params, parts.make_input)
    network, history = _train(replace(parts, make=make), recipe, training, "finetune", choice)
    collapse = _judge(network, parts, params.fs)
    model = to_model(network, {"finetune": history}, collapse=collapse, **metadata)
    joined = {name: {**first.metadata[name], **model.metadata[name]} for name in ("epochs", "last")}
    checkpoint = _describe_choice(choice, history)
    training.log(f"finetune: checkpoint by {checkpoint}")
    learned_from = {*parts.clips.by_recording}
    if training.pretrained is None:
        learned_from |= set(first.metadata.get(LEARNED_FROM, ()))
    return replace(
        model,
        metadata={
            **model.metadata,
            **joined,
            "checkpoint": checkpoint,
            LEARNED_FROM: sorted(learned_from),
        },
    )


def _train(
    parts: StageParts, recipe: Recipe, training: Training, stage: str, choice: Validation | None
) -> tuple[nn.Module, History]:
    """The trained network of a stage, and its history."""

    def network_of(learner: nn.Module) -> nn.Module:
        return learner.get_submodule("network")

    learner, history = train(
        parts.make,
        parts.batches,
        recipe,
        training,
        stage=stage,
        export=lambda trained: to_model(network_of(trained), {}),
        score=None if choice is None else lambda trained: choice.score(network_of(trained)),
    )
    return network_of(learner), history


def _judge(network: nn.Module, parts: StageParts, fs: float) -> dict[str, Any]:
    """The verdict on collapse, from clips of the training set."""
    clips = parts.clips
    judged = sample_clips(clips.all_starts(clips.length), parts.clips_judged)
    inputs = (parts.make_input(clips.read(start)) for start in judged)
    return detect_collapse(last_row(run_network(network, inputs)), fs, low_hz=parts.lowest_hz)


def _describe_choice(choice: Validation | None, history: History) -> dict[str, Any]:
    """How the epoch of the second stage was chosen, for the metadata of the model."""
    if choice is None:
        return {"rule": "last", "why": NO_VALIDATION}
    best = best_epoch(history)
    return {
        "rule": "validation",
        "epoch": best + 1,
        "rmse_bpm": round(history[best][SCORE], 4),
        "clips": choice.clips,
    }
