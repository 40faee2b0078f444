"""Co-rectification: training of two networks on maps with pseudo labels."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.inference import run_network
from rppgbench.neural.segments import cut_segments
from rppgbench.neural.single_stage import sample_clips
from rppgbench.neural.trained_model import to_model
from rppgbench.neural.training import train
from rppgbench.neural.training_stage import Recipe
from rppgbench.system.errors import BenchError

from .clip_maps import ClipMaps
from .corrections import corrected_clips
from .learner import NETWORKS, Correction, JudgedClips
from .losses import RANKING_LOGITS
from .maps import channel_count
from .parameters import CoRectificationParameters
from .variants import ingredients

PSEUDO_LOSSES = ("squared", "pearson")
LR_SCHEDULES = ("constant", "one_cycle")

CLIPS_JUDGED = 48
"""About how many clips of the training set the verdict on collapse is based on."""


def _check(params: CoRectificationParameters) -> None:
    """Check the parameters before a recording is read; BenchError names the first fault."""
    ingredients(params.variant)
    channel_count(params.map_kind)
    for name, value, known in (
        ("ranking_logits", params.ranking_logits, RANKING_LOGITS),
        ("pseudo_loss", params.pseudo_loss, PSEUDO_LOSSES),
        ("lr_schedule", params.lr_schedule, LR_SCHEDULES),
    ):
        if value not in known:
            raise BenchError(f"co_rectification: no {name} {value!r}. Known: {', '.join(known)}.")
    if not params.ranking_temperature > 0:
        given = f"not {params.ranking_temperature:g}"
        raise BenchError(f"co_rectification: ranking_temperature is above 0, {given}.")
    for name, number, least in (
        ("max_speed", params.max_speed, 1.0),
        ("label_bandwidth_hz", params.label_bandwidth_hz, 0.0),
        ("pseudo_weight", params.pseudo_weight, 0.0),
    ):
        if not number >= least:
            raise BenchError(f"co_rectification: {name} is at least {least:g}, not {number:g}.")


def train_model(
    examples: Sequence[Example], training: Training, params: CoRectificationParameters
) -> Model:
    """Train the networks in turn on all clips; BenchError for a parameter without meaning.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    _check(params)
    segments = cut_segments(examples, params.fs, params.clip_s, "co_rectification")
    source = ClipMaps(segments, params)
    step = round(params.step_s * params.fs)
    starts = source.clips.all_starts(step)
    sample = sample_clips(starts, CLIPS_JUDGED)
    judged = JudgedClips(maps=source.maps(sample), pseudo=source.pseudo(sample))
    one_cycle = params.lr_schedule == "one_cycle"
    recipe = Recipe(
        epochs=params.epochs,
        lr=params.lr,
        weight_decay=params.weight_decay,
        precision=params.precision,
        one_cycle_steps=source.clips.batches(params.batch, step) if one_cycle else 0,
    )
    learner, history = train(
        lambda: Correction(params, judged),
        source.batches(step),
        recipe,
        training,
        export=lambda trained: to_model(trained.pair, {}),
    )
    verdicts = judge(learner, judged)
    for name, facts in verdicts.get("networks", {}).items():
        training.log(f"co_rectification: {name} network: {facts['verdict']}")
    model = to_model(learner.pair, {"train": history}, **verdicts)
    if learner.ingredients.networks == 1:
        return model
    arrays, facts = corrected_clips(learner, source, starts)
    return Model({**model.arrays, **arrays}, {**model.metadata, **facts})


def judge(learner: Correction, judged: JudgedClips) -> dict[str, Any]:
    """Judge the pulse of a trained pair and, where there are two, each of its networks.

    The mean of two standardised pulses has the rate of the cleaner one, so that its facts cannot
    show that one network failed.

    Args:
        learner: the trained networks.
        judged: clips of the training set.

    Returns:
        The fact `collapse` of `detect_collapse`, whose verdict is "learned" only if every network
        has learned; with two networks, `networks`: the same facts of each network by its name.
    """

    def facts_of(network: nn.Module) -> dict[str, Any]:
        pulses = run_network(network, [judged.maps])
        return detect_collapse(pulses, learner.params.fs, pseudo=judged.pseudo)

    collapse = facts_of(learner.pair)
    if learner.ingredients.networks == 1:
        return {"collapse": collapse}
    networks = dict(zip(NETWORKS, map(facts_of, learner.pair.networks), strict=True))
    failed = [
        f"{name} network {facts['verdict']}"
        for name, facts in networks.items()
        if facts["verdict"] != "learned"
    ]
    if failed:
        collapse = {**collapse, "verdict": "; ".join(failed)}
    return {"collapse": collapse, "networks": networks}
