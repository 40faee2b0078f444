"""How small simulated runs of the papers' tables are."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rppgbench.cli.options import without_effect
from rppgbench.cli.running import with_preset
from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_methods

PRESET = "smoke"
EPOCHS = 1
SEEDS = 1
SUBJECTS = 4
"""As few as leave somebody to learn from and somebody to test in every split of the tables."""

SECONDS = 12.0
"""As short as leaves every method of the tables something to learn from: RhythmNet takes 11 s."""


@dataclass(frozen=True)
class Smoke:
    """How small simulated runs of tables are, so that all of them end within half an hour.

    A method that learns has its preset `smoke`, of whose epochs and passes over the recordings (of
    every parameter whose name ends so) at most `epochs` are done, with the protocol's first seeds
    alone. People and recordings are as many and as long in every protocol, so that those that share
    a data set share its films and features. Everything is run as it would be at full size; nothing
    is learned to the end.
    """

    epochs: int = EPOCHS
    seeds: int = SEEDS
    subjects: int = SUBJECTS
    seconds: float = SECONDS

    def words(self) -> str:
        """The limits in words, as pages say them."""
        seeds = "one seed" if self.seeds == 1 else f"{self.seeds} seeds"
        epochs = f"at most {self.epochs} {'epoch' if self.epochs == 1 else 'epochs'}"
        epochs += f" of at most {self.epochs} {'pass' if self.epochs == 1 else 'passes'}"
        return (
            f"{self.subjects} people a data set, recordings of {self.seconds:g} s; methods that "
            f"learn: preset {PRESET}, {epochs}, {seeds}"
        )

    def of(self, protocol: Protocol, methods: Sequence[str], where: str) -> Protocol:
        """The protocol at this scale."""
        known = load_methods().found
        learn = list(dict.fromkeys(m for name in methods for m in learning(name)))
        small = with_preset(
            protocol, [m for m in learn if PRESET in known[m].presets], PRESET, where
        )
        params = {name: dict(p) for name, p in small.params.items()}
        for name in learn:
            given = params.get(name, {})
            cut = {
                key: self.epochs
                for key, value in known[name].parameters(given, where).items()
                if key.endswith(("epochs", "passes"))
                and isinstance(value, int)
                and value > self.epochs
            }
            if cut:
                params[name] = {**given, **cut}
        size = {"subjects": self.subjects, "seconds": self.seconds}
        return small.model_copy(
            update={
                "params": params,
                "seeds": small.seeds[: self.seeds] if learn else small.seeds,
                "simulation": small.simulation.model_copy(update=size),
            }
        )

    @property
    def tag(self) -> str:
        """What tells results at this scale from others, as part of a folder's name."""
        words = [f"epochs={self.epochs}"] if self.epochs != EPOCHS else []
        words += [f"seeds={self.seeds}"] if self.seeds != SEEDS else []
        words += [f"subjects={self.subjects}"] if self.subjects != SUBJECTS else []
        words += [f"seconds={self.seconds:g}"] if self.seconds != SECONDS else []
        return "".join(f"-{word}" for word in words) + f"-{PRESET}-simulated"


def smoke_of(args: argparse.Namespace) -> Smoke | None:
    """The scale of simulated runs by the command line; None without `--simulate`."""
    if not args.simulate:
        without_effect(args, ["epochs", "subjects", "seconds"], "without --simulate")
        return None
    return Smoke(args.epochs or EPOCHS, SEEDS, args.subjects or SUBJECTS, args.seconds or SECONDS)


def learning(name: str) -> Iterator[str]:
    """Of a method and its members those that learn; a baseline learns a mean and has no epochs."""
    known = load_methods().found
    for member in (name, *known[name].members):
        if member in known and known[member].fit is not None and not known[member].baseline:
            yield member
