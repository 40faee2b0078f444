"""The two solutions of Qian et al. 2024: what each stage learns from, and which epoch is tested."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rppgbench.core.method import Example, Method, Model, Side, Training
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.neural import two_stage
from rppgbench.neural.batches import BatchSource
from rppgbench.neural.training import train
from rppgbench.system.errors import BenchError, RecordingError

from ..factories.methods import method_named, part

FS = 30.0
METHODS = ("st_transformer", "contrast_phys_plus")
TOY: dict[str, dict[str, Any]] = {
    "st_transformer": {
        "width": 4, "layers": 1, "ratio": 1.0, "clip_s": 4.0, "step_s": 4.0,
        "pretrain_epochs": 2, "finetune_epochs": 2, "spectrum_samples": 600,
    },
    "contrast_phys_plus": {
        "width": 2, "clip_s": 4.0, "sample_s": 2.0, "pretrain_epochs": 2, "finetune_epochs": 2,
    },
}  # fmt: skip


def samples(method: Method, level: float, seconds: float) -> NDArray[Any]:
    """Input whose mean in every frame is about `level`, with a pulse of 1.2 Hz."""
    count = round(seconds * FS)
    beat = np.sin(2 * np.pi * 1.2 * np.arange(count) / FS)
    noise = np.random.default_rng(round(level)).standard_normal((count, 63, 6))
    if method.input == "mstmap":
        maps: NDArray[Any] = level + beat[:, None, None] + 0.1 * noise
        return maps
    pictures = level + beat[:, None, None, None] + noise[:, :16, :1, None] * np.ones((16, 3))
    clip: NDArray[Any] = pictures.round().clip(0, 255).astype(np.uint8)
    return clip


def example(
    method: Method, name: str, side: Side, level: float, seconds: float, *, labelled: bool
) -> Example:
    waveform = Waveform(samples(method, level, seconds), FS)
    times = waveform.times_s()
    pulse = Signal(np.sin(2 * np.pi * 1.2 * times), times)
    return Example(
        recording=name,
        subject=name,
        inputs=(waveform,),
        ground_truth=GroundTruth(pulse=pulse) if labelled else None,
        side=side,
    )


def two_disfa_and_twenty_vipl(method: Method) -> list[Example]:
    """Recordings of 8 s for pre-training, dark, and of 4 s for fine-tuning, bright."""
    disfa = [example(method, f"d{k}", "pretrain", 40.0 + k, 8.0, labelled=False) for k in range(2)]
    vipl = [example(method, f"v{k}", "train", 160.0 + k, 4.0, labelled=True) for k in range(20)]
    return [*disfa, *vipl]


def fit(
    name: str, examples: Iterable[Example], folder: Path, training: Mapping[str, Any], **more: Any
) -> Model:
    method = method_named(name)
    assert method.fit is not None
    params = method.parameters({**TOY[name], **more})
    made = Training(seed=0, device="cpu", folder=folder, **training)
    return method.fit(list(examples), made, **params)


@pytest.mark.parametrize(
    ("name", "choice", "pretrain_clips", "finetune_clips"),
    [
        ("st_transformer", {}, 4, 20),
        ("contrast_phys_plus", {}, 4, 20),
        ("contrast_phys_plus", {"clip_choice": "random", "passes": 6}, 12, 120),
    ],
)
def test_the_first_stage_draws_no_clip_of_the_fine_tuning_set(
    name: str,
    choice: dict[str, Any],
    pretrain_clips: int,
    finetune_clips: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """2 x 8 s without labels are 4 clips of 4 s, 20 x 4 s with labels are 20."""
    learning = part(f"{name}.learning")
    levels: dict[str, list[float]] = {}
    steps: dict[str, int] = {}
    source = learning.Clips.read

    def read(self: Any, start: Any, speed: float = 1.0) -> Any:
        piece = source(self, start, speed)
        drawn.append(float(np.mean(piece)))
        return piece

    def spied(make: Any, batches: BatchSource, *args: Any, stage: str, **more: Any) -> Any:
        drawn.clear()
        rng = np.random.default_rng(0)
        steps[stage] = len([batches.read(starts, rng) for starts in batches.choose(rng)])
        levels[stage] = list(drawn)
        return train(make, batches, *args, stage=stage, **more)

    drawn: list[float] = []
    monkeypatch.setattr(learning.Clips, "read", read)
    monkeypatch.setattr(two_stage, "train", spied)
    method = method_named(name)
    epochs = {"pretrain_epochs": 1, "finetune_epochs": 1}
    fit(name, two_disfa_and_twenty_vipl(method), tmp_path, {}, **epochs, **choice)
    assert max(levels["pretrain"]) < 100 < min(levels["finetune"])
    assert len(levels["pretrain"]) == pretrain_clips
    assert len(levels["finetune"]) == finetune_clips
    # Batches of 4; two recordings give batches of 2 where each clip is of another recording.
    size = 2 if choice else 4
    assert steps == {"pretrain": pretrain_clips // size, "finetune": finetune_clips // 4}


@pytest.mark.parametrize("name", METHODS)
def test_a_first_stage_done_apart_gives_the_same_model(name: str, tmp_path: Path) -> None:
    method = method_named(name)
    given = two_disfa_and_twenty_vipl(method)[:6]
    whole = fit(name, given, tmp_path / "whole", {})
    assert method.pretraining is not None
    params = method.parameters(TOY[name])
    seen = {key: params[key] for key in method.pretraining.params}
    apart = Training(seed=0, device="cpu", folder=tmp_path / "apart")
    first = method.pretraining.learn(given[:2], apart, **seen)
    assert first.metadata["collapse"]["verdict"]
    model = fit(name, given[2:], tmp_path / "second", {"pretrained": first})
    assert all(np.array_equal(value, model.arrays[key]) for key, value in whole.arrays.items())
    assert model.metadata["epochs"] == whole.metadata["epochs"] == {"pretrain": 2, "finetune": 2}
    assert model.metadata["recordings"] == ["v0", "v1", "v2", "v3"]
    assert whole.metadata["recordings"] == ["d0", "d1", "v0", "v1", "v2", "v3"]


class Killed(Exception):
    """What stands for the end of the process."""


@pytest.mark.parametrize("name", METHODS)
def test_a_killed_first_stage_continues_to_the_same_weights(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = two_disfa_and_twenty_vipl(method_named(name))[:6]
    whole = fit(name, given, tmp_path / "whole", {})

    def killed_in_the_second_epoch(make: Any, batches: BatchSource, *args: Any, **more: Any) -> Any:
        epochs = iter(range(2))

        def until(rng: np.random.Generator) -> Any:
            if next(epochs) == 1:
                raise Killed
            return batches.choose(rng)

        return train(make, BatchSource(until, batches.read), *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(two_stage, "train", killed_in_the_second_epoch)
        with pytest.raises(Killed):
            fit(name, given, tmp_path / "killed", {})
    lines: list[str] = []
    model = fit(name, given, tmp_path / "killed", {"log": lines.append})
    assert lines[0] == "pretrain: continuing after epoch 1"
    assert all(np.array_equal(value, model.arrays[key]) for key, value in whole.arrays.items())


def test_the_validation_part_chooses_the_epoch_and_the_last_stays_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = method_named("contrast_phys_plus")
    given = two_disfa_and_twenty_vipl(method)[:6]
    part = [replace(given[5], recording="w", side="validation")]
    last = fit("contrast_phys_plus", given[:5], tmp_path / "last", {}, checkpoint="last")
    without = fit("contrast_phys_plus", given[:5], tmp_path / "without", {})
    assert last.metadata["checkpoint"]["rule"] == without.metadata["checkpoint"]["rule"] == "last"
    made = two_stage.make_validation
    scores = iter([5.0, 4.0, 6.0])

    def scripted(*args: Any) -> two_stage.Validation | None:
        real = made(*args)
        assert real is not None
        assert real.clips == 1
        return two_stage.Validation(real.clips, lambda network: next(scores))

    with monkeypatch.context() as patched:
        patched.setattr(two_stage, "make_validation", scripted)
        chosen = fit(
            "contrast_phys_plus", [*given[:5], *part], tmp_path / "chosen", {}, finetune_epochs=3
        )
    assert chosen.metadata["checkpoint"] == {
        "rule": "validation", "epoch": 2, "rmse_bpm": 4.0, "clips": 1,
    }  # fmt: skip
    # Two epochs of three, bit for bit those of a training of two, and nothing learned from "w".
    assert all(np.array_equal(value, last.arrays[key]) for key, value in chosen.arrays.items())
    assert "w" not in chosen.metadata["recordings"]
    log = (tmp_path / "chosen" / "finetune.jsonl").read_text().splitlines()
    assert [json.loads(line)["score"] for line in log] == [5.0, 4.0, 6.0]


@pytest.mark.parametrize("name", METHODS)
def test_a_validation_part_without_a_whole_clip_leaves_the_last_epoch(
    name: str, tmp_path: Path
) -> None:
    method = method_named(name)
    examples = [
        example(method, "a", "pretrain", 100.0, 8.0, labelled=False),
        example(method, "c", "pretrain", 105.0, 8.0, labelled=False),
        example(method, "b", "train", 110.0, 8.0, labelled=True),
        example(method, "d", "train", 115.0, 8.0, labelled=True),
        example(method, "w", "validation", 120.0, 3.0, labelled=True),
    ]
    model = fit(name, examples, tmp_path, {})
    assert model.metadata["checkpoint"] == {"rule": "last", "why": two_stage.NO_VALIDATION}


def test_the_score_is_the_root_mean_square_error_of_heart_rates() -> None:
    method = method_named("contrast_phys_plus")
    params = method.parameters(TOY["contrast_phys_plus"])
    record = part("contrast_phys_plus.parameters")
    examples = [example(method, "w", "validation", 120.0, 8.0, labelled=True)]
    made = two_stage.make_validation(
        examples,
        record.ContrastPhysPlusParameters(**params),
        lambda clip: torch.from_numpy(clip[None]),
    )
    assert made is not None
    assert made.clips == 2

    class Fixed(torch.nn.Module):
        def __init__(self, hz: float) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))
            self.hz = hz

        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            t = torch.arange(clip.shape[1]) / FS
            return self.scale * torch.sin(2 * torch.pi * self.hz * t)[None]

    assert made.score(Fixed(1.2)) < 0.5
    assert made.score(Fixed(1.7)) == pytest.approx(30, abs=1)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"pretrain_on": "everything"},
            "no pretrain_on 'everything'. Known: all_sets, pretrain_sets",
        ),
        ({"checkpoint": "best"}, "no checkpoint 'best'. Known: last, validation"),
        ({"clip_choice": "all"}, "no clip_choice 'all'. Known: consecutive, random"),
        ({"contrast_over_bins": "max"}, "no contrast_over_bins 'max'. Known: mean, sum"),
    ],
)
def test_a_value_without_meaning_is_one_line(
    given: dict[str, Any], line: str, tmp_path: Path
) -> None:
    with pytest.raises(BenchError) as raised:
        fit("contrast_phys_plus", [], tmp_path, {}, **given)
    assert line in str(raised.value)


def test_the_printed_sum_over_bins_is_seventeen_times_the_mean() -> None:
    learning = part("contrast_phys_plus.learning")
    record = part("contrast_phys_plus.parameters")
    method = method_named("contrast_phys_plus")
    pictures = torch.randint(0, 255, (2, 300, 16, 16, 3), dtype=torch.uint8)
    batch = {"clip": pictures, "pulse": torch.rand(2, 300), "labelled": torch.ones(2)}
    terms = {}
    for kind in ("sum", "mean"):
        params = method.parameters({"width": 2, "contrast_over_bins": kind})
        torch.manual_seed(0)
        stage = learning._Supervised(record.ContrastPhysPlusParameters(**params)).eval()
        with torch.no_grad():
            terms[kind] = stage(batch, 0)
    for name in ("attract", "repel", "attract_reference", "repel_reference"):
        ratio = float(terms["sum"][name]) / float(terms["mean"][name])
        assert ratio == pytest.approx(17, rel=1e-5)
    for name in ("pearson", "correlation"):
        assert float(terms["sum"][name]) == pytest.approx(float(terms["mean"][name]))
    expected = sum(
        weight * float(terms["sum"][name])
        for name, weight in {
            "attract_reference": 1, "repel_reference": 1, "pearson": 0.1, "correlation": 0.2,
        }.items()
    )  # fmt: skip
    assert float(terms["sum"]["loss"]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_without_a_pulse_the_advice_can_be_followed(name: str, tmp_path: Path) -> None:
    method = method_named(name)
    given = [replace(one, ground_truth=None) for one in two_disfa_and_twenty_vipl(method)[:4]]
    with pytest.raises(RecordingError, match="choose preset unlabelled"):
        fit(name, given, tmp_path / "a", {})
    model = fit(name, given, tmp_path / "b", {}, **method.presets["unlabelled"])
    assert model.metadata["epochs"] == {"pretrain": 2}
