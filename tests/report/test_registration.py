"""What a page says of a registration."""

from pathlib import Path

from rppgbench.core.registration import read_hypothesis
from rppgbench.execution.registering import register
from rppgbench.execution.run_options import RunOptions
from rppgbench.report.sections.registration import registration_lines


def test_hypotheses_that_the_page_cannot_test_are_not_called_unregistered() -> None:
    registration = register(
        "quickstart",
        RunOptions(methods=("pos", "green"), cache=Path("nowhere")),
        [read_hypothesis("pos < green")],
        evaluator="physbench",
        registered="2026-11-01T00:00:00+00:00",
        log=print,
    )
    (_, untested, _) = registration_lines(registration, [], [])
    assert "are not tested" in untested
    assert "--evaluator physbench" in untested
    without = registration.model_copy(update={"hypotheses": []})
    assert "No hypothesis was registered" in registration_lines(without, [], [])[1]
