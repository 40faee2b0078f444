"""The check that methods can get their input from the data sets and regions of a protocol."""

from collections.abc import Sequence

from rppgbench.core.controls import BACKGROUND_ALONE, INPUT_CONTROLS
from rppgbench.core.features import WHOLE_FRAME
from rppgbench.core.protocol import Protocol
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.execution.job_dependencies import WITHOUT_REGION
from rppgbench.system.errors import BenchError


def check_inputs(protocol: Protocol, methods: Sequence[str], location: str) -> None:
    """Refuse methods that need a face or pictures where a protocol has neither.

    Args:
        protocol: the protocol, for its data sets, regions and conditions.
        methods: known methods, with the members of combinations.
        location: where the names come from, for messages.

    Raises:
        BenchError: `whole_frame` beside regions of a face, or with a method that needs a face; a
            data set of mean colours with another region, a condition, or a method that needs
            pictures.
    """
    available = load_datasets().available
    datasets = protocol.datasets_of(methods)
    traces = [name for name in datasets if name in available and available[name].mean_colours]
    if WHOLE_FRAME in protocol.regions and len(protocol.regions) > 1:
        of_faces = ", ".join(region for region in protocol.regions if region != WHOLE_FRAME)
        raise BenchError(
            f"{location}: regions has {WHOLE_FRAME}, for which no face is searched, beside "
            f"{of_faces}; run them as two protocols"
        )
    if traces and WHOLE_FRAME not in protocol.regions:
        raise BenchError(
            f"{location}: {traces[0]} holds mean colours of one region, which is called "
            f'{WHOLE_FRAME}; set regions = ["{WHOLE_FRAME}"]'
        )
    if traces and protocol.conditions:
        raise BenchError(
            f"{location}: {traces[0]} holds mean colours, and conditions change pictures; take a "
            "data set of videos, or conditions = []"
        )
    _check_controls(protocol, location)
    if WHOLE_FRAME not in protocol.regions:
        return
    for name in methods:
        needed = load_methods().available[name].input
        if traces and needed != "trace":
            raise BenchError(
                f"{location}: {name} needs pictures ({needed}), and {traces[0]} holds mean colours "
                "only; leave it out, or take a data set of videos"
            )
        if needed in WITHOUT_REGION or needed == "trace_background":
            raise BenchError(
                f"{location}: {name} needs a face ({needed}), and with the region {WHOLE_FRAME} "
                "none is searched for; leave it out"
            )


def _check_controls(protocol: Protocol, location: str) -> None:
    """Refuse input controls without the features that they are made from."""
    chosen = [name for name in protocol.controls if name in INPUT_CONTROLS]
    if not chosen:
        return
    if protocol.conditions and all(c.kind != "none" for c in protocol.conditions):
        raise BenchError(
            f"{location}: the control {chosen[0]} is made from untouched videos; add a condition "
            "of kind none, or leave the control out"
        )
    if BACKGROUND_ALONE in chosen and WHOLE_FRAME in protocol.regions:
        raise BenchError(
            f"{location}: the control {BACKGROUND_ALONE} needs what lies around a face, and with "
            f"the region {WHOLE_FRAME} no face is searched for; leave it out"
        )
