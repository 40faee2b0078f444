"""The parameters of RS-rPPG as a typed record."""

from dataclasses import dataclass

from rppgbench.neural.parameters import SingleStageParameters, require_width
from rppgbench.system.errors import BenchError, unknown_name

ROWS = (32, 64)
KINDS = ("mstmap", "tmap")
"""What the network can read at test."""


def require_kind(kind: str) -> None:
    """BenchError for a map that there is not."""
    if kind not in KINDS:
        raise unknown_name("estimate_from", kind, KINDS, "rs_rppg")


@dataclass(frozen=True, kw_only=True)
class RsRppgParameters(SingleStageParameters):
    """The keyword parameters of `rs_rppg`, which describes them."""

    step_s: float
    rows: int
    width: int
    agreement_share: float
    agreement_weight: float
    margin: float
    estimate_from: str

    def __post_init__(self) -> None:
        """BenchError for a map that the network cannot take."""
        require_kind(self.estimate_from)
        if self.rows not in ROWS:
            raise BenchError(f"rs_rppg: rows is 32 or 64, not {self.rows}")
        require_width("rs_rppg", self.width, 3, "3 heads of attention in the first stage")

    @property
    def agreement_epochs(self) -> int:
        """How many epochs, of the first, learn from the agreement of spectra."""
        return int(self.agreement_share * self.epochs)
