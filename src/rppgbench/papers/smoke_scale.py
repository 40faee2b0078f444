"""The small scale of simulated runs of the papers' tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_methods
from rppgbench.execution.method_parameters import with_preset
from rppgbench.execution.run_options import RunOptions, refuse_unused
from rppgbench.papers.method_members import learning_members
from rppgbench.system.errors import BenchError

PRESET = "smoke"
EPOCHS = 1
SEEDS = 1
SUBJECTS = 4
"""As few as leave somebody to learn from and somebody to test in every split of the tables."""

SECONDS = 12.0
"""As short as leaves every method of the tables something to learn from: RhythmNet takes 11 s."""


@dataclass(frozen=True, kw_only=True)
class SmokeScale:
    """The size of simulated runs of tables, so that all of them end within half an hour.

    A method that learns has its preset `smoke`. The number of epochs, and of passes over the
    recordings (every parameter whose name ends so), is at most `epochs`, and only the first `seeds`
    of the protocol are used. All protocols have the same number of subjects and the same length of
    recordings, so that protocols with a common data set share its videos and features. The runs do
    everything that runs at full size do; no training converges.
    """

    epochs: int = EPOCHS
    seeds: int = SEEDS
    subjects: int = SUBJECTS
    seconds: float = SECONDS

    def describe(self) -> str:
        """Return the limits as pages show them."""
        seeds = "one seed" if self.seeds == 1 else f"{self.seeds} seeds"
        epochs = f"at most {self.epochs} {'epoch' if self.epochs == 1 else 'epochs'}"
        epochs += f" of at most {self.epochs} {'pass' if self.epochs == 1 else 'passes'}"
        return (
            f"{self.subjects} people a data set, recordings of {self.seconds:g} s; methods that "
            f"learn: preset {PRESET}, {epochs}, {seeds}"
        )

    def scale(self, protocol: Protocol, methods: Sequence[str], origin: str) -> Protocol:
        """Return the protocol at this scale.

        Args:
            protocol: the protocol at full size.
            methods: the methods of the run.
            origin: where the names come from, for messages.

        Raises:
            BenchError: a parameter is unknown.
        """
        declared_methods = load_methods().available
        learning = list(dict.fromkeys(m for name in methods for m in learning_members(name)))
        with_smoke = [name for name in learning if PRESET in declared_methods[name].presets]
        small = with_preset(protocol, with_smoke, PRESET, origin, protocol.params)
        params = {name: dict(values) for name, values in small.params.items()}
        for name in learning:
            declared = params.get(name, {})
            limited = {
                key: self.epochs
                for key, value in declared_methods[name].parameters(declared, origin).items()
                if key.endswith(("epochs", "passes"))
                and isinstance(value, int)
                and value > self.epochs
            }
            if limited:
                params[name] = {**declared, **limited}
        size = {"subjects": self.subjects, "seconds": self.seconds}
        return small.model_copy(
            update={
                "params": params,
                "seeds": small.seeds[: self.seeds] if learning else small.seeds,
                "simulation": small.simulation.model_copy(update=size),
            }
        )

    @property
    def tag(self) -> str:
        """The part of a folder's name that tells results at this scale from others."""
        parts = [f"epochs={self.epochs}"] if self.epochs != EPOCHS else []
        parts += [f"seeds={self.seeds}"] if self.seeds != SEEDS else []
        parts += [f"subjects={self.subjects}"] if self.subjects != SUBJECTS else []
        parts += [f"seconds={self.seconds:g}"] if self.seconds != SECONDS else []
        return "".join(f"-{part}" for part in parts) + f"-{PRESET}-simulated"


def smoke_scale(options: RunOptions, epochs: int | None) -> SmokeScale | None:
    """Return the scale of simulated runs; None without `simulate`.

    Args:
        options: `simulate`, `subjects` and `seconds` are used.
        epochs: the limit of epochs; None for the default.

    Raises:
        BenchError: an option of the simulation is set without `simulate`.
    """
    if not options.simulate:
        if epochs is not None:
            raise BenchError("--epochs: has no effect without --simulate; leave it out")
        refuse_unused(options, ["subjects", "seconds"], "without --simulate")
        return None
    return SmokeScale(
        epochs=epochs or EPOCHS,
        subjects=options.subjects or SUBJECTS,
        seconds=options.seconds or SECONDS,
    )
