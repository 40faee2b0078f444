"""Which gaps of a printed table its people, or its recordings, can tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from rppgbench.evaluation.power import detectable_difference, paired_sd, printed_sd


@dataclass(frozen=True, kw_only=True)
class PrintedGap:
    """Two printed values of one column, and what their number of recordings can tell.

    Attributes:
        first: The method with the smaller error.
        second: The other.
        gap: Printed MAE of second less first, in bpm.
        sd: Standard deviation of the paired differences at the given correlation.
        detectable: The difference that is found with a chance of 80 %.
        is_detectable: Whether the gap is at least the detectable one.
    """

    first: str
    second: str
    gap: float
    sd: float
    detectable: float
    is_detectable: bool


def printed_gaps(
    printed: Sequence[tuple[str, float, float]], people: int, correlation: float
) -> list[PrintedGap]:
    """What the printed MAE and RMSE of one column can tell, of every pair of methods.

    The spread of the paired differences is not printed. It follows from that of each method, which
    is `printed_sd`, and from the correlation of both over people, which is assumed.

    Args:
        printed: Method, MAE and RMSE in bpm, all of the same recordings.
        people: The number of people, or of recordings where that of people is not known; then the
            detectable difference is too small.
        correlation: Of the absolute errors of two methods over people.

    Returns:
        The pairs, those of the smallest errors first.
    """
    order = sorted(printed, key=lambda row: (row[1], row[0]))
    gaps = []
    for better, worse in combinations(order, 2):
        sd = paired_sd(printed_sd(*better[1:]), printed_sd(*worse[1:]), correlation)
        detectable = detectable_difference(sd, people)
        gap = worse[1] - better[1]
        gaps.append(
            PrintedGap(
                first=better[0],
                second=worse[0],
                gap=gap,
                sd=sd,
                detectable=detectable,
                is_detectable=bool(gap >= detectable),
            )
        )
    return gaps
