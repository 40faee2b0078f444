"""A training in two stages: without labels, then with labels; and the choice of its epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import LEARNED_FROM, Example, Model, Training, first_stage
from rppgbench.neural.clips import Clips, cut_segments
from rppgbench.neural.inference import run_network
from rppgbench.neural.losses.power_spectra import peak_bpm
from rppgbench.neural.parameters import TwoStageParameters
from rppgbench.neural.single_stage import last_row
from rppgbench.neural.trained_model import SCORE, History, best_epoch, to_model
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


def finish_two_stages(
    network: nn.Module,
    first: Model,
    history: History,
    validation: Validation | None,
    clips: Clips,
    training: Training,
    **metadata: Any,
) -> Model:
    """Make the model of a network after its second stage.

    Args:
        network: the network, with the weights of the chosen epoch.
        first: the model of the first stage.
        history: the history of the second stage.
        validation: by which its epoch was chosen, if any.
        clips: the clips of the second stage.
        training: takes a line on the choice of the epoch.
        **metadata: further metadata.

    Returns:
        The model, with the metadata of both stages, the choice of the epoch and the recordings.
    """
    model = to_model(network, {"finetune": history}, **metadata)
    joined = {name: {**first.metadata[name], **model.metadata[name]} for name in ("epochs", "last")}
    if validation is None:
        choice: dict[str, Any] = {"rule": "last", "why": NO_VALIDATION}
    else:
        best = best_epoch(history)
        choice = {
            "rule": "validation",
            "epoch": best + 1,
            "rmse_bpm": round(history[best][SCORE], 4),
            "clips": validation.clips,
        }
    training.log(f"finetune: checkpoint by {choice}")
    learned_from = {*clips.by_recording}
    if training.pretrained is None:
        learned_from |= set(first.metadata.get(LEARNED_FROM, ()))
    return replace(
        model,
        metadata={
            **model.metadata,
            **joined,
            "checkpoint": choice,
            LEARNED_FROM: sorted(learned_from),
        },
    )
