"""The lines that mark an answer as of simulated or imported data."""

from collections.abc import Mapping, Sequence

from rppgbench.cli.terminal import answer
from rppgbench.report.data_marks import IMPORTED, simulated_text


def answer_marks(
    *, simulated: bool, imported: Mapping[str, str], twins: Sequence[str] = ()
) -> None:
    """Say first what the numbers of an answer do not stand for; nothing where they are genuine.

    Args:
        simulated: whether any recording is simulated.
        imported: methods whose predictions were imported, with the source of each.
        twins: the twins that simulated recordings were drawn from.
    """
    if simulated:
        answer(f"{simulated_text(twins)}: nothing here stands for a data set")
    for method, source in imported.items():
        answer(f"{IMPORTED}: {method} from {source}")
