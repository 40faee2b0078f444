"""The training loop: resumption, checkpoints, determinism, collapse."""

import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rppgbench.core.method import Training
from rppgbench.core.model_files import read_model
from rppgbench.core.registry import load_methods
from rppgbench.neural.batches import BatchSource
from rppgbench.neural.collapse import detect_collapse
from rppgbench.neural.network_weights import load_arrays, to_arrays
from rppgbench.neural.safetensors_io import read_arrays, read_weights, write_arrays
from rppgbench.neural.throughput import feeding_speed, learning_speed
from rppgbench.neural.trained_model import to_model
from rppgbench.neural.training import train
from rppgbench.neural.training_stage import Recipe
from rppgbench.system.errors import BenchError

from ..factories.batches import make_batches


class Toy(nn.Module):
    """Batch norm, dropout and random offsets: all that must survive a kill."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1)
        )

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        shift = torch.randn(len(batch["x"]), 1)
        error = (self.body(batch["x"])[:, 0] - batch["y"] + 0.01 * shift[:, 0]).square().mean()
        return {"loss": error + 0.001 * epoch, "error": error}


def draw(number: int, rng: np.random.Generator) -> dict[str, Any]:
    x = rng.standard_normal((16, 6)).astype(np.float32)
    return {"x": x, "y": x[:, 0] - 2 * x[:, 1]}


batches = make_batches(4, draw)


def training(folder: Path, seed: int = 0, **more: Any) -> Training:
    return Training(seed=seed, device="cpu", folder=folder, **more)


RECIPE = Recipe(epochs=5, lr=0.02)


def weights(folder: Path, recipe: Recipe = RECIPE, seed: int = 0) -> dict[str, Any]:
    learner, _ = train(Toy, batches, recipe, training(folder, seed))
    return to_arrays(learner)


def same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(value, second[name]) for name, value in first.items()
    )


class Killed(Exception):
    """What stands for the end of the process."""


def test_a_killed_training_continues_to_the_same_weights(tmp_path: Path) -> None:
    whole = weights(tmp_path / "whole")

    epochs = iter(range(5))

    def choose(rng: np.random.Generator) -> Iterable[list[tuple[int, int]]]:
        epoch = next(epochs)
        return [[(number, epoch)] for number in range(4)]

    def until_the_fourth(starts: Any, rng: np.random.Generator) -> dict[str, Any]:
        if starts == [(2, 3)]:
            raise Killed
        return draw(0, rng)

    with pytest.raises(Killed):
        train(Toy, BatchSource(choose, until_the_fourth), RECIPE, training(tmp_path / "killed"))
    lines: list[str] = []
    learner, history = train(Toy, batches, RECIPE, training(tmp_path / "killed", log=lines.append))
    assert lines[0] == "train: continuing after epoch 3"
    assert len(history) == 5
    assert same(to_arrays(learner), whole)


def test_same_seed_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (
        weights(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert same(first, again)
    assert not same(first, other)


def test_the_callers_random_source_and_settings_stay(tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    weights(tmp_path)
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    first = weights(tmp_path)

    def none(number: int, rng: np.random.Generator) -> dict[str, Any]:
        raise AssertionError("asked for a batch")

    learner, history = train(Toy, make_batches(4, none), RECIPE, training(tmp_path))
    assert same(to_arrays(learner), first)
    assert len(history) == RECIPE.epochs


def flip(file: Path) -> None:
    """One bit of the last array's last byte: still a whole safetensors file."""
    data = bytearray(file.read_bytes())
    data[-1] ^= 0x10
    file.write_bytes(data)


@pytest.mark.parametrize("damaged", [1, 2])
def test_a_damaged_checkpoint_is_named_deleted_and_the_one_before_counts(
    damaged: int, tmp_path: Path
) -> None:
    whole = weights(tmp_path / "whole")
    weights(tmp_path / "cut", RECIPE)
    files = [tmp_path / "cut" / name for name in ("train.safetensors", "train.before.safetensors")]
    for file in files[:damaged]:
        flip(file)
    lines: list[str] = []
    learner, history = train(Toy, batches, RECIPE, training(tmp_path / "cut", log=lines.append))
    for file, line in zip(files[:damaged], lines, strict=False):
        assert line.startswith(f"{file}: damaged, it does not agree with its checksum")
    after = "continuing after epoch 4" if damaged == 1 else "epoch 1 of 5"
    assert lines[damaged].startswith(f"train: {after}")
    assert len(history) == 5
    assert same(to_arrays(learner), whole)
    assert same(read_arrays(files[0])[0], read_arrays(tmp_path / "whole" / files[0].name)[0])


def test_a_checkpoint_of_another_recipe_is_not_used(tmp_path: Path) -> None:
    fresh = weights(tmp_path / "fresh", Recipe(epochs=2, lr=0.001))
    weights(tmp_path / "old")
    assert same(weights(tmp_path / "old", Recipe(epochs=2, lr=0.001)), fresh)


def test_a_checkpoint_of_another_precision_is_named_and_not_used(tmp_path: Path) -> None:
    other = replace(RECIPE, precision="bf16-mixed")
    fresh = weights(tmp_path / "fresh", other)
    weights(tmp_path / "old")
    lines: list[str] = []
    learner, _ = train(Toy, batches, other, training(tmp_path / "old", log=lines.append))
    assert same(to_arrays(learner), fresh)
    message = "of another recipe (precision 32-true, now bf16-mixed); starting again"
    assert any(message in line for line in lines)


def test_every_loss_term_of_every_epoch_is_in_the_log_and_falls(tmp_path: Path) -> None:
    lines: list[str] = []
    train(Toy, batches, replace(RECIPE, lr=0.04), training(tmp_path, log=lines.append))
    logged = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert [set(line) for line in logged] == [{"loss", "error"}] * 5
    for epoch, line in enumerate(logged):
        assert line["loss"] == pytest.approx(line["error"] + 0.001 * epoch, abs=1e-6)
    assert logged[-1]["error"] < 0.8 * logged[0]["error"]
    assert len(lines) == 5
    assert all(word in lines[1] for word in ("epoch 2 of 5", "error", "min left"))


def test_models_of_every_epoch_are_kept_when_asked(tmp_path: Path) -> None:
    learner, _ = train(
        Toy,
        batches,
        RECIPE,
        training(tmp_path, every_epoch=True),
        export=lambda made: to_model(made, {}),
    )
    kept = sorted((tmp_path / "epochs").iterdir())
    assert [folder.name for folder in kept] == [f"{k:04d}" for k in range(1, 6)]
    assert same(dict(read_model(kept[-1]).arrays), to_arrays(learner))
    assert not same(dict(read_model(kept[0]).arrays), to_arrays(learner))
    train(
        Toy,
        batches,
        Recipe(epochs=2, lr=0.02),
        training(tmp_path, every_epoch=True),
        stage="second",
        export=lambda made: to_model(made, {}),
    )
    names = sorted(folder.name for folder in (tmp_path / "epochs").iterdir())
    assert names == ["0001", "0002"]  # only the last stage's can be chosen among


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    def broken(number: int, rng: np.random.Generator) -> dict[str, Any]:
        batch = draw(number, rng)
        return {**batch, "y": batch["y"] * np.float32(np.nan)}

    with pytest.raises(BenchError, match="not finite in epoch 1"):
        train(Toy, make_batches(4, broken), RECIPE, training(tmp_path))
    assert not (tmp_path / "train.safetensors").exists()


def test_an_epoch_without_a_batch_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no batch"):
        train(Toy, make_batches(0, draw), RECIPE, training(tmp_path))


def test_lower_precision_learns_too(tmp_path: Path) -> None:
    _, history = train(
        Toy, batches, Recipe(epochs=5, lr=0.04, precision="bf16-mixed"), training(tmp_path)
    )
    assert history[-1]["error"] < 0.8 * history[0]["error"]


# --- weights on disk ------------------------------------------------------------------------------


def test_arrays_are_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a" / "state.safetensors"
    first = {"x": np.arange(6.0).reshape(2, 3), "n": np.array(3)}
    write_arrays(file, first, {"epoch": 1})

    def full(*args: object, **kwargs: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(OSError, match="No space"):
        write_arrays(file, {"x": np.zeros(1)}, {"epoch": 2})
    arrays, facts = read_arrays(file)
    assert same(arrays, first)
    assert facts == {"epoch": 1}
    assert [p.name for p in file.parent.iterdir()] == ["state.safetensors"]


def test_a_damaged_file_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    write_arrays(file, {"x": np.zeros(1000)}, {})
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(BenchError, match="not a whole safetensors file"):
        read_arrays(file)
    with pytest.raises(BenchError, match="no such file"):
        read_weights(tmp_path / "none.pt")


@pytest.mark.parametrize("place", ["facts", "array", "checksum"])
def test_a_changed_bit_is_damage_wherever_it_is(place: str, tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    write_arrays(file, {"x": np.arange(4.0)}, {"history": [{"loss": 0.25}]})
    data = file.read_bytes()
    arguments = {"facts": b"0.25", "array": np.array(3.0).tobytes(), "checksum": b'"sha256":"'}[
        place
    ]
    at = data.index(arguments) + len(arguments) - (place != "checksum")
    file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(BenchError, match=r"damaged, it does not agree with its checksum|not a wh"):
        read_arrays(file)


def test_a_file_of_others_without_a_checksum_is_read(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"x": np.arange(3.0)}, tmp_path / "others.safetensors")
    assert same(read_weights(tmp_path / "others.safetensors").arrays, {"x": np.arange(3.0)})


class Harmful:
    """What a pickle may do when it is loaded carelessly."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harm-was-done"),))


def test_a_pickle_with_more_than_tensors_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"x": torch.zeros(1), "y": Harmful()}, tmp_path / "bad.pt")
    with pytest.raises(BenchError, match="holds more than weights") as refusal:
        read_weights(tmp_path / "bad.pt")
    assert "weights_only" not in str(refusal.value), "PyTorch's advice is to load it all the same"
    assert not (tmp_path / "harm-was-done").exists()
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(BenchError, match="not a plain dictionary"):
        read_weights(tmp_path / "list.pt")


def test_plain_weights_of_pytorch_are_read_bit_for_bit(tmp_path: Path) -> None:
    toy = Toy()
    torch.save({f"module.{k}": v for k, v in toy.state_dict().items()}, tmp_path / "w.pt")
    model = read_weights(tmp_path / "w.pt")
    assert same(dict(model.arrays), to_arrays(toy))


def test_weights_of_another_network_are_named() -> None:
    arrays = to_arrays(Toy())
    wrong = {**arrays, "body.0.weight": np.zeros((8, 5), np.float32)}
    with pytest.raises(BenchError, match=r"'body\.0\.weight' is \(8, 5\), not \(8, 6\)"):
        load_arrays(Toy(), wrong)
    with pytest.raises(BenchError, match="have the unknown 'more'"):
        load_arrays(Toy(), {**arrays, "more": np.zeros(1)})
    del arrays["body.4.bias"]
    with pytest.raises(BenchError, match=r"lack 'body\.4\.bias'"):
        load_arrays(Toy(), arrays)


# --- collapse -------------------------------------------------------------------------------------

FS = 30.0


def pulses(*bpm: float) -> Tensor:
    t = torch.arange(300) / FS
    return torch.stack([torch.sin(2 * torch.pi * rate / 60 * t) for rate in bpm])


def test_pulses_of_several_people_are_no_collapse() -> None:
    facts = detect_collapse(pulses(60, 75, 90), FS, pseudo=pulses(60, 78, 90))
    assert facts["verdict"] == "learned"
    assert facts["in_band"] > 0.95
    assert facts["peak_spread_bpm"] == pytest.approx(np.std([60, 75, 90]), abs=1.0)
    assert facts["pseudo_difference_bpm"] == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        (pulses(72, 72, 72.5), "one peak"),
        (pulses(6, 9, 12), "in the band"),
        (pulses(40.0, 40.2, 179.9, 180), "limit of the band"),
        (torch.zeros(3, 300), "in the band"),
    ],
)
def test_a_collapse_has_its_reason(outputs: Tensor, reason: str) -> None:
    verdict = detect_collapse(outputs, FS)["verdict"]
    assert verdict.startswith("collapsed")
    assert reason in verdict


def test_a_network_no_nearer_to_its_labels_than_a_constant_has_not_learned() -> None:
    labels = pulses(60, 70, 80, 90, 100)
    facts = detect_collapse(pulses(90, 100, 60, 70, 80), FS, pseudo=labels)
    assert facts["constant_error_bpm"] == pytest.approx(np.mean([20, 10, 0, 10, 20]), abs=0.5)
    assert facts["label_error_bpm"] == pytest.approx(np.mean([30, 30, 20, 20, 20]), abs=0.5)
    assert facts["verdict"].startswith("not learned: heart rates are 24.")
    near = detect_collapse(pulses(64, 74, 84, 94, 104), FS, pseudo=labels)
    assert near["verdict"] == "learned"
    assert detect_collapse(pulses(90, 100, 60, 70, 80), FS)["verdict"] == "learned"


def test_noise_is_a_collapse() -> None:
    noise = torch.randn(8, 300, generator=torch.Generator().manual_seed(0))
    facts = detect_collapse(noise, FS)
    assert facts["in_band"] == pytest.approx((3 - 2 / 3) / 15, abs=0.05)  # chance
    assert facts["verdict"].startswith("collapsed")


# --- pace -----------------------------------------------------------------------------------------


def test_waiting_for_batches_is_measured_apart_from_computing(tmp_path: Path) -> None:
    def slow(number: int, rng: np.random.Generator) -> dict[str, Any]:
        time.sleep(0.05)
        return draw(number, rng)

    train(Toy, make_batches(4, slow), Recipe(epochs=2, lr=0.01), training(tmp_path))
    facts = json.loads((tmp_path / "train_speed.json").read_text())
    assert facts["steps"] == 4
    assert facts["seconds_per_step"] >= 0.05
    assert 0 < facts["processor_s_per_step"] < facts["seconds_per_step"]  # it slept
    assert facts["waited_share"] > 0.3
    assert facts["precision"] == "32-true"
    if sys.platform == "linux":
        assert 20 < facts["peak_memory_mib"] < 64 * 1024  # at least what torch itself takes


def test_feeding_is_read_from_files_and_no_step_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rppgbench.neural.throughput.FEEDING_S", 0.05)
    monkeypatch.setattr("rppgbench.neural.training.start_stage", lambda *_: pytest.fail("trained"))
    method = load_methods().get("method", "sinc", "test")
    (row,) = feeding_speed(method, method.parameters({"preset": "smoke", "clip_s": 2.0}))
    assert row["stage"] == "train"
    least_mib = row["batch"] * 0.6 * 60 * 32 * 32 * 3 / 2**20  # bytes, at the least speed
    assert least_mib < row["mib_per_step"] < 4 * least_mib


def test_learning_speed_has_a_row_for_each_stage() -> None:
    method = load_methods().get("method", "st_transformer", "test")
    params = method.parameters(
        {"width": 4, "layers": 1, "clip_s": 3.0, "step_s": 9.0, "spectrum_samples": 300}
    )
    rows = learning_speed(method, params, "cpu", precision="bf16-mixed")
    assert [row["stage"] for row in rows] == ["finetune", "pretrain"]
    for row in rows:
        assert row["method"] == "st_transformer"
        assert (row["device"], row["precision"], row["steps"]) == ("cpu", "bf16-mixed", 1)
        assert row["seconds_per_step"] > 0


def test_feeding_speed_has_a_row_for_each_stage() -> None:
    method = load_methods().get("method", "st_transformer", "test")
    params = method.parameters({"width": 4, "layers": 1, "clip_s": 3.0, "batch": 2})
    rows = {row["stage"]: row for row in feeding_speed(method, params)}
    assert rows.keys() == {"pretrain", "finetune"}
    for row in rows.values():
        assert row["batch"] == pytest.approx(2, abs=0.1)
        clips_a_step = row["clips_per_processor_s"] / row["steps_per_processor_s"]
        assert clips_a_step == pytest.approx(row["batch"])
        assert row["steps_per_s"] > 0
    map_mib = 2 * 90 * 63 * 6 * 4 / 2**20
    assert rows["pretrain"]["mib_per_step"] == pytest.approx(map_mib, rel=0.05)


def odd_weights(kind: str) -> dict[Any, torch.Tensor]:
    if kind == "integer keys":
        return {0: torch.ones(2)}
    odd = {
        "sparse": torch.eye(3).to_sparse(),
        "quantized": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
        "meta": torch.ones(2, device="meta"),
    }
    return {"w": odd[kind]}


@pytest.mark.filterwarnings("ignore")  # of PyTorch's, about quantized tensors
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("sparse", "'w' is sparse_coo; save dense tensors"),
        ("quantized", "'w' is quantized"),
        ("meta", "'w' is without values"),
        ("integer keys", "not named by text but by 0"),
    ],
)
def test_weights_that_are_no_dense_tensors_by_name_are_one_line(
    tmp_path: Path, kind: str, says: str
) -> None:
    torch.save(odd_weights(kind), tmp_path / "w.pt")
    with pytest.raises(BenchError, match=says):
        read_weights(tmp_path / "w.pt")


def test_weights_that_numpy_does_not_know_are_read_as_the_same_values(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    half = torch.tensor([1.5, -2.25]).to(torch.bfloat16)
    torch.save({"half": half, "leaf": torch.ones(2, requires_grad=True)}, tmp_path / "w.pt")
    save_file({"half": half}, tmp_path / "w.safetensors")
    for name in ("w.pt", "w.safetensors"):
        arrays = read_weights(tmp_path / name).arrays
        assert arrays["half"].dtype == np.float32
        assert arrays["half"].tolist() == [1.5, -2.25]
    assert read_weights(tmp_path / "w.pt").arrays["leaf"].tolist() == [1, 1]
