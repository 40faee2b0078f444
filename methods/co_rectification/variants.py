"""The rows of the paper's table 3 as variants of co-rectification."""

from dataclasses import dataclass

from rppgbench.system.errors import BenchError


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """The losses of a row of the paper's table 3, and the number of networks.

    Attributes:
        pseudo: pseudo labels are learned from.
        gradual: the weight of the pseudo labels falls.
        ranked: spectral ranking.
        networks: one, or two that are updated in turn.
        corrected: a network's output replaces doubtful labels of the other network.
    """

    pseudo: bool = False
    gradual: bool = False
    ranked: bool = False
    networks: int = 1
    corrected: bool = False


VARIANTS = {
    "plain": Ingredients(),
    "pseudo": Ingredients(pseudo=True),
    "gradual": Ingredients(pseudo=True, gradual=True),
    "ranking": Ingredients(pseudo=True, gradual=True, ranked=True),
    "constant": Ingredients(pseudo=True, ranked=True, networks=2, corrected=True),
    "full": Ingredients(pseudo=True, gradual=True, ranked=True, networks=2, corrected=True),
    "uncorrected": Ingredients(pseudo=True, gradual=True, ranked=True, networks=2),
}


def ingredients(variant: str) -> Ingredients:
    """The ingredients of a variant; BenchError, with the known variants, for an unknown one."""
    if variant not in VARIANTS:
        raise BenchError(f"co_rectification: no variant {variant!r}. Known: {', '.join(VARIANTS)}.")
    return VARIANTS[variant]
