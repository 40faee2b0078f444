"""How the methods that learn did so: a row a training."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.losses import LossCurve, loss_figure
from rppgbench.report.inputs import Section, table_section
from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.table import Cell, Row, Table


def training_sections(
    models: Sequence[Mapping[str, Any]],
    curves: Sequence[LossCurve] = (),
    *,
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """Every model's fold, seed, size, epochs, losses and the verdict on its training.

    `models` are those of `trainings.trained_models`; those that learned no network are left out,
    and without any there is no section.

    Args:
        models: The facts of each trained model.
        curves: The losses of the trainings over their epochs.
        marks: What is simulated or imported.

    Returns:
        One section or none.
    """
    rows = [Row(tuple(_cells(model))) for model in models if "collapse" in model]
    columns = (
        Column("method", "Method", text=True),
        Column("fold", "Fold", text=True),
        Column("seed", "Seed", text=True),
        Column("preset", "Preset", text=True),
        Column("recordings", "Learned from", unit="recordings"),
        Column("parameters", "Parameters"),
        Column("epochs", "Epochs", text=True),
        Column("loss", "Last loss", text=True),
        Column("verdict", "Has it learned?", text=True),
    )
    drawing = loss_figure(curves, marks=marks)
    sections = table_section(
        "How the methods were trained",
        "The model of the last epoch is the one that is tested, or, where the row says so, that of "
        "the epoch with the least error on the validation part of the split. A pre-training that "
        "models share has a row of its own. The verdict is on the outputs for "
        "clips of the training set, without the sensor's labels: the share of their power in the "
        "band of a pulse, whether their peaks differ from clip to clip, and whether they lie at "
        "the band's limits. A method with pseudo labels has learned only if its heart rates are "
        "nearer to the labels' than a constant is. Where a model has two networks, each has its "
        "own verdict. A training that did not learn is reported and not repeated.",
        Table(
            key="trainings",
            caption="Trainings",
            columns=columns,
            rows=tuple(rows),
            headers=3,
            marks=marks,
        ),
    )
    return tuple(replace(section, drawings=(drawing,) if drawing else ()) for section in sections)


def _is_pretraining(model: Mapping[str, Any]) -> bool:
    """Whether a model is a first stage, from which other models begin."""
    return list(model["epochs"]) == ["pretrain"]


def _cells(model: Mapping[str, Any]) -> list[Cell]:
    last: Mapping[str, Mapping[str, float]] = model.get("last", {})
    epochs = ", ".join(f"{stage} {count}" for stage, count in model["epochs"].items() if count)
    if model.get("checkpoint", {}).get("rule") == "validation":
        epochs += f" (epoch {model['checkpoint']['epoch']} is tested)"
    loss = ", ".join(f"{terms['loss']:.4g}" for terms in last.values())
    verdict, detail = _verdict(model)
    params = model["params"]
    learned, unusable = int(model["learned_from"]), model.get("could_not_learn_from", [])
    texts = (
        model["method"],
        model["fold"],
        str(model["seed"]),
        str(params.get("preset", "" if _is_pretraining(model) else "paper")),
        f"{learned} of {learned + len(unusable)}" if unusable else str(learned),
        f"{model['n_parameters']:,}",
        epochs,
        loss,
    )
    numbers = {4: float(learned), 5: float(model["n_parameters"])}
    cells = [Cell(text, numbers.get(place, text)) for place, text in enumerate(texts)]
    return [*cells, Cell(verdict, verdict, detail=detail)]


def _verdict(model: Mapping[str, Any]) -> tuple[str, str]:
    """The verdict, of each network where there are several, and the facts behind it.

    >>> networks = {"first": {"verdict": "learned", "at_edge": 0.0}, "second": {"verdict": "flat"}}
    >>> _verdict({"collapse": {"verdict": "second network flat"}, "networks": networks})
    ('first network: learned; second network: flat', 'first network: at_edge 0.0')
    """
    networks: Mapping[str, Mapping[str, Any]] = model.get("networks", {})
    judged = {f"{name} network": measured for name, measured in networks.items()}
    judged = judged or {"": model["collapse"]}
    verdicts, details = [], []
    for name, measured in judged.items():
        label = f"{name}: " if name else ""
        verdicts.append(f"{label}{measured['verdict']}")
        numbers = ", ".join(f"{k} {v}" for k, v in measured.items() if k != "verdict")
        details += [f"{label}{numbers}"] if numbers else []
    return "; ".join(verdicts), "; ".join(details)
