"""Protocols: which methods are compared on which data, and how, as a TOML file."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rppgbench.core.controls import CONTROLS
from rppgbench.system.errors import BenchError, unknown_name
from rppgbench.system.hashing import digest
from rppgbench.system.toml_files import read_toml


class Declaration(BaseModel):
    """A key without a default is needed, and no other key is allowed; a number is finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


D = TypeVar("D", bound=Declaration)

WITHOUT_PROTOCOL = "imported"
"""The protocol and the data set of predictions that are imported without either."""

EVERY_OTHER = "*"
"""The key of a table by method that stands for the methods without a key."""


class Simulation(Declaration):
    """What `--simulate` makes in place of each data set."""

    subjects: int = Field(default=4, ge=1, description="simulated subjects for each data set")
    seconds: float = Field(
        default=20.0, ge=1, le=3600, description="length of each recording, in seconds"
    )
    difficulty: Literal["easy", "paper", "hard"] = Field(
        default="easy", description="light, motion and noise"
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="seed of the simulation")


class Condition(Declaration):
    """A named transformation of the frames with its parameters; `none` leaves them.

    The name is that of kept videos too, so it is letters, digits and `_ . + -`, and leads nowhere.
    """

    name: str = Field(pattern=r"^\w[\w.+-]*$", description="name in tables and kept videos")
    kind: str = Field(description="the transformation: none, h264, resize, noise, ...")
    params: dict[str, int | float | str] = Field(
        default={}, description="parameters of the transformation"
    )


class Protocol(Declaration):
    """A declared comparison; two protocols with one digest are the same experiment.

    `pretrain` lists the data sets of the pre-training. As a table it has a list for each method
    named, and under `"*"` the list of all others; without `"*"` the others have none.

    `train` and `test` name data sets; `split` is `whole`, `official` (the data set's own fold
    files), `parts` (its own parts) or the name of a list in `protocols/splits`. `recordings` is
    the number of test recordings that the whole data set gives, over all folds; 0 leaves it open.
    `train_on` says whether methods learn from untouched videos or from those of the condition
    they are tested in.

    Five keys are needed: `title`, `source`, `test`, `methods` and `evaluators`.
    """

    title: str = Field(description="one line for `bench list`")
    source: str = Field(description="where the comparison comes from")
    test: list[str] = Field(description="data sets on the test side")
    methods: list[str] = Field(description="names of methods")
    evaluators: list[str] = Field(description="names of evaluators; the first is the default")
    about: str = Field(default="", description="what the comparison is, for the page")
    pretrain: list[str] | dict[str, list[str]] = Field(
        default=[],
        description="data sets for pre-training, used without labels; or a table, by method",
    )
    train: list[str] = Field(default=[], description="data sets on the training side")
    split: str = Field(
        default="whole",
        description="`whole`, `official`, `parts`, or a list of protocols/splits",
    )
    without_known_bad: bool = Field(
        default=False, description="leave out recordings that are known to be bad"
    )
    recordings: int = Field(
        default=0, ge=0, description="test recordings of the complete set; 0: open"
    )
    regions: list[str] = Field(
        default=["skin"], description="face regions of methods that average skin"
    )
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(
        default=[0], description="seeds of trainings"
    )
    conditions: list[Condition] = Field(
        default=[], description="transformations of the frames; [] for none"
    )
    controls: list[str] = Field(
        default=[],
        description="rows that cannot know the pulse: `photograph`, `noise`, ...; [] for none",
    )
    train_on: Literal["clean", "same"] = Field(
        default="clean",
        description="learn from untouched videos, or under the condition of the test",
    )
    params: dict[str, dict[str, bool | int | float | str]] = Field(
        default={}, description="parameters of methods, by method"
    )
    simulation: Simulation = Field(
        default=Simulation(), description="size of the simulation for `--simulate`"
    )

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for key in ("test", "methods", "regions", "seeds", "evaluators"):
            names = getattr(self, key)
            if not names or len(set(names)) != len(names):
                raise ValueError(f"{key} must name at least one, each once")
        if len({c.name for c in self.conditions}) != len(self.conditions):
            raise ValueError("conditions: two of one name")
        taken = sorted({c.name for c in self.conditions} & CONTROLS.keys())
        if taken:
            raise ValueError(f"conditions: {taken[0]!r} is the name of a control")
        if len(set(self.controls)) != len(self.controls):
            raise ValueError("controls: one is named twice")
        unknown = [name for name in self.controls if name not in CONTROLS]
        if unknown:
            raise ValueError(f"controls: no {unknown[0]!r}; known: {', '.join(CONTROLS)}")
        return self

    def pretrain_sets(self, method: str) -> list[str]:
        """The data sets of the pre-training of a method."""
        if isinstance(self.pretrain, list):
            return self.pretrain
        return self.pretrain.get(method, self.pretrain.get(EVERY_OTHER, []))

    @property
    def untouched(self) -> str:
        """The name of the condition that leaves the videos as they are: "none" without another."""
        return next((c.name for c in self.conditions if c.kind == "none"), "none")

    @property
    def datasets(self) -> list[str]:
        """All data sets, each once: of pre-training, training and test, in this order."""
        table = self.pretrain
        lists = [table] if isinstance(table, list) else list(table.values())
        return self._with_train_and_test(lists)

    def datasets_of(self, methods: Iterable[str]) -> list[str]:
        """The data sets that some methods need, in the order of `datasets`.

        Args:
            methods: the methods that are run, with the members of combinations.
        """
        return self._with_train_and_test([self.pretrain_sets(method) for method in methods])

    def _with_train_and_test(self, pretrain: Iterable[list[str]]) -> list[str]:
        lists = [*pretrain, self.train, self.test]
        return list(dict.fromkeys(dataset for names in lists for dataset in names))

    @property
    def digest(self) -> str:
        """Sixteen hex digits of what is run: everything but descriptions, evaluators and controls.

        Evaluators are left out because the store keeps estimates: another evaluator scores the
        same ones. Controls are left out because they stand beside the estimates of the methods and
        change none of them; their own estimates have digests of their own.
        """
        descriptive = {"title", "about", "source", "evaluators", "controls"}
        return digest(self.model_dump(mode="json", exclude=descriptive))


def read_protocol(file: Path) -> Protocol:
    """Read and check one file; all faults in one line."""
    return read_declaration(file, Protocol)


def read_declaration(file: Path, kind: type[D]) -> D:
    """Read and check one TOML file.

    Args:
        file: the file.
        kind: the declaration that it makes.

    Returns:
        The declaration.

    Raises:
        BenchError: the file cannot be read, or keys are missing, unknown or wrong; one line names
            all.
    """
    return declaration_of(read_toml(file), kind, file)


def declaration_of(content: Mapping[str, Any], kind: type[D], file: Path) -> D:
    """Check the content of a TOML file.

    Args:
        content: the keys with their values.
        kind: the declaration that they make.
        file: the file, for messages.

    Returns:
        The declaration.

    Raises:
        BenchError: keys are missing, unknown or wrong; one line names all.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise _declaration_error(file, kind, error) from error


def _declaration_error(file: Path, kind: type[Declaration], error: ValidationError) -> BenchError:
    faults = []
    for fault in error.errors():
        key = ".".join(map(str, fault["loc"])) or "file"
        if fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1:
            return unknown_name("key", key, kind.model_fields, str(file))
        message = fault["msg"].removeprefix("Value error, ")  # pydantic's, before our own words
        faults.append("missing " + key if fault["type"] == "missing" else f"{key}: {message}")
    return BenchError(f"{file}: {'; '.join(faults)}")
